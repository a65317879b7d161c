"""Schema migrations in phases: plan them, check them, and run them from the application's image."""
