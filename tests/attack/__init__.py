"""A seeded attack on the release commands; `make attack` runs it (CONTRIBUTING.md)."""
