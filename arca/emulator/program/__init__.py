"""Runs the Pulumi program without the Pulumi engine."""
