"""Requests as they come: what is absent or null reads as nothing."""

from collections.abc import Mapping
from typing import Any


def part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A structure's member that is a structure itself."""
    return content.get(name) or {}


def parts(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A structure's member that is a list of structures."""
    return content.get(name) or []
