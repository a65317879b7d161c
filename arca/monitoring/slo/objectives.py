"""Read the objectives: OpenSLO documents, checked against the catalogue and the runbooks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from arca.monitoring.catalogue import CATALOGUE, Binding, is_bound
from arca.monitoring.slo.annotations import (
    LEAST_BAD,
    RUNBOOK,
    THRESHOLD,
    TRACE_FILTER,
    annotation,
    annotation_faults,
    filled,
    threshold_ms,
    timed_metrics,
)
from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.documents import Documents, PlacedSlo
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, seconds
from arca.monitoring.slo.indicators import SOURCE_TYPE, indicator_faults, readings
from arca.monitoring.slo.objective import EventIndicator, Objective, SliceIndicator
from arca.monitoring.slo.openslo import (
    DataSourceSpec,
    IndicatorSpec,
    MeasuredMetric,
    ObjectiveTarget,
    SloSpec,
)
from arca.monitoring.slo.place import Fault, Place, Problem
from arca.monitoring.slo.policies import burn_alert, given_faults, policy_faults

if TYPE_CHECKING:
    from arca.monitoring.slo.openslo_parts import ThresholdOperator

CONNECTION = {"catalogue": "arca/monitoring/catalogue.py"}
"""What a data source may connect to: the stack's own CloudWatch, by the catalogue's ids."""


def read_objectives(
    bindings: Mapping[Binding, Sequence[object]] | None = None, *, directory: Path | None = None
) -> tuple[Objective, ...]:
    """Read every objective, sorted by name, or those that a stack with `bindings` can measure.

    Raises Explained with every problem, each as `file:line` of its key: what breaks OpenSLO, what
    CloudWatch cannot do, a metric that the catalogue lacks, a runbook that is not declared.
    """
    documents = Documents.load(directory)
    slos = documents.slos()
    documents.check(
        (
            *_unmeasurable(slos),
            *_two_thresholds(slos),
            *(
                one.place.problem(path, text)
                for one in documents.policies()
                for path, text in policy_faults(one)
            ),
            *(
                place.problem(path, f"data source {document.metadata.name}: {text}")
                for place, document in documents.data_sources()
                for path, text in _source_faults(document.spec)
            ),
        )
    )
    objectives = sorted(map(_objective, slos), key=lambda objective: objective.name)
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
        CATALOGUE[objective.indicator.counted[0].metric].threshold_variable: objective.threshold_ms
        for objective in objectives
        if objective.threshold_ms is not None and isinstance(objective.indicator, EventIndicator)
    }


def _objective(slo: PlacedSlo) -> Objective:
    """Convert an SLO without problems."""
    document = slo.document
    metadata, spec = document.metadata, document.spec
    alerts = [burn_alert(placed.policy) for _, placed in slo.policies]
    return Objective(
        name=metadata.name,
        title=metadata.display_name or metadata.name,
        description=filled(document, spec.description),
        service=spec.service,
        target=spec.objectives[0].share,
        indicator=_indicator(spec),
        alerts=tuple(sorted(alerts, key=lambda alert: (alert.severity, -alert.rate))),
        runbook=annotation(document, RUNBOOK),
        least_bad=int(annotation(document, LEAST_BAD)),
        trace_filter=filled(document, annotation(document, TRACE_FILTER)),
        threshold_ms=threshold_ms(document),
    )


def _indicator(slo: SloSpec) -> EventIndicator | SliceIndicator:
    ((_, spec),), target = slo.indicators(), slo.objectives[0]
    ratio = spec.ratio_metric
    if ratio is not None:
        return EventIndicator(
            counts="good" if ratio.good else "bad",
            counted=readings(cast("MeasuredMetric", ratio.good or ratio.bad), "Sum"),
            total=readings(cast("MeasuredMetric", ratio.total), "Sum"),
        )
    return SliceIndicator(
        reading=readings(cast("MeasuredMetric", spec.threshold_metric), "Average")[0],
        op=cast("ThresholdOperator", target.op),
        value=cast("float", target.value),
        seconds=target.slice_seconds,
    )


def _unmeasurable(slos: Iterable[PlacedSlo]) -> Iterator[Problem]:
    """Yield everything that CloudWatch's alarms, the catalogue or the runbooks refuse."""
    for slo in slos:
        name, faults = slo.document.metadata.name, [*_slo_faults(slo.document.spec)]
        faults += [*annotation_faults(slo.document), *given_faults(slo)]
        yield from (slo.place.problem(path, f"{name}: {text}") for path, text in faults)


