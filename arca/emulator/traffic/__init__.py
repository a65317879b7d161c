"""Customers' traffic for the emulated cloud."""
