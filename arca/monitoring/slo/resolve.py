"""From OpenSLO documents to objectives, or to what CloudWatch cannot do of them."""

from collections.abc import Collection, Iterator, Mapping
from typing import cast

from arca.monitoring.slo import model, parts, policy
from arca.monitoring.slo.cloudwatch import SEVERITIES, Reading, Severity
from arca.monitoring.slo.documents import Documents, refused
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, seconds
from arca.monitoring.slo.goal import BUDGET_DAYS, Events, Goal, Policy, Slices

PREFIX = "arca-api/"
RUNBOOK, LEAST_BAD, LOST_AFTER, TRACES = ANNOTATIONS = (
    f"{PREFIX}runbook",
    f"{PREFIX}minimum-bad-events",
    f"{PREFIX}lost-after-requests",
    f"{PREFIX}trace-filter",
)
"""Annotations of an objective."""


def resolve(
    documents: Documents, *, metrics: Mapping[str, str], runbooks: Collection[str]
) -> tuple[Goal, ...]:
    """Read every objective, by name; `metrics` say why each of them makes no indicator, or "".

    Raises Explained with every problem, each as `file:line`: what OpenSLO allows and CloudWatch
    cannot do, a metric that the catalogue has not, a runbook that nobody declared.
    """
    goals: list[Goal] = []
    problems: list[str] = []
    for document, where in documents.slos():
        reader = _Reader(documents, document, metrics, runbooks)
        found = list(reader.problems())
        problems += [f"{where}: {document.metadata.name}: {problem}" for problem in found]
        if not found:
            goals.append(reader.goal())
    if problems:
        raise refused(problems)
    return tuple(sorted(goals, key=lambda goal: goal.name))


