"""The monitoring of a running stack: what reads CloudWatch, and what draws it."""