def _slo_faults(spec: SloSpec) -> Iterator[Fault]:
    if len(spec.objectives) > 1:
        yield Fault(
            ("spec", "objectives", 1),
            "a single objective can be compiled; write one document for each",
        )
    window = spec.time_window[0] if spec.time_window else None
    if window is None or seconds(window.duration) != BUDGET_DAYS * DAY or not window.is_rolling:
        short = window is None or seconds(window.duration) != BUDGET_DAYS * DAY
        yield Fault(
            ("spec", "timeWindow", 0, "duration" if short else "isRolling"),
            f"timeWindow must be one rolling window of {BUDGET_DAYS}d",
        )
    if spec.budgeting_method == "RatioTimeslices":
        yield Fault(
            ("spec", "budgetingMethod"),
            "RatioTimeslices averages ratios; use Occurrences or Timeslices",
        )
    for number, target in enumerate(spec.objectives):
        for key, text in _target_faults(spec, target):
            yield Fault(("spec", "objectives", number, key), text)
    for path, indicator in spec.indicators():
        if path != ("spec", "indicator"):
            yield Fault(
                path, "an indicator of a composite cannot be compiled; write it into `spec`"
            )
        yield from _method_faults(spec, indicator)
        yield from (Fault((*path, *key), text) for key, text in indicator_faults(indicator))


def _method_faults(spec: SloSpec, indicator: IndicatorSpec) -> Iterator[Fault]:
    method = ("spec", "budgetingMethod")
    if indicator.ratio_metric is None and spec.budgeting_method == "Occurrences":
        yield Fault(
            method, "Occurrences need a ratioMetric; a thresholdMetric goes with Timeslices"
        )
    if indicator.ratio_metric is not None and spec.budgeting_method == "Timeslices":
        yield Fault(
            method, "Timeslices need a thresholdMetric here; a ratioMetric goes with Occurrences"
        )
    if indicator.ratio_metric is not None:
        for number, target in enumerate(spec.objectives):
            for key in ("op", "value"):
                if getattr(target, key) is not None:
                    yield Fault(
                        ("spec", "objectives", number, key),
                        f"{key} goes with a thresholdMetric, and this is a ratio; leave it out",
                    )


def _target_faults(spec: SloSpec, target: ObjectiveTarget) -> Iterator[tuple[str, str]]:
    """Yield the key of an objective, and what CloudWatch cannot do with it."""
    if "composite_weight" in target.model_fields_set:
        yield "compositeWeight", "compositeWeight weighs several objectives; leave it out"
    if spec.budgeting_method == "Occurrences":
        for key, given in (
            ("timeSliceTarget", target.time_slice_target),
            ("timeSliceWindow", target.time_slice_window),
        ):
            if given is not None:
                yield key, f"{key} goes with Timeslices, and this counts events; leave it out"
    if spec.budgeting_method != "Timeslices":
        return
    if target.slice_seconds % MINUTE or target.slice_seconds > HOUR:
        yield "timeSliceWindow", "timeSliceWindow must be whole minutes, an hour at most"
    if target.time_slice_target not in (None, 1):
        yield (
            "timeSliceTarget",
            "timeSliceTarget must be 1: a slice is read once, and good or bad",
        )


def _source_faults(spec: DataSourceSpec) -> Iterator[Fault]:
    if spec.type != SOURCE_TYPE:
        yield Fault(
            ("spec", "type"), f"type must be {SOURCE_TYPE}, not {spec.type}; nothing else is read"
        )
    for key in sorted(spec.connection_details):
        if spec.connection_details[key] != CONNECTION.get(key):
            known = ", ".join(f"{name}: {value}" for name, value in CONNECTION.items())
            yield Fault(
                ("spec", "connectionDetails", key),
                f"connectionDetails may say {known}; a stack reads its own account and region, so "
                f"leave {key} out",
            )


def _two_thresholds(slos: Sequence[PlacedSlo]) -> Iterator[Problem]:
    """Yield the documents that give one metric another threshold than a document before them."""
    first: dict[str, tuple[Place, str]] = {}
    for slo in slos:
        text, place = annotation(slo.document, THRESHOLD), _threshold_place(slo)
        for metric in timed_metrics(slo.document) if text else ():
            where, before = first.setdefault(metric.id, (place, text))
            if text != before:
                yield place.problem(
                    (),
                    f"{slo.document.metadata.name}: annotation {THRESHOLD}: {before} as in "
                    f"{where}, not {text}: the service counts {metric.id} by a single one",
                )


def _threshold_place(slo: PlacedSlo) -> Place:
    return slo.place.at("metadata", "annotations", THRESHOLD)
