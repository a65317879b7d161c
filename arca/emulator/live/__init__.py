"""What stands behind the emulated cloud's addresses: real databases, caches and processes."""
