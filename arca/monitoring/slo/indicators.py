"""The indicators that CloudWatch can measure, and why it cannot measure another."""

from collections.abc import Iterator
from typing import cast

from arca.monitoring.alarm import MOST_READINGS, Reading
from arca.monitoring.catalogue import CATALOGUE, Metric
from arca.monitoring.slo.openslo import IndicatorSpec, MeasuredMetric, RatioMetric
from arca.monitoring.slo.place import Fault, KeyPath

SOURCE_TYPE = "CloudWatch"
"""The only type of data source; OpenSLO v1 names it so ("DataSource")."""


def metric_names(measured: MeasuredMetric) -> tuple[str, ...]:
    """Return the catalogue's ids that a metric sums: `metric` is one id, or a list of them."""
    given = measured.metric_source.spec.get("metric")
    names = cast("list[object]", given) if isinstance(given, list) else [given]
    return tuple(str(name) for name in names if name not in (None, ""))


def readings(measured: MeasuredMetric, stat: str) -> tuple[Reading, ...]:
    """Return what a metric without faults reads."""
    return tuple(Reading(name, stat) for name in metric_names(measured))


def indicator_faults(indicator: IndicatorSpec) -> Iterator[Fault]:
    """Yield what an alarm cannot read, or would read and not obey; by the indicator's keys."""
    ratio = indicator.ratio_metric
    for path, measured in indicator.measured():
        yield from _metric_faults(path, measured, "Average" if ratio is None else "Sum")
    if ratio is not None:
        yield from _ratio_faults(("spec", "ratioMetric"), ratio)


def _ratio_faults(path: KeyPath, ratio: RatioMetric) -> Iterator[Fault]:
    if ratio.raw is not None:
        yield Fault((*path, "raw"), "a raw ratio cannot be summed; give good or bad, and total")
        return
    if not ratio.counter and "counter" in ratio.model_fields_set:
        yield Fault(
            (*path, "counter"),
            "counter must be true: an alarm sums counts; correct it, or leave it out",
        )
    kind, counted = ("good", ratio.good) if ratio.good else ("bad", ratio.bad)
    names = metric_names(cast("MeasuredMetric", counted))
    total = metric_names(cast("MeasuredMetric", ratio.total))
    if names and total and not set(total) - set(names):
        yield Fault(
            (*path, "total"), f"total: needs a metric that {kind} has not; all events are more"
        )
    number = len({*names, *total})
    if number > MOST_READINGS:
        yield Fault(
            path,
            f"{kind} and total have {number} metrics, and an alarm reads {MOST_READINGS} at most",
        )


def _metric_faults(path: KeyPath, measured: MeasuredMetric, wanted_stat: str) -> Iterator[Fault]:
    """Yield what is wrong with one metric; each text begins with its role: good, bad, total."""
    source, role = measured.metric_source, str(path[-1])
    if source.type not in ("", SOURCE_TYPE):
        yield Fault(
            (*path, "metricSource", "type"),
            f"{role}: metricSource.type must be {SOURCE_TYPE}, not {source.type}; change it, or "
            "leave it out",
        )
    where = (*path, "metricSource", "spec")
    for key in sorted(map(str, set(source.spec) - {"metric", "stat"})):
        yield Fault((*where, key), f"{role}: metricSource.spec knows metric and stat, not {key}")
    names = metric_names(measured)
    if not names:
        yield Fault(
            (*where, "metric"),
            f"{role}: metricSource.spec.metric is missing; give an id of the catalogue, or a list",
        )
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Fault((*where, "metric"), f"{role}: metric {name} stands there twice")
        if name not in CATALOGUE:
            yield Fault((*where, "metric"), f"{role}: the catalogue has no metric {name}")
        else:
            for why in _several_series(CATALOGUE[name]):
                yield Fault((*where, "metric"), f"{role}: metric {name}: {why}")
    slices = wanted_stat == "Average"
    if slices and len(names) > 1:
        yield Fault(
            (*where, "metric"), f"{role}: {len(names)} metrics, and a slice is read from one"
        )
    if source.spec.get("stat", wanted_stat) != wanted_stat:
        why = "a slice is read once" if slices else "ratios are never averaged"
        yield Fault(
            (*where, "stat"),
            f"{role}: stat of {', '.join(names)}: {wanted_stat}, not {source.spec['stat']}; {why}",
        )


def _several_series(metric: Metric) -> Iterator[str]:
    """Yield why a metric is no indicator: an alarm reads one series, of its own region."""
    if metric.splits:
        splits = " and ".join(metric.splits)
        yield f"one series for each {splits}, and an alarm reads a single one"
    elif "cache_node" in metric.dimensions.values():
        yield "one series for each cache node, and an alarm reads a single one"
    elif metric.region:
        yield f"it stands in {metric.region}, and an alarm reads its own region"
