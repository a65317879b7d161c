"""What a check of a restored database found."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["OK", "FAILED", "SKIPPED"]


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    outcome: Outcome
    seen: str

    def as_json(self) -> dict[str, str]:
        """Return the fields of the event `migration.check`."""
        return {"name": self.name, "outcome": self.outcome, "seen": self.seen}


def found(name: str, problems: list[str], good: str) -> Finding:
    """Return a finding: FAILED with the problems, or OK with what was seen."""
    return Finding(name, "FAILED" if problems else "OK", "; ".join(problems) or good)
