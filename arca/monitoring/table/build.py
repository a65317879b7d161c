"""The two forms that most alarms have: one metric, and a percentage of two counts."""

from arca.monitoring.alarm import Alarm, Comparison, Missing, Reading
from arca.monitoring.catalogue import CATALOGUE
from arca.naming import Severity

ABOVE: Comparison = "GreaterThanThreshold"
AT_LEAST: Comparison = "GreaterThanOrEqualToThreshold"
BELOW: Comparison = "LessThanThreshold"
GIB, MIB = 1024**3, 1024**2


def metric_alarm(
    *,
    name: str,
    metric: str,
    comparison: Comparison,
    threshold: float,
    meaning: str,
    severity: Severity | None = None,
    runbook: str = "",
    period: int = 60,
    of: int = 1,
    needed: int | None = None,
    missing: Missing = "notBreaching",
) -> Alarm:
    """Build an alarm on one metric: `needed` of the last `of` periods, all of them by default."""
    found = CATALOGUE[metric]
    return Alarm(
        name=name,
        title=found.meaning.rstrip("."),
        readings={"value": Reading(metric, found.stat)},
        comparison=comparison,
        threshold=threshold,
        period=period,
        evaluation_periods=of,
        datapoints=needed or of,
        missing=missing,
        severity=severity,
        runbook=runbook,
        meaning=meaning,
    )


def share_alarm(
    *,
    name: str,
    title: str,
    part: str,
    whole: str,
    comparison: Comparison,
    threshold: float,
    severity: Severity,
    runbook: str,
    meaning: str,
    least: int,
) -> Alarm:
    """Build an alarm on a percentage of two counts, each over a quarter of an hour.

    A quarter of an hour with fewer than `least` events never breaches.
    """
    harmless = 100 if comparison == BELOW else 0
    return Alarm(
        name=name,
        title=title,
        readings={"part": Reading(part, "Sum"), "whole": Reading(whole, "Sum")},
        expression=f"IF(FILL(whole, 0) < {least}, {harmless}, 100 * FILL(part, 0) / whole)",
        comparison=comparison,
        threshold=threshold,
        period=900,
        evaluation_periods=2,
        datapoints=2,
        severity=severity,
        runbook=runbook,
        meaning=meaning,
    )