class _Reader:
    """One document's meaning."""

    def __init__(
        self,
        documents: Documents,
        slo: model.Slo,
        metrics: Mapping[str, str],
        runbooks: Collection[str],
    ) -> None:
        self._slo, self._metrics, self._runbooks = slo, metrics, runbooks
        spec, notes = slo.spec, slo.metadata.annotations
        named = documents.named(model.Sli, spec.indicator_ref)
        indicator = spec.indicator.spec if spec.indicator else named.spec if named else None
        self._sli = indicator or model.SliSpec.model_construct()
        self._objective = spec.objectives[0]
        self._least_bad = notes.get(LEAST_BAD, "1")
        self._lost_after = notes.get(LOST_AFTER, "100")
        self._runbook = notes.get(RUNBOOK, "")
        self._policies = [_policy(documents, given) for given in spec.alert_policies]

    def problems(self) -> Iterator[str]:
        spec = self._slo.spec
        if len(spec.objectives) > 1 or self._objective.indicator or self._objective.indicator_ref:
            yield "a single objective can be compiled; write one document for each"
        window = spec.time_window[0] if spec.time_window else None
        if window is None or not window.is_rolling or seconds(window.duration) != BUDGET_DAYS * DAY:
            yield f"timeWindow must be one rolling window of {BUDGET_DAYS}d"
        yield from self._indicator_problems()
        for measured in self._measured():
            yield from self._metric_problems(measured)
        yield from self._annotation_problems()
        yield from self._policy_problems()

    def _metric_problems(self, measured: model.Measured) -> Iterator[str]:
        spec = measured.metric_source.spec
        name = str(spec.get("metric", ""))
        if name not in self._metrics:
            yield f"the catalogue has no metric {name or '(spec.metric is missing)'}"
        elif self._metrics[name]:
            yield f"metric {name}: {self._metrics[name]}"
        unknown = sorted(map(str, set(spec) - {"metric", "stat"}))
        if unknown:
            yield f"metricSource.spec knows metric and stat, not {', '.join(unknown)}"
        wanted = "Average" if self._sli.ratio_metric is None else "Sum"
        if spec.get("stat", wanted) != wanted:
            why = "a slice is read once" if wanted == "Average" else "ratios are never averaged"
            yield f"stat of {name}: {wanted}, not {spec['stat']}; {why}"

    def _annotation_problems(self) -> Iterator[str]:
        for key in sorted(self._slo.metadata.annotations):
            if key.startswith(PREFIX) and key not in ANNOTATIONS:
                yield f"annotation {key}: one of {', '.join(ANNOTATIONS)}"
        if self._runbook not in self._runbooks:
            yield f"annotation {RUNBOOK}: one of {', '.join(sorted(self._runbooks))}"
        for key, text in ((LEAST_BAD, self._least_bad), (LOST_AFTER, self._lost_after)):
            if not text.isdecimal() or int(text) < 1:
                yield f"annotation {key}: a whole number above 0, not {text}"

    def _policy_problems(self) -> Iterator[str]:
        names = [name for name, _, _ in self._policies]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"alert policy {name} stands there twice"
        for name, alert, problem in self._policies:
            if problem or alert is None:
                yield f"alert policy {name}: {problem}"
            elif alert.rate * (1 - self._objective.goal) >= 1:
                yield (
                    f"alert policy {name}: {alert.rate:g} times the budget is more than "
                    "everything; no error rate reaches it"
                )
            elif self._slice() and alert.long <= DAY and alert.short % self._slice():
                yield f"alert policy {name}: alertAfter must be whole slices"

    def _indicator_problems(self) -> Iterator[str]:
        method = self._slo.spec.budgeting_method
        ratio = self._sli.ratio_metric
        if method == "RatioTimeslices":
            yield "RatioTimeslices averages ratios; use Occurrences or Timeslices"
        if ratio is not None and ratio.raw is not None:
            yield "a raw ratio cannot be summed; give good or bad, and total"
        if ratio is None and method == "Occurrences":
            yield "Occurrences need a ratioMetric; a thresholdMetric goes with Timeslices"
        if ratio is not None and method == "Timeslices":
            yield "Timeslices need a thresholdMetric here"
        if method == "Timeslices" and (self._slice() % MINUTE or self._slice() > 3600):
            yield "timeSliceWindow must be whole minutes, an hour at most"
        if method == "Timeslices" and self._objective.time_slice_target != 1:
            yield "timeSliceTarget must be 1: a slice is read once, and good or bad"
        if method == "Timeslices" and (self._objective.op is None or self._objective.value is None):
            yield "Timeslices need op and value: they say which slice is good"

    def goal(self) -> Goal:
        slo, objective = self._slo, self._objective
        policies = [alert for _, alert, _ in self._policies if alert]
        return Goal(
            name=slo.metadata.name,
            title=slo.metadata.display_name or slo.metadata.name,
            description=slo.spec.description,
            service=slo.spec.service,
            target=objective.goal,
            indicator=self._indicator(),
            policies=tuple(sorted(policies, key=lambda p: (p.severity, -p.rate))),
            runbook=self._runbook,
            least_bad=int(self._least_bad),
            lost_after=int(self._lost_after),
            trace_filter=slo.metadata.annotations.get(TRACES, ""),
        )

    def _indicator(self) -> Events | Slices:
        ratio = self._sli.ratio_metric
        if ratio is not None and ratio.total is not None:
            return Events(
                good=_reading(ratio.good, "Sum") if ratio.good else None,
                bad=_reading(ratio.bad, "Sum") if ratio.bad else None,
                total=_reading(ratio.total, "Sum"),
            )
        threshold = cast("model.Measured", self._sli.threshold_metric)
        objective = self._objective
        return Slices(
            _reading(threshold, "Average"),
            cast("parts.Operator", objective.op),
            cast("float", objective.value),
            self._slice(),
        )

    def _slice(self) -> int:
        window = self._objective.time_slice_window
        if isinstance(window, int):
            return window * MINUTE
        return seconds(window) if window else 0

    def _measured(self) -> list[model.Measured]:
        ratio = self._sli.ratio_metric
        found = [ratio.good, ratio.bad, ratio.total] if ratio else [self._sli.threshold_metric]
        return [part for part in found if part is not None]


def _policy(
    documents: Documents, given: policy.InlineAlertPolicy | policy.PolicyRef
) -> tuple[str, Policy | None, str]:
    """The policy's name, its meaning, and what is wrong with it."""
    found: policy.InlineAlertPolicy | model.AlertPolicy | None = (
        documents.named(model.AlertPolicy, given.alert_policy_ref)
        if isinstance(given, policy.PolicyRef)
        else given
    )
    if found is None:
        return str(given), None, "nobody declares it"
    name = found.metadata.name
    item = found.spec.conditions[0]
    condition = (
        documents.named(model.AlertCondition, item.condition_ref)
        if isinstance(item, policy.ConditionRef)
        else item
    )
    if condition is None:
        return name, None, "nobody declares its condition"
    problem = _condition_problem(condition.spec)
    if problem:
        return name, None, problem
    burn = condition.spec.condition
    meaning = Policy(
        name,
        found.metadata.display_name or name,
        cast("Severity", condition.spec.severity),
        burn.threshold,
        seconds(burn.lookback_window),
        seconds(burn.alert_after),
    )
    return name, meaning, ""


def _condition_problem(spec: policy.AlertConditionSpec) -> str:
    """What CloudWatch's alarms, or ours, cannot do with a condition."""
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


def _reading(measured: model.Measured, stat: str) -> Reading:
    spec = measured.metric_source.spec
    return Reading(str(spec["metric"]), str(spec.get("stat", stat)))
