"""What customers saw, as numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arca.emulator.traffic.open_loop import Sent

PER_MILLE = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99.9": 999}
"""Whole numbers: with fractions, 99.9% of 1000 would be a little more than 999."""
LATE_SECONDS = 0.05
"""A request that is sent so much after its moment counts as late: this machine was too busy."""
LOST = ("failed", "unknown")
"""Outcomes of requests that got no answer that is one."""


@dataclass(frozen=True)
class Report:
    """The counts of a run."""

    sent: Sequence[Sent]
    statuses: Mapping[int, int]
    """Answers by status, those to tokens and repetitions too."""
    seconds: float
    """How long it took, with the last answers."""

    @property
    def outcomes(self) -> Counter[str]:
        """Requests by outcome."""
        return Counter(one.answered.outcome for one in self.sent)

    @property
    def lost(self) -> int:
        """Requests that failed, or whose outcome is unknown, after all repetitions."""
        return sum(self.outcomes[outcome] for outcome in LOST)

    @property
    def failed_attempts(self) -> Counter[str]:
        """Attempts that failed by class, also those that a repetition mended."""
        return Counter(
            attempt.failure
            for one in self.sent
            if one.answered.outcome != "rejected"
            for attempt in one.answered.attempts
            if attempt.failure is not None
        )

    @property
    def late(self) -> int:
        """Requests that were sent later than LATE_SECONDS after their moment."""
        return sum(one.delay > LATE_SECONDS for one in self.sent)

    def as_json(self) -> dict[str, Any]:
        """Return all counts; latencies are in milliseconds."""
        outcomes, failed = self.outcomes, self.failed_attempts
        answered = [one.latency for one in self.sent if one.answered.outcome not in LOST]
        return {
            "requests": len(self.sent),
            "seconds": round(self.seconds, 3),
            **{name: outcomes[name] for name in ("ok", "rejected", "pending", *LOST)},
            "lost": self.lost,
            "by_kind": dict(sorted(Counter(one.planned.kind for one in self.sent).items())),
            "failed_attempts": dict(sorted(failed.items())),
            "repeated": sum(len(one.answered.attempts) > 1 for one in self.sent),
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "late": self.late,
            "most_late_ms": _ms(max((one.delay for one in self.sent), default=0.0)),
            "latency_ms": percentiles(answered),
            "first_losses": self.first_losses(),
        }

    def first_losses(self, most: int = 10) -> list[str]:
        """Return why the first lost requests were lost."""
        lost = [one for one in self.sent if one.answered.outcome in LOST]
        return [
            f"{one.planned.at:.3f} s, {one.planned.kind} {one.planned.key}, "
            f"{one.answered.outcome}: {one.answered.attempts[-1].detail}"
            for one in sorted(lost, key=lambda one: one.planned.at)[:most]
        ]


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return percentiles in milliseconds by the nearest rank, and the maximum; empty for none."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    found = {
        name: _ms(ordered[-(-share * len(ordered) // 1000) - 1])
        for name, share in PER_MILLE.items()
    }
    return {**found, "max": _ms(ordered[-1])}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
