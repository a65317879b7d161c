"""A stack's settings: read once, validated whole."""

from settings.load import load
from settings.model import Settings

__all__ = ["Settings", "load"]
