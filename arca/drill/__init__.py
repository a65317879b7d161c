"""A drill in the emulated cloud: a region is lost on purpose, under customers' requests."""
