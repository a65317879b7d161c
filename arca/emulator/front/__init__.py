"""The way of a customer's request in the emulated cloud."""
