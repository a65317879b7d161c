"""Releases: from an image to a verdict on what runs."""
