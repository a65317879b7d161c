"""The schema of the service's database; packages/arca-migrate runs it."""
