"""What the journal of a failover holds, and who holds it.

Whether the process of another machine lives follows from the time since its last write. AWS's clock
tells both ends of that time, because the clocks of two operators may differ by minutes.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.naming import prefix
from arca.recovery.budgets import PhaseName
from arca.recovery.record import Moment, Phase
from arca.release.run_lock import has_ended_here
from arca.stack import Stack

DEAD_AFTER = timedelta(seconds=150)
"""Five beats: the operator's process has ended, or its network."""
MOST_BYTES = 8192
"""In the advanced tier (AWS Systems Manager User Guide, "Managing parameter tiers")."""


MoveKind = Literal["failover", "failback"]


class Entry(BaseModel):
    """What is known of a failover, or of a fail-back, so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    kind: MoveKind = "failover"
    run: str
    operator: str
    primary: str
    secondary: str
    declared: Moment
    beat: Moment
    failed: Moment | None = None
    """When the primary stopped, as far as anybody knows."""
    failed_at: Moment | None = None
    """When the primary was lost, as the operator says."""
    promotion_began: bool = False
    """Whether this failover may have promoted the standby's database."""
    served: Moment | None = None
    """When the customers were served by the standby."""
    accepted_loss_seconds: float | None = None
    without_fence: bool = False
    """Whether the primary is left as it is: its region is half lost, and no update of it ends.
    Its customers are sent away instead."""
    released: tuple[str, ...] = ()
    """The stacks of a fail-back whose old database and cache may be deleted."""
    generation: int | None = None
    """Of a fail-back: the number of the primary's next database."""
    standby_generation: int | None = None
    """Of a fail-back: the number of the DR stack's database that follows the primary in the end."""
    first_good_smoke: Moment | None = None
    alarms_green: Moment | None = None
    phases: tuple[Phase, ...] = ()
    """The phases that ended, whether well or not."""
    begun: tuple[PhaseName, Moment] | None = None
    """The phase that is under way, or that was when its process was killed."""

    def done(self, name: PhaseName) -> bool:
        """Return whether a phase has ended well."""
        outcomes = [one.outcome for one in self.phases if one.name == name]
        return bool(outcomes) and outcomes[-1] in ("OK", "SKIPPED")

    def tried(self, name: PhaseName) -> bool:
        """Return whether a phase has begun, however it ended."""
        under_way = self.begun is not None and self.begun[0] == name
        return under_way or any(one.name == name for one in self.phases)

    def skipped(self, name: PhaseName) -> bool:
        """Return whether a phase could not be done."""
        outcomes = [one.outcome for one in self.phases if one.name == name]
        return outcomes[-1:] == ["SKIPPED"]

    def text(self) -> str:
        """Return what the parameter holds: the oldest failed attempts give way where it is full."""
        entry, text = self, self.model_dump_json(exclude_none=True)
        while len(text.encode()) > MOST_BYTES and (spare := entry._repeated()) is not None:
            kept = (*entry.phases[:spare], *entry.phases[spare + 1 :])
            entry = entry.model_copy(update={"phases": kept})
            text = entry.model_dump_json(exclude_none=True)
        return text

    def _repeated(self) -> int | None:
        """Return the place of the oldest phase that was done again; None where none was."""
        names = [one.name for one in self.phases]
        return next((at for at, name in enumerate(names) if name in names[at + 1 :]), None)


@dataclass(frozen=True)
class Held:
    """A journal as AWS shows it."""

    entry: Entry
    version: int
    """The parameter's version; each write adds one."""
    silent: timedelta
    """How long before the answer it was written, by AWS's clock."""

    @property
    def dead(self) -> bool:
        """Whether its process has ended, as far as this machine can know."""
        return self.silent > DEAD_AFTER or has_ended_here(self.entry.run)


def waits_for_clean_up(entry: Entry) -> bool:
    """Return whether a fail-back has given the customers back, and may wait for some days."""
    return entry.kind == "failback" and entry.done("verify") and entry.begun is None


def parameter(standby: Stack) -> str:
    """Return the name of the parameter."""
    return f"/{prefix(standby.outputs.stack)}/operations/failover"


def read(standby: Stack) -> Held | None:
    """Return the journal of the failover that is under way; None where there is none.

    Raises ArcaError for one of another version.
    """
    name, ssm = parameter(standby), client(standby, "ssm")
    with explained(standby, "The failover's journal cannot be read"):
        try:
            found = ssm.get_parameter(Name=name)
        except ssm.exceptions.ParameterNotFound:
            return None
    content = found["Parameter"]
    # Every answer of AWS has this header (RFC 9110, section 6.6.1); without it nobody is dead.
    silent = timedelta(0)
    with suppress(KeyError, ValueError):
        date = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        silent = date - content["LastModifiedDate"]
    try:
        return Held(Entry.model_validate_json(content["Value"]), content["Version"], silent)
    except ValidationError as error:
        raise ArcaError(
            f"The failover's journal cannot be read: {error.errors(include_url=False)[0]['msg']}",
            where=f"the parameter {name} in {standby.outputs.region}, last written "
            f"{content['LastModifiedDate']:%Y-%m-%d %H:%M:%SZ}",
            wanted="a journal of this version of arca",
            do="go on with the version that began it; if nobody fails over, "
            f"`aws ssm delete-parameter --name {name} --region {standby.outputs.region}`",
        ) from None


def resume_command(entry: Entry) -> str:
    """Return the command that goes on with what a journal tells of."""
    other = "from" if entry.kind == "failback" else "to"
    stacks = f"--stack {entry.primary} --{other} {entry.secondary}"
    left = " --until clean-up" if entry.kind == "failback" and entry.done("verify") else ""
    return f"arca dr {entry.kind} {stacks} --resume{left}"


def refused(held: Held, standby: Stack) -> Refused:
    """Return the refusal of a second failover."""
    entry = held.entry
    do = (
        f"go on with it: `{resume_command(entry)}`"
        if held.dead
        else f"wait; resume it when it has been silent for {DEAD_AFTER.total_seconds():.0f} s"
    )
    return Refused(
        f"A {entry.kind} between {entry.primary} and {entry.secondary} is under way, by "
        f"{entry.operator} since {entry.declared:%H:%M:%SZ}; its last sign of life is "
        f"{max(held.silent.total_seconds(), 0):.0f} s old.",
        where=f"{parameter(standby)} in {standby.outputs.region}",
        wanted="one failover at a time",
        do=do,
    )


def returning(held: Held, standby: Stack) -> Refused:
    """Return the refusal of a failover while a fail-back is under way."""
    entry = held.entry
    return Refused(
        f"A fail-back from {entry.secondary} to {entry.primary} is under way, by "
        f"{entry.operator} since {entry.declared:%Y-%m-%d %H:%M:%SZ}; {entry.secondary} is no "
        "standby until it ends.",
        where=f"{parameter(standby)} in {standby.outputs.region}",
        wanted="a standby",
        do=f"go on with it: `{resume_command(entry)}`; where {entry.primary} is lost again: "
        "docs/disaster-recovery.md, `Lost again while failing back`",
    )


def lost(standby: Stack) -> Refused:
    """Return the refusal of a failover that is no longer this process's."""
    return Refused(
        "Somebody else has taken over this failover.",
        where=f"{parameter(standby)} in {standby.outputs.region}",
        wanted="one operator at a time",
        do="`arca dr status` says how far it is",
    )
