"""Releases: from an image to a verdict on what runs. Begin with steps.py, the state machine."""
