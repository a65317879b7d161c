"""The search over many scenarios, and the worst that it found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arca.monitoring.alarm import Alarm, Alarms
from arca.monitoring.slo.objective import EventIndicator, Objective
from arca.monitoring.slo.proof.judge import FAILED, Judged, judge
from arca.monitoring.slo.proof.scenario import scenario

HANDFUL = 25
"""Failures that, at low traffic, are a large share of a month's budget and still a handful."""


@dataclass(frozen=True)
class Bounds:
    """What must hold in every scenario; the figures are those of a search, rounded up."""

    unpaged_percent: float
    """Most of the month's budget that a trouble which must page spends before its page, where
    that is more than a handful of failures."""
    after_recovery: int
    """Latest minute after the end of a trouble in which it still pages."""
    pages_an_incident: int
    """Most pages of a trouble, an escalation to SEV1 included."""
    needless: int = 0
    """Pages without trouble, or for fewer failures than the objective names."""


@dataclass(frozen=True)
class Proof:
    """What a search over scenarios found for an objective."""

    objective: str
    scenarios: int
    must_page: int
    """Scenarios in which somebody must be paged."""
    missed: int
    """Those among them without a page, whose trouble ended first."""
    once: int
    """Those among the paged ones with a single page."""
    worst: Mapping[str, Judged]
    """The worst scenario by figure."""

    def breaches(self, bounds: Bounds) -> Iterator[str]:
        """Yield a sentence for each bound that does not hold."""
        unpaged, after = self.worst["unpaged"], self.worst["after_recovery"]
        many, needless = self.worst["pages"], self.worst["needless"]
        if _unpaged(unpaged) > bounds.unpaged_percent:
            yield _sentence(unpaged, f"spends {unpaged.unpaged:.1f}% of the month's budget unpaged")
        if after.after_recovery > bounds.after_recovery:
            yield _sentence(after, f"pages {after.after_recovery} minutes after its end")
        if len(many.pages) > bounds.pages_an_incident:
            yield _sentence(many, f"pages {len(many.pages)} times")
        if needless.needless > bounds.needless:
            yield _sentence(needless, f"pages {needless.needless} times for nothing")

    def as_json(self) -> dict[str, Any]:
        """Return the search for `--json`."""
        return {
            "slo": self.objective,
            "scenarios": self.scenarios,
            "must_page": self.must_page,
            "missed": self.missed,
            "paged_once": self.once,
            "worst": {name: figures(one) for name, one in self.worst.items()},
        }


def prove(
    objective: Objective,
    alarms: Alarms,
    *,
    outage: Alarm | None,
    scenarios: int,
    seed: int = 0,
) -> Proof:
    """Judge an objective's alarms in `scenarios` scenarios, from `seed` on.

    `outage` is the alarm on most requests failing, for the objective that counts them.
    """
    found = [
        judge(objective, alarms, scenario(number), outage if _counts_failures(objective) else None)
        for number in range(seed, seed + scenarios)
    ]
    must = [one for one in found if one.must_page]
    paged = [one for one in must if one.pages]
    return Proof(
        objective=objective.name,
        scenarios=scenarios,
        must_page=len(must),
        missed=len(must) - len(paged),
        once=sum(1 for one in paged if len(one.pages) == 1),
        worst={
            "unpaged": max(must or found, key=_unpaged),
            "after_recovery": max(found, key=lambda one: one.after_recovery),
            "pages": max(found, key=lambda one: len(one.pages)),
            "needless": max(found, key=lambda one: one.needless),
        },
    )


def figures(judged: Judged) -> dict[str, Any]:
    """Return a scenario and what the alarms did in it; minutes are since the trouble began."""
    one = judged.scenario
    return {
        "seed": one.seed,
        "traffic": one.traffic,
        "a_minute": one.mean_a_minute,
        "trouble": one.trouble,
        "share": round(one.share, 4),
        "minutes": one.end - one.begin,
        "telemetry": one.telemetry,
        "pages": [minute - one.begin for minute in judged.pages],
        "tickets": [minute - one.begin for minute in judged.tickets],
        "spent_percent": round(judged.spent, 1),
        "unpaged_percent": round(judged.unpaged, 1),
        "unpaged_bad": judged.unpaged_bad,
        "after_recovery": judged.after_recovery,
        "needless": judged.needless,
    }


def _unpaged(judged: Judged) -> float:
    return judged.unpaged if judged.unpaged_bad > HANDFUL else 0.0


def _counts_failures(objective: Objective) -> bool:
    indicator = objective.indicator
    return isinstance(indicator, EventIndicator) and objective.counts(FAILED)


def _sentence(judged: Judged, what: str) -> str:
    one = judged.scenario
    return (
        f"seed {one.seed} ({one.trouble} of {one.end - one.begin} min at {one.share:.2%}, "
        f"{one.mean_a_minute:g} events a minute, {one.traffic}, telemetry {one.telemetry}) {what}"
    )
