"""Smoke tests of a stack from outside."""
