"""Read the objectives: OpenSLO documents, checked against the catalogue and the runbooks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, cast

from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE, Binding, Metric, is_bound
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.documents import Documents, PlacedSlo, refused
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, seconds
from arca.monitoring.slo.objective import (
    BurnRateAlert,
    EventIndicator,
    Objective,
    SliceIndicator,
)
from arca.monitoring.slo.openslo import (
    AlertConditionSpec,
    AlertPolicy,
    IndicatorSpec,
    MeasuredMetric,
    ThresholdOperator,
)
from arca.naming import SEVERITIES

if TYPE_CHECKING:
    from arca.naming import Severity

ANNOTATION_PREFIX = "arca-api/"
RUNBOOK, LEAST_BAD, THRESHOLD, TRACE_FILTER = ANNOTATIONS = (
    f"{ANNOTATION_PREFIX}runbook",
    f"{ANNOTATION_PREFIX}minimum-bad-events",
    f"{ANNOTATION_PREFIX}threshold-ms",
    f"{ANNOTATION_PREFIX}trace-filter",
)
"""The annotations that an SLO may have, besides those of others."""
DEFAULTS: Mapping[str, str] = {
    RUNBOOK: "",
    LEAST_BAD: "1",
    THRESHOLD: "",
    TRACE_FILTER: "",
}


def read_objectives(
    bindings: Mapping[Binding, Sequence[object]] | None = None, *, directory: Path | None = None
) -> tuple[Objective, ...]:
    """Read every objective, sorted by name, or those that a stack with `bindings` can measure.

    Raises Explained with every problem, each as `file:line`: what breaks OpenSLO, what CloudWatch
    cannot do, a metric that the catalogue lacks, a runbook that is not declared.
    """
    objectives: list[Objective] = []
    slos = Documents.read(directory).slos()
    problems = [*_two_thresholds(slos)]
    for slo in slos:
        found = list(_problems(slo))
        problems += [f"{slo.where}: {slo.document.metadata.name}: {problem}" for problem in found]
        if not found:
            objectives.append(_objective(slo))
    if problems:
        raise refused(problems)
    objectives.sort(key=lambda objective: objective.name)
    if bindings is None:
        return tuple(objectives)
    return tuple(
        objective
        for objective in objectives
        if all(is_bound(reading.metric, bindings) for reading in objective.readings())
    )


def thresholds(objectives: Iterable[Objective]) -> dict[str, int]:
    """Return the thresholds that the service counts by: milliseconds by environment variable."""
    return {
        CATALOGUE[objective.indicator.counted.metric].threshold_variable: objective.threshold_ms
        for objective in objectives
        if objective.threshold_ms is not None and isinstance(objective.indicator, EventIndicator)
    }


def _objective(slo: PlacedSlo) -> Objective:
    """Convert an SLO without problems."""
    metadata, spec = slo.document.metadata, slo.document.spec
    alerts = [_alert(policy) for policy in slo.policies]
    return Objective(
        name=metadata.name,
        title=metadata.display_name or metadata.name,
        description=_filled(slo, spec.description),
        service=spec.service,
        target=spec.objectives[0].share,
        indicator=_indicator(slo),
        alerts=tuple(sorted(alerts, key=lambda alert: (alert.severity, -alert.rate))),
        runbook=_annotation(slo, RUNBOOK),
        least_bad=int(_annotation(slo, LEAST_BAD)),
        trace_filter=_filled(slo, _annotation(slo, TRACE_FILTER)),
        threshold_ms=_threshold_ms(slo),
    )


def _threshold_ms(slo: PlacedSlo) -> int | None:
    text = _annotation(slo, THRESHOLD)
    return int(text) if text else None


def _filled(slo: PlacedSlo, text: str) -> str:
    """Return a text with the document's numbers in place of their names, such as `$target`.

    Raises KeyError for an unknown name, and ValueError for a `$` before anything else.
    """
    share, threshold_ms = slo.document.spec.objectives[0].share, _threshold_ms(slo)
    numbers = {"target": f"{100 * share:g}%", "budget": f"{100 * (1 - share):.4g}%"}
    if threshold_ms is not None:
        numbers |= {
            "threshold": f"{threshold_ms} ms",
            "threshold_seconds": f"{threshold_ms / 1000:g}",
        }
    return Template(text).substitute(numbers)


def _indicator(slo: PlacedSlo) -> EventIndicator | SliceIndicator:
    spec, target = _indicator_spec(slo), slo.document.spec.objectives[0]
    ratio = spec.ratio_metric
    if ratio is not None:
        return EventIndicator(
            counts="good" if ratio.good else "bad",
            counted=_reading(cast("MeasuredMetric", ratio.good or ratio.bad), "Sum"),
            total=_reading(cast("MeasuredMetric", ratio.total), "Sum"),
        )
    return SliceIndicator(
        reading=_reading(cast("MeasuredMetric", spec.threshold_metric), "Average"),
        op=cast("ThresholdOperator", target.op),
        value=cast("float", target.value),
        seconds=target.slice_seconds,
    )


def _alert(policy: AlertPolicy) -> BurnRateAlert:
    condition = policy.spec.conditions[0].spec
    burn = condition.condition
    return BurnRateAlert(
        name=policy.metadata.name,
        title=policy.metadata.display_name or policy.metadata.name,
        severity=cast("Severity", condition.severity),
        rate=burn.threshold,
        long=seconds(burn.lookback_window),
        short=seconds(burn.alert_after),
    )


def _reading(measured: MeasuredMetric, stat: str) -> Reading:
    spec = measured.metric_source.spec
    return Reading(str(spec["metric"]), str(spec.get("stat", stat)))


def _annotation(slo: PlacedSlo, key: str) -> str:
    return slo.document.metadata.annotations.get(key, DEFAULTS[key])


def _indicator_spec(slo: PlacedSlo) -> IndicatorSpec:
    return slo.document.spec.indicators()[0]


def _problems(slo: PlacedSlo) -> Iterator[str]:
    """Yield everything that CloudWatch's alarms, the catalogue or the runbooks refuse."""
    spec = slo.document.spec
    if len(spec.objectives) > 1 or spec.objectives[0].indicator:
        yield "a single objective can be compiled; write one document for each"
    window = spec.time_window[0] if spec.time_window else None
    if window is None or not window.is_rolling or seconds(window.duration) != BUDGET_DAYS * DAY:
        yield f"timeWindow must be one rolling window of {BUDGET_DAYS}d"
    yield from _indicator_problems(slo)
    indicator = _indicator_spec(slo)
    stat = "Average" if indicator.ratio_metric is None else "Sum"
    for measured in indicator.measured():
        yield from _metric_problems(measured, stat)
    yield from _annotation_problems(slo)
    yield from _alert_problems(slo)


