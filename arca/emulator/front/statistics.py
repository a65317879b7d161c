"""Counts of the answers that customers and other clients of the front got."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What became of a request; empty where it came no further."""

    status: int
    region: str = ""
    group: str = ""
    """The target group's name."""
    target: str = ""
    reason: str = ""
    """Why the front answered itself; empty for a target's own answer."""


@dataclass
class Statistics:
    """The counts since the start, or since they were reset."""

    in_flight: int = 0
    broken: int = 0
    """Answers that a target began and did not finish."""
    _counts: Counter[Outcome] = field(default_factory=Counter[Outcome])

    def count(self, outcome: Outcome) -> None:
        """Count an answer."""
        self._counts[outcome] += 1

    def reset(self) -> None:
        """Begin again at zero; requests in flight stay."""
        self._counts.clear()
        self.broken = 0

    def as_json(self) -> dict[str, Any]:
        """Return the counts by status, and the counts by status of each part of the way."""
        return {
            "requests": sum(self._counts.values()),
            "in_flight": self.in_flight,
            "broken": self.broken,
            "by_status": self._by_status(self._counts),
            **{
                f"by_{part}": self._by("target_group" if part == "target_group" else part)
                for part in ("region", "target_group", "target", "reason")
            },
        }

    def _by(self, part: str) -> dict[str, dict[str, int]]:
        name = "group" if part == "target_group" else part
        found: dict[str, Counter[Outcome]] = {}
        for outcome, number in self._counts.items():
            key: str = getattr(outcome, name)
            if key:
                found.setdefault(key, Counter())[outcome] += number
        return {key: self._by_status(counts) for key, counts in sorted(found.items())}

    @staticmethod
    def _by_status(counts: Counter[Outcome]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for outcome, number in counts.items():
            found[str(outcome.status)] += number
        return dict(sorted(found.items()))
