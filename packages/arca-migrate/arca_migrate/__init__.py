"""Schema migrations in phases: what is pending, whether it is safe, and the runner of the image."""