def _indicator_problems(slo: PlacedSlo) -> Iterator[str]:
    spec, target = slo.document.spec, slo.document.spec.objectives[0]
    method, ratio = spec.budgeting_method, _indicator_spec(slo).ratio_metric
    if method == "RatioTimeslices":
        yield "RatioTimeslices averages ratios; use Occurrences or Timeslices"
    if ratio is not None and ratio.raw is not None:
        yield "a raw ratio cannot be summed; give good or bad, and total"
    if ratio is None and method == "Occurrences":
        yield "Occurrences need a ratioMetric; a thresholdMetric goes with Timeslices"
    if ratio is not None and method == "Timeslices":
        yield "Timeslices need a thresholdMetric here"
    if method == "Timeslices" and (target.slice_seconds % MINUTE or target.slice_seconds > HOUR):
        yield "timeSliceWindow must be whole minutes, an hour at most"
    if method == "Timeslices" and target.time_slice_target != 1:
        yield "timeSliceTarget must be 1: a slice is read once, and good or bad"


def _metric_problems(measured: MeasuredMetric, wanted_stat: str) -> Iterator[str]:
    spec = measured.metric_source.spec
    name = str(spec.get("metric", ""))
    if name not in CATALOGUE:
        yield f"the catalogue has no metric {name or '(spec.metric is missing)'}"
    else:
        yield from (f"metric {name}: {why}" for why in _several_series(CATALOGUE[name]))
    unknown = sorted(map(str, set(spec) - {"metric", "stat"}))
    if unknown:
        yield f"metricSource.spec knows metric and stat, not {', '.join(unknown)}"
    if spec.get("stat", wanted_stat) != wanted_stat:
        slices = wanted_stat == "Average"
        why = "a slice is read once" if slices else "ratios are never averaged"
        yield f"stat of {name}: {wanted_stat}, not {spec['stat']}; {why}"


def _several_series(metric: Metric) -> Iterator[str]:
    """Yield why a metric is no indicator: an alarm reads one series, of its own region."""
    if metric.splits:
        splits = " and ".join(metric.splits)
        yield f"one series for each {splits}, and an alarm reads a single one"
    elif "cache_node" in metric.dimensions.values():
        yield "one series for each cache node, and an alarm reads a single one"
    elif metric.region:
        yield f"it stands in {metric.region}, and an alarm reads its own region"


