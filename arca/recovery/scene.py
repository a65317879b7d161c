"""Where a failover takes place, and what it may ask of the world outside of AWS's API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arca.clock import Clock
from arca.smoke.suite import SmokeReport
from arca.stack import Stack

EMULATED_LOOK_SECONDS = 0.2
Update = Callable[[str, Mapping[str, Any]], None]
"""Updates a stack with some settings changed, as `pulumi up` does; raises ArcaError."""


@dataclass(frozen=True)
class Scene:
    """The two stacks of a failover.

    An update changes a stack's exports, so that each step finds the stacks anew.
    """

    primary_name: str
    standby_name: str
    find: Callable[[str], Stack]
    update: Update
    smoke: Callable[[Stack], SmokeReport]
    """Tests a stack by a way that does not depend on the customers' DNS."""
    smoke_as_customer: Callable[[Stack], SmokeReport]
    """Tests what the customers' name leads to."""
    clock: Clock
    say: Callable[[str], None]
    leads_elsewhere: Callable[[Stack, Stack], str | None] = lambda _primary, _standby: None
    """Says where the primary's name for its customers leads, unless it leads to the standby."""
    generation: int | None = None
    """The number of the primary's next database, where the primary is to serve again."""

    def pause(self, stack: Stack, seconds: float) -> None:
        """Wait before the next look at a stack; the emulated cloud is looked at more often."""
        self.clock.sleep(seconds if stack.endpoint is None else EMULATED_LOOK_SECONDS)

    @property
    def back(self) -> bool:
        """Whether it is a fail-back."""
        return self.generation is not None

    @property
    def resume(self) -> str:
        """The command that goes on with this, for a message."""
        return resume(self.primary_name, self.standby_name, self.generation)

    @property
    def primary(self) -> Stack:
        """The primary with its exports, which are not in its region."""
        return self.find(self.primary_name)

    @property
    def standby(self) -> Stack:
        """The standby with its exports."""
        return self.find(self.standby_name)


def resume(primary: str, standby: str, generation: int | None) -> str:
    """Return the command that goes on with a failover, or with a fail-back to a generation."""
    if generation is None:
        return f"arca dr failover --stack {primary} --to {standby} --resume"
    return f"arca dr failback --stack {primary} --from {standby} --generation {generation} --resume"
