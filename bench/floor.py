"""The floor: the SDK classes that prod uses, and as many bare resources with as many outputs.

An output of a resource costs the SDK a task of its event loop, whether or not it is read, and it
waits for all of them over and over; the floor has as many, so that the ratio is our own share.
"""

from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
import pulumi_tls as tls

PACKAGES: dict[str, Any] = {"aws": aws, "cloudflare": cloudflare, "random": random, "tls": tls}


class Bare(pulumi.CustomResource):
    """A resource with three plain inputs, so many outputs and nothing else."""

    def __init__(self, name: str, outputs: int) -> None:
        unset = dict.fromkeys(f"output_{number}" for number in range(outputs))
        super().__init__("bench:index:Bare", name, {"a": "text", "b": 1, "c": {"d": "e"}, **unset})


def outputs(kind: str) -> int:
    """How many outputs a resource of this type has; loads its class, as a first use does."""
    package, module, name = kind.split(":")
    space = module.split("/")[0]
    space += "_" if iskeyword(space) else ""
    holder = PACKAGES[package] if space == "index" else getattr(PACKAGES[package], space)
    kept: Any = getattr(holder, name)
    return sum(isinstance(getattr(kept, member), property) for member in dir(kept))


def declare_floor(kinds: Mapping[str, int], others: int) -> None:
    """Register a bare resource for each of prod's, components (`others`) included."""
    for kind, count in kinds.items():
        number = outputs(kind)
        for position in range(count):
            Bare(f"{kind}-{position}", number)
    for position in range(others):
        Bare(f"other-{position}", 0)
