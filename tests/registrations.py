"""Declared resources that stand alone, without a run of the program."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.program.engine import Registration


def registration(urn: str, inputs: Mapping[str, Any]) -> Registration:
    """Return a resource with these inputs; the URN gives its type and its logical name."""
    *_, types, name = urn.split("::")
    return Registration(
        urn=urn,
        type=types.rpartition("$")[2],
        name=name,
        inputs=inputs,
        secret_inputs=frozenset(),
        parent="",
        provider="",
        custom=True,
        protect=False,
        retain=False,
        dependencies=frozenset(),
        ignore_changes=(),
        aliases=(),
        component="",
    )
