"""A resource that was made, as the state directory keeps it for the next update."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from arca.emulator.program.engine import Registration

EmulatedOutcome = Literal["created", "validated", "recorded"]
Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class MadeResource:
    """A resource with its inputs, its outputs and what an update has to know of it."""

    urn: str
    type: str
    name: str
    component: str
    provider: str
    region: str
    """Where its calls go."""
    inputs: Mapping[str, Any]
    tags: Mapping[str, str] | None
    """Its tags with the provider's default ones; None for a resource without tags."""
    protect: bool
    retain: bool
    id: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Inputs included, as the program got them."""
    outcome: EmulatedOutcome = "recorded"
    generation: int = 0
    """How often it was replaced: what replaces a resource has another name and another id."""

    @property
    def identity(self) -> "MadeResource":
        """The resource with a URN of its generation, from which names and ids are made up."""
        urn = f"{self.urn} {self.generation}" if self.generation else self.urn
        return replace(self, urn=urn)

    def state(self) -> dict[str, Any]:
        """Return what the parameters of calls are made from."""
        own = {"id": self.id, "_urn": self.urn, "_region": self.region}
        tags = {} if self.tags is None else {"tags": self.tags}
        return {**self.inputs, **self.outputs, **tags, **own}

    def with_flags(self, other: "MadeResource") -> "MadeResource":
        """Return the resource with what no call carries: flags, and where the program has it."""
        return replace(
            self,
            urn=other.urn,
            name=other.name,
            component=other.component,
            provider=other.provider,
            protect=other.protect,
            retain=other.retain,
        )


def wanted(
    registration: Registration,
    inputs: Mapping[str, Any],
    region: str,
    default_tags: Mapping[str, str],
) -> MadeResource:
    """Return what a program declares, before anything is made; the inputs may differ from its."""
    tags = {**default_tags, **inputs["tags"]} if "tags" in inputs else None
    return MadeResource(
        urn=registration.urn,
        type=registration.type,
        name=registration.name,
        component=registration.component,
        provider=registration.provider,
        region=region,
        inputs=inputs,
        tags=tags,
        protect=registration.protect,
        retain=registration.retain,
    )


@dataclass(frozen=True)
class Operation:
    """Calls about one resource that were begun, so that a repeat ends the same ones."""

    action: Action
    key: str
    """What the server knows these calls by (arca/emulator/ecs/once.py)."""
    wanted: MadeResource
    """What is there in the end; what is deleted, for a deletion."""
    before: MadeResource | None = None
    """What an update or a replacement changes."""
    inputs: tuple[str, ...] = ()
    """The inputs that an update changes."""
    condemned: int = 0
    """The number of a replaced resource that is deleted; 0 for any other."""
