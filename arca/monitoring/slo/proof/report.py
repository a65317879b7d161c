"""The search over many scenarios, and the worst that it found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arca.monitoring.alarm import Alarm, Alarms
from arca.monitoring.slo.compiler import compile_objective
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.proof.bounds import Bounds, bounds_of
from arca.monitoring.slo.proof.judge import Judged, judge
from arca.monitoring.slo.proof.scenario import scenario
from arca.monitoring.table.api import outage
from arca.monitoring.thresholds import Thresholds

ENOUGH = 20
"""Troubles from which on their shares are compared with the bounds."""


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
    bounds: Bounds

    def breaches(self) -> Iterator[str]:
        """Yield a sentence for each bound that does not hold."""
        bounds = self.bounds
        unpaged, after = self.worst["unpaged"], self.worst["after_recovery"]
        many, needless = self.worst["pages"], self.worst["needless"]
        if self.unpaged_percent > bounds.unpaged_percent:
            yield _sentence(unpaged, f"spends {unpaged.unpaged:.1f}% of the month's budget unpaged")
        if after.after_recovery > bounds.after_recovery:
            yield _sentence(after, f"pages {after.after_recovery} minutes after its end")
        if len(many.pages) > bounds.pages_an_incident:
            yield _sentence(many, f"pages {len(many.pages)} times")
        if needless.needless > bounds.needless:
            yield _sentence(needless, f"pages {needless.needless} times for nothing")
        # Shares of a handful of troubles say nothing.
        if self.must_page < ENOUGH:
            return
        if self.missed_percent > bounds.missed_percent:
            yield f"{self.missed_percent:.1f}% of {self.must_page} troubles end before their page"
        if self.once_percent < bounds.once_percent:
            yield f"only {self.once_percent:.1f}% of {self.must_page} troubles page once"

    @property
    def missed_percent(self) -> float:
        """Percent of the troubles that must page and end before they do."""
        return 100 * self.missed / max(1, self.must_page)

    @property
    def once_percent(self) -> float:
        """Percent of the troubles that must page and do so once."""
        return 100 * self.once / max(1, self.must_page)

    @property
    def unpaged_percent(self) -> float:
        """Most of the month's budget that was spent before its page, beyond a handful."""
        return _unpaged(self.worst["unpaged"], self.bounds)

    def row(self) -> tuple[str, ...]:
        """Return the figures as a table shows them."""
        worst = self.worst
        return (
            self.objective,
            str(self.scenarios),
            str(self.must_page),
            str(self.missed),
            str(self.once),
            f"{self.unpaged_percent:.1f}%",
            str(worst["after_recovery"].after_recovery),
            str(len(worst["pages"].pages)),
            str(worst["needless"].needless),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the search for `--json`."""
        return {
            "slo": self.objective,
            "scenarios": self.scenarios,
            "must_page": self.must_page,
            "missed": self.missed,
            "paged_once": self.once,
            "breaches": list(self.breaches()),
            "worst": {name: figures(one) for name, one in self.worst.items()},
        }


def prove(
    objective: Objective,
    alarms: Alarms,
    *,
    outages: Sequence[Alarm],
    bounds: Bounds,
    scenarios: int,
    seed: int = 0,
) -> Proof:
    """Judge an objective's alarms in `scenarios` scenarios, from `seed` on.

    `outages` are the signs of an outage (see `judge`).
    """
    must = missed = once = 0
    worst: dict[str, Judged] = {}
    for number in range(scenarios):
        one = judge(objective, alarms, scenario(seed + number, objective), outages)
        for name, figure in _FIGURES.items():
            if name not in worst or figure(one, bounds) > figure(worst[name], bounds):
                worst[name] = one
        must += one.must_page
        missed += one.must_page and not one.pages
        once += one.must_page and len(one.pages) == 1
    return Proof(objective.name, scenarios, must, missed, once, worst, bounds)


def prove_declared(objective: Objective, *, scenarios: int, seed: int = 0) -> Proof:
    """Judge the alarms that a stack with the default thresholds declares for an objective."""
    return prove(
        objective,
        compile_objective(objective),
        outages=outage(Thresholds()).alarms,
        bounds=bounds_of(objective),
        scenarios=scenarios,
        seed=seed,
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


def _unpaged(judged: Judged, bounds: Bounds) -> float:
    within = judged.must_page and judged.unpaged_bad > bounds.handful
    return judged.unpaged if within else 0.0


_FIGURES: Mapping[str, Callable[[Judged, Bounds], float]] = {
    "unpaged": _unpaged,
    "after_recovery": lambda one, _: one.after_recovery,
    "pages": lambda one, _: len(one.pages),
    "needless": lambda one, _: one.needless,
}


def _sentence(judged: Judged, what: str) -> str:
    one = judged.scenario
    return (
        f"seed {one.seed} ({one.trouble} of {one.end - one.begin} min at {one.share:.2%}, "
        f"{one.mean_a_minute:g} events a minute, {one.traffic}, telemetry {one.telemetry}) {what}"
    )
