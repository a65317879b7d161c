"""Disaster recovery: readiness, the estimate of its duration, its records, and their checks."""
