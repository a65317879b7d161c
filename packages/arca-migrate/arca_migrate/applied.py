"""A line of the audit table: which release applied which revision, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from arca_migrate.phase import Phase


@dataclass(frozen=True)
class Applied:
    """A revision that a runner has applied."""

    revision: str
    phase: Phase
    release: str | None
    """None where whoever ran it named none."""
    applied_at: datetime
    """Aware."""
    seconds: float

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `as_json` made. Raises KeyError or ValueError for anything else."""
        return cls(
            revision=str(content["revision"]),
            phase=Phase(content["phase"]),
            release=content["release"],
            applied_at=datetime.fromisoformat(content["applied_at"]),
            seconds=float(content["seconds"]),
        )

    def as_json(self) -> dict[str, Any]:
        """As the event `migration.history` has it."""
        return {
            "revision": self.revision,
            "phase": self.phase.value,
            "release": self.release,
            "applied_at": utc(self.applied_at),
            "seconds": self.seconds,
        }


def utc(moment: datetime) -> str:
    """A moment as the log contract writes it, with milliseconds and `Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
