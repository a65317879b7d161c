"""What a release's journal says: one SSM parameter holds it, as JSON."""

import getpass
import os
import socket
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field, TypeAdapter

from arca.release.steps import Step
from arca.stack import Stack

ROLLBACK = "rollback"
"""The `what` of an entry that a rollback holds."""
MIGRATION = "migrate"
"""The `what` of an entry that a migration holds; it has no step to resume."""


@dataclass(frozen=True)
class ReleaseOptions:
    """Release options, stored so that a resumed release keeps them."""

    override: tuple[str, ...] = ()
    """Gates to open though they are closed."""
    reason: str | None = None
    """Why they are opened."""
    migrate: bool = True
    hold: bool = False
    """Leave a paused deployment to `arca promote`."""
    rollback_on_interrupt: bool = False
    timeout: timedelta = timedelta(hours=2)
    """How long the deployment is watched."""
    emergency: bool = False
    """Deploy all at once, without pause, bake and alarms (configuration.py)."""

    def resumed_with(self, now: "ReleaseOptions") -> "ReleaseOptions":
        """Return these options of the release, and what the operator who resumes it adds."""
        return replace(
            now,
            override=tuple(dict.fromkeys((*self.override, *now.override))),
            reason=now.reason or self.reason,
            migrate=self.migrate and now.migrate,
            hold=self.hold or now.hold,
            rollback_on_interrupt=self.rollback_on_interrupt or now.rollback_on_interrupt,
            emergency=self.emergency,
        )


@dataclass(frozen=True)
class JournalEntry:
    """The parameter's content; the names of the JSON fields are stored and never change."""

    run: str
    """Random id of the process that holds the lock; nothing else tells whose lock it is."""
    owner: str
    """Its user, machine and process number, for a person."""
    since: AwareDatetime
    beat: AwareDatetime
    """The latest heartbeat by the holder's own clock, for a person."""
    what: str
    """`deploy`, `rollback`, `follow` for a deployment that somebody else began, or `migrate`."""
    image: str
    step: Step = Step.PREFLIGHT
    source: str | None = None
    """The task definition that ran before the release."""
    task_definition: str | None = None
    """The task definition that the release deploys."""
    template: str | None = None
    """The family's latest revision before a deregistered one was registered again."""
    newest: str | None = None
    """ARN of the newest deployment that ECS had before this release asked for its own."""
    tasks: int | None = None
    """The number of tasks that the release gives a service without any; None where it has some."""
    deployment: str | None = None
    """ARN of the release's deployment."""
    options: Annotated[ReleaseOptions, Field(alias="wishes")] = field(
        default_factory=ReleaseOptions
    )

    @property
    def token(self) -> str:
        """Name of the release's migration task, which stays the same when it is resumed."""
        return f"arca-{self.since:%Y%m%dT%H%M%S%f}"


ENTRY = TypeAdapter(JournalEntry)


def parameter_name(stack: Stack) -> str:
    """Return the parameter's name, also for a stack named `organization/project/stack`."""
    return f"/arca-{stack.name.rpartition('/')[2]}/operations/release"


def this_process() -> str:
    """Return the user, the machine and the number of this process."""
    return f"{_user()}@{socket.gethostname()} (process {os.getpid()})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name; which of the two is raised depends on
        # Python's version.
        return f"uid {os.getuid()}"
