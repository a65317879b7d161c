"""What the budgets' publisher must know of each objective, as slo/publisher.py reads it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.metric import OWN, Binding
from arca.monitoring.slo.cloudwatch import Reading
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.goal import Events, Goal


def describe(
    goals: Iterable[Goal], bind: Mapping[Binding, Sequence[object]], *, stage: str
) -> dict[str, Any]:
    """The content of `objectives.json`: metrics with the dimensions that a stack gives them."""
    return {
        "stage": stage,
        "namespace": OWN,
        "objectives": [_objective(goal, bind) for goal in goals],
    }


def _objective(goal: Goal, bind: Mapping[Binding, Sequence[object]]) -> dict[str, Any]:
    longer = {seconds for p in goal.policies if p.long > DAY for seconds in (p.long, p.short)}
    known: dict[str, Any] = {
        "name": goal.name,
        "target": goal.target,
        "least_bad": goal.least_bad,
        "burn_windows": {shorthand(seconds): seconds for seconds in sorted(longer)},
    }
    indicator = goal.indicator
    if not isinstance(indicator, Events):
        return known | {
            "slice": {
                "metric": _metric(indicator.reading, bind),
                "op": indicator.op,
                "value": indicator.value,
                "seconds": indicator.seconds,
            }
        }
    parts = {"good": indicator.good, "bad": indicator.bad, "total": indicator.total}
    return known | {
        "events": {
            key: _metric(reading, bind) for key, reading in parts.items() if reading is not None
        }
    }


def _metric(reading: Reading, bind: Mapping[Binding, Sequence[object]]) -> dict[str, Any]:
    metric = CATALOGUE[reading.metric]
    return {
        "namespace": metric.namespace,
        "name": metric.name,
        "stat": reading.stat,
        "dimensions": {name: bind[b][0] for name, b in metric.dimensions.items()},
    }
