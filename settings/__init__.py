"""A stack's settings: read once, validated as a whole."""

from settings.load import load
from settings.model import Settings
from settings.place import cloudflare_zone, place, released

__all__ = ["Settings", "cloudflare_zone", "load", "place", "released"]
