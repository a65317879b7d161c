"""Where a failover takes place, and what it may ask of the world outside of AWS's API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arca.clock import Clock
from arca.recovery.budgets import PhaseName
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
    back: bool = False
    """Whether the primary is to serve again."""
    until: PhaseName = "verify"
    """The phase that the command stops after."""

    def pause(self, stack: Stack, seconds: float) -> None:
        """Wait before the next look at a stack; the emulated cloud is looked at more often."""
        self.clock.sleep(seconds if stack.endpoint is None else EMULATED_LOOK_SECONDS)

    @property
    def resume(self) -> str:
        """The command that goes on with this, for a message."""
        return self.command("--resume", until=self.until)

    def command(self, *words: str, until: PhaseName = "verify") -> str:
        """Return a command about these stacks with more words, for a message."""
        more = (*words, *(() if until == "verify" else ("--until", until)))
        return " ".join((move(self.primary_name, self.standby_name, back=self.back), *more))

    @property
    def primary(self) -> Stack:
        """The primary with its exports, which are not in its region."""
        return self.find(self.primary_name)

    @property
    def standby(self) -> Stack:
        """The standby with its exports."""
        return self.find(self.standby_name)


def move(primary: str, standby: str, *, back: bool) -> str:
    """Return the command that moves the service from one stack to the other."""
    verb, preposition = ("failback", "from") if back else ("failover", "to")
    return f"arca dr {verb} --stack {primary} --{preposition} {standby}"
