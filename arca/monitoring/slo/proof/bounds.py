"""What must hold in every scenario of the proof, by the kind of objective.

The bounds are the worst figures of 2000 scenarios of each objective, seeds 0 to 1999, rounded up:
`arca slo prove --scenarios 2000 --json > docs/proof.json`. For events the budget's share was 60.4%,
the last page 47 minutes after the end, 16 pages at most, and 82% paged once; for slices 23.1%, 54,
11 and 75.8%. A held page may come 70 minutes after an outage's end: 75 minutes are allowed.
"""

from dataclasses import dataclass

from arca.monitoring.slo.objective import Objective, SliceIndicator


@dataclass(frozen=True)
class Bounds:
    """Figures that no scenario may exceed."""

    unpaged_percent: float
    """Most of the month's budget that a trouble which must page spends before its page, where
    that is more than a handful of failures."""
    after_recovery: int
    """Latest minute after the end of a trouble in which it still pages."""
    pages_an_incident: int
    """Most pages of a trouble, an escalation to SEV1 included."""
    needless: int
    """Pages while no budget burned fast, or for fewer failures than the objective names."""
    missed_percent: float
    """Most of the troubles that must page and end before they do."""
    once_percent: float
    """Fewest of the troubles that must page and do so once."""
    handful: int
    """Failures that, at low traffic, are a large share of a month's budget and still a handful."""


EVENTS = Bounds(
    unpaged_percent=65,
    after_recovery=75,
    pages_an_incident=20,
    needless=0,
    missed_percent=5,
    once_percent=75,
    handful=25,
)
SLICES = Bounds(
    unpaged_percent=30,
    after_recovery=75,
    pages_an_incident=15,
    needless=0,
    missed_percent=5,
    once_percent=70,
    handful=0,
)


def bounds_of(objective: Objective) -> Bounds:
    """Return the bounds of an objective's kind."""
    return SLICES if isinstance(objective.indicator, SliceIndicator) else EVENTS
