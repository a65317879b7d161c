"""The objectives of slo/, resolved against the catalogue and the runbooks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from arca.monitoring.board import bound
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.metric import Binding, Metric
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo.documents import Documents
from arca.monitoring.slo.goal import Goal
from arca.monitoring.slo.resolve import resolve


def goals(
    bind: Mapping[Binding, Sequence[object]] | None = None, *, directory: Path | None = None
) -> tuple[Goal, ...]:
    """Every objective, or those that a stack can measure: one without a probe has no canary.

    Raises Explained with every problem of the documents, each as `file:line`.
    """
    metrics = {identifier: _unfit(metric) for identifier, metric in CATALOGUE.items()}
    found = resolve(Documents.read(directory), metrics=metrics, runbooks=RUNBOOKS)
    if bind is None:
        return found
    return tuple(goal for goal in found if all(bound(r, bind) for r in goal.readings()))


def _unfit(metric: Metric) -> str:
    """Why a metric makes no indicator: an alarm reads one series, of its own region."""
    if metric.splits:
        return f"one series for each {' and '.join(metric.splits)}, and an alarm reads a single one"
    if "cache_node" in metric.dimensions.values():
        return "one series for each cache node, and an alarm reads a single one"
    if metric.region:
        return f"it stands in {metric.region}, and an alarm reads its own region"
    return ""
