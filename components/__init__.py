"""The components of the platform: each file has its settings, a pure plan and its resources."""
