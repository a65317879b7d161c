"""The answer to "does A reach B": a path, or the first obstacle on it.

A walk is a generator. It yields a hop for each resource that lets the traffic through, returns what
the next walk needs, and raises Blocked at the first resource that does not.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from arca.graph import Resource

T = TypeVar("T")

Cause = Literal[
    "none here",
    "name",
    "no address",
    "egress rule",
    "ingress rule",
    "network ACL",
    "route",
    "gateway",
    "listener",
    "certificate",
    "host",
    "answer",
    "no task",
    "port",
]
"""What an obstacle is, in the words of the matrix."""


@dataclass(frozen=True)
class Hop:
    """A resource and the rule in it that lets the traffic through."""

    resource: str
    rule: str

    def as_json(self) -> dict[str, Any]:
        """Return the hop as `--json` prints it."""
        return {"resource": self.resource, "rule": self.rule}


@dataclass(frozen=True)
class Obstacle:
    """The first resource that stops the traffic, and what it lacks."""

    cause: Cause
    resource: str
    lacks: str

    def as_json(self) -> dict[str, Any]:
        """Return the obstacle as `--json` prints it."""
        return {"cause": self.cause, "resource": self.resource, "lacks": self.lacks}


@dataclass(frozen=True)
class Answer:
    """Whether a place reaches another one; the path leads to the obstacle where there is one."""

    source: str
    target: str
    port: int
    path: tuple[Hop, ...]
    obstacle: Obstacle | None = None

    @property
    def reached(self) -> bool:
        """True where nothing stops the traffic."""
        return self.obstacle is None

    def as_json(self) -> dict[str, Any]:
        """Return the answer as `--json` prints it."""
        return {
            "from": self.source,
            "to": self.target,
            "port": self.port,
            "reached": self.reached,
            "path": [hop.as_json() for hop in self.path],
            "obstacle": self.obstacle.as_json() if self.obstacle else None,
        }


Walk = Generator[Hop, None, T]


class Blocked(Exception):
    """The traffic ends here."""

    def __init__(self, cause: Cause, resource: Resource | str, lacks: str) -> None:
        super().__init__(lacks)
        label = resource if isinstance(resource, str) else resource.label
        self.obstacle = Obstacle(cause, label, lacks)


def through(resource: Resource, rule: str) -> Hop:
    """Return the hop through a resource."""
    return Hop(resource.label, rule)


def every(walks: Iterable[Walk[T]]) -> Walk[list[T]]:
    """Walk each way, for each zone has one: the hops are those of the first way.

    Raises Blocked for the first way that is blocked, so that no zone is forgotten.
    """
    found: list[T] = []
    for walk in walks:
        hops, result = finish(walk)
        if not found:
            yield from hops
        found.append(result)
    return found


def finish(walk: Walk[T]) -> tuple[list[Hop], T]:
    """Return the hops of a walk and what it returns; raises Blocked where it is blocked."""
    hops: list[Hop] = []
    while True:
        try:
            hops.append(next(walk))
        except StopIteration as end:
            return hops, end.value
