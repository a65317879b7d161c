"""Migrations: rules on text, and the runner against a real PostgreSQL."""
