"""Why `arca` ended a deployment: one SSM parameter keeps the latest reasons.

ECS itself keeps only "StopServiceDeployment was called." The journal is deleted with its release,
so it cannot keep the reason for `arca history` and `arca why`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release import journal_entry
from arca.release.service import EcsDeployment, short
from arca.stack import Stack

MOST_CHARACTERS = 500
"""The longest reason that is kept; a longer one is cut."""
MOST_BYTES = 4096
"""The most that a standard parameter holds (SSM API Reference, PutParameter)."""


@dataclass(frozen=True)
class GivenReason:
    """A reason; the names of the JSON fields are stored and never change."""

    deployment: str
    """Id of the service deployment; the revision of a release that ended before it had one."""
    at: datetime
    by: str
    """User, machine and process that found the reason."""
    why: str

    def in_words(self, deployment: EcsDeployment) -> str:
        """Return who acted and why; a deployment that succeeded was not stopped."""
        what = "noted" if deployment.status == "SUCCESSFUL" else "stopped the deployment"
        return f"`arca` {what}: {self.why}"


REASONS = TypeAdapter(list[GivenReason])


def parameter_name(stack: Stack) -> str:
    """Return the name of the parameter with the reasons."""
    return f"{journal_entry.parameter_name(stack).rpartition('/')[0]}/reasons"


def note_reason(stack: Stack, arn: str, why: str, *, at: datetime) -> None:
    """Keep the reason; where it cannot be kept, the release continues without it.

    `arn` is that of the deployment, or of the task definition where no deployment began.
    """
    one = GivenReason(short(arn), at, journal_entry.this_process(), why[:MOST_CHARACTERS])
    with suppress(ArcaError):
        kept = [one, *(old for old in _read(stack) if old.deployment != one.deployment)]
        # An older reason gives way to a newer one.
        while len(REASONS.dump_json(kept)) > MOST_BYTES:
            kept.pop()
        with explained(stack, "The reason cannot be kept"):
            client(stack, "ssm").put_parameter(
                Name=parameter_name(stack),
                Value=REASONS.dump_json(kept).decode(),
                Type="String",
                Overwrite=True,
            )


def read_reasons(stack: Stack) -> Mapping[str, GivenReason]:
    """Return the reasons that are kept, by the deployment's id; ArcaError where AWS refuses."""
    return {one.deployment: one for one in _read(stack)}


def _read(stack: Stack) -> list[GivenReason]:
    ssm = client(stack, "ssm")
    with explained(stack, "The reasons of past deployments cannot be read"):
        try:
            value = ssm.get_parameter(Name=parameter_name(stack))["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return []
    try:
        return REASONS.validate_json(value)
    except ValidationError:
        # The next reason replaces what this version cannot read.
        return []