def _annotation_problems(slo: PlacedSlo) -> Iterator[str]:
    for key in sorted(slo.document.metadata.annotations):
        if key.startswith(ANNOTATION_PREFIX) and key not in ANNOTATIONS:
            yield f"annotation {key}: one of {', '.join(ANNOTATIONS)}"
    if _annotation(slo, RUNBOOK) not in RUNBOOKS:
        yield f"annotation {RUNBOOK}: one of {', '.join(sorted(RUNBOOKS))}"
    wrong = [
        key
        for key in (LEAST_BAD, THRESHOLD)
        if (text := _annotation(slo, key)) and not (text.isdecimal() and int(text))
    ]
    for key in wrong:
        yield f"annotation {key}: a whole number above 0, not {_annotation(slo, key)}"
    if THRESHOLD not in wrong:
        yield from _threshold_problems(slo)


def _threshold_problems(slo: PlacedSlo) -> Iterator[str]:
    """Yield a threshold that the service cannot count by, or lacks, and texts that name another."""
    ratio, given = _indicator_spec(slo).ratio_metric, _threshold_ms(slo) is not None
    metric = _metric_of(ratio.good) if ratio is not None else None
    variable = metric.threshold_variable if metric else ""
    if variable and not given:
        yield f"annotation {THRESHOLD} is missing: the service counts {metric and metric.id} by it"
    if given and not variable:
        takers = ", ".join(one.id for one in CATALOGUE.values() if one.threshold_variable)
        yield f"annotation {THRESHOLD} goes with good events of one of {takers}"
    texts = {
        "description": slo.document.spec.description,
        f"annotation {TRACE_FILTER}": _annotation(slo, TRACE_FILTER),
    }
    for place, text in texts.items():
        try:
            _filled(slo, text)
        except KeyError as unknown:
            yield f"{place}: ${unknown.args[0]} is no number of this document"
        except ValueError:
            yield f"{place}: a $ begins the name of a number, such as $target; $$ is a dollar sign"


def _two_thresholds(slos: Sequence[PlacedSlo]) -> Iterator[str]:
    """Yield the documents that give one metric another threshold than a document before them."""
    first: dict[str, tuple[str, str]] = {}
    for slo in slos:
        ratio, text = _indicator_spec(slo).ratio_metric, _annotation(slo, THRESHOLD)
        metric = _metric_of(ratio.good) if ratio is not None else None
        if metric is None or not text:
            continue
        where, before = first.setdefault(metric.id, (slo.where, text))
        if text != before:
            yield (
                f"{slo.where}: {slo.document.metadata.name}: annotation {THRESHOLD}: {before} as "
                f"in {where}, not {text}: the service counts {metric.id} by a single one"
            )


def _metric_of(measured: MeasuredMetric | None) -> Metric | None:
    if measured is None:
        return None
    return CATALOGUE.get(str(measured.metric_source.spec.get("metric", "")))


def _alert_problems(slo: PlacedSlo) -> Iterator[str]:
    target = slo.document.spec.objectives[0]
    names = [policy.metadata.name for policy in slo.policies]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"alert policy {name} stands there twice"
    for policy in slo.policies:
        name = policy.metadata.name
        problem = _condition_problem(policy.spec.conditions[0].spec)
        if problem:
            yield f"alert policy {name}: {problem}"
            continue
        alert = _alert(policy)
        if alert.rate * (1 - target.share) >= 1:
            yield (
                f"alert policy {name}: {alert.rate:g} times the budget is more than everything; "
                "no error rate reaches it"
            )
        elif target.slice_seconds and alert.long <= DAY and alert.short % target.slice_seconds:
            yield f"alert policy {name}: alertAfter must be whole slices"


def _condition_problem(spec: AlertConditionSpec) -> str:
    """Return what CloudWatch's alarms, or this project's, cannot do with a condition."""
    burn = spec.condition
    if spec.severity not in SEVERITIES:
        return f"severity {spec.severity}: one of {', '.join(SEVERITIES)}"
    if burn.op != "gt":
        return f"op {burn.op}: a burn alerts above its rate, gt"
    if burn.threshold <= 0:
        return f"threshold {burn.threshold:g}: a burn rate above 0"
    try:
        short = seconds(burn.alert_after)
    except ValueError:
        return f"alertAfter {burn.alert_after}: the short window, as 5m"
    return _windows_problem(seconds(burn.lookback_window), short)


def _windows_problem(long: int, short: int) -> str:
    if short >= long:
        return "alertAfter must be the shorter window"
    if long > DAY and (long > BUDGET_DAYS * DAY or long % HOUR or short % HOUR):
        return (
            "windows beyond a day are published once an hour: lookbackWindow and alertAfter must "
            f"be whole hours, {BUDGET_DAYS}d at most"
        )
    return ""
