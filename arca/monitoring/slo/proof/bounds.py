"""What must hold in every scenario of the proof, by the kind of objective."""

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
    """Pages without trouble, or for fewer failures than the objective names."""
    handful: int
    """Failures that, at low traffic, are a large share of a month's budget and still a handful."""


EVENTS = Bounds(100, 100, 4, 0, handful=25)
SLICES = Bounds(100, 100, 4, 0, handful=0)


def bounds_of(objective: Objective) -> Bounds:
    """Return the bounds of an objective's kind."""
    return SLICES if isinstance(objective.indicator, SliceIndicator) else EVENTS
