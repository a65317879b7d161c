"""The publisher's input: what publisher.py must know of each objective, written by the stack."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE, OWN_NAMESPACE, Binding
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.objective import EventIndicator, Objective


def publisher_input(
    objectives: Iterable[Objective], bindings: Mapping[Binding, Sequence[object]], *, stage: str
) -> dict[str, Any]:
    """Return the content of `objectives.json`: each metric with a stack's own dimensions."""
    return {
        "stage": stage,
        "namespace": OWN_NAMESPACE,
        "objectives": [_objective(objective, bindings) for objective in objectives],
    }


def _objective(
    objective: Objective, bindings: Mapping[Binding, Sequence[object]]
) -> dict[str, Any]:
    longer = {seconds for p in objective.alerts if p.long > DAY for seconds in (p.long, p.short)}
    known: dict[str, Any] = {
        "name": objective.name,
        "target": objective.target,
        "least_bad": objective.least_bad,
        "burn_windows": {shorthand(window): window for window in sorted(longer)},
    }
    indicator = objective.indicator
    if not isinstance(indicator, EventIndicator):
        return known | {
            "slice": {
                "metric": _metric(indicator.reading, bindings),
                "op": indicator.op,
                "value": indicator.value,
                "seconds": indicator.seconds,
            }
        }
    return known | {
        "events": {
            indicator.counts: [_metric(one, bindings) for one in indicator.counted],
            "total": [_metric(one, bindings) for one in indicator.total],
        }
    }


def _metric(reading: Reading, bindings: Mapping[Binding, Sequence[object]]) -> dict[str, Any]:
    metric = CATALOGUE[reading.metric]
    return {
        "namespace": metric.namespace,
        "name": metric.name,
        "stat": reading.stat,
        "dimensions": {name: bindings[binding][0] for name, binding in metric.dimensions.items()},
    }
