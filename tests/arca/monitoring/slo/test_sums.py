"""Indicators that sum several metrics: alarms, dashboards, the publisher and the replay."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from arca.monitoring.alarm import Alarm, Reading
from arca.monitoring.catalogue import Binding
from arca.monitoring.dashboard import Graph
from arca.monitoring.dashboards import all_dashboards
from arca.monitoring.slo import publisher
from arca.monitoring.slo.compiler import compile_objective, compile_objectives
from arca.monitoring.slo.metric_math import evaluate
from arca.monitoring.slo.objective import EventIndicator, Objective
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.publisher_input import publisher_input
from arca.monitoring.slo.replay import EventSeries, replay

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
ERRORS = OBJECTIVES["errors"]
BINDINGS: dict[Binding, list[str]] = {
    "stage": ["prod"],
    "canary": ["probe"],
    "load_balancer": ["app/arca"],
}
DAY = 24 * 60
NONE = np.nan


def values(alarm: Alarm, **counts: float) -> float:
    """Return what an alarm compares, with a count for each of its metrics, by the last word."""
    series = {
        key: np.array([counts[reading.metric.rsplit(".", 1)[-1].replace("-", "_")]])
        for key, reading in alarm.readings.items()
    }
    return float(evaluate(alarm.expression, series)[0])


def errors_alarm(name: str) -> Alarm:
    """Return a metric alarm of the objective about errors."""
    return next(one for one in compile_objective(ERRORS).alarms if one.name == name)


def test_the_balancers_own_errors_are_bad_requests() -> None:
    """Without a task, 503s are all that is counted, and all of it is bad."""
    alarm = errors_alarm("errors-fast-burn-5m")
    assert {reading.metric for reading in alarm.readings.values()} == {
        *("api.requests", "api.requests.failed", "edge.server-errors")
    }
    assert values(alarm, requests=NONE, failed=NONE, server_errors=900) == 100
    assert values(alarm, requests=900, failed=50, server_errors=100) == 15
    assert values(alarm, requests=1000, failed=10, server_errors=NONE) == 1


def test_the_balancers_errors_do_not_hide_lost_telemetry() -> None:
    """Invoices are made and no request is counted: 5xx of the balancer prove nothing."""
    alarms = compile_objectives([ERRORS, OBJECTIVES["latency"]]).alarms
    lost = next(one for one in alarms if one.name == "telemetry-lost")
    assert {reading.metric for reading in lost.readings.values()} == {
        *("business.invoices", "api.requests")
    }
    assert values(lost, invoices=50, requests=NONE) == 0
    assert values(lost, invoices=50, requests=1) == 1


def test_a_dashboard_shows_the_share_of_the_sums() -> None:
    """The graph of the objective divides what the alarm divides."""
    graphs = [widget for board in all_dashboards([ERRORS]).values() for widget in board.widgets]
    title = f"Objective: {ERRORS.title}"
    (shown,) = (one for one in graphs if isinstance(one, Graph) and one.title == title)
    (line,) = shown.lines
    counts = {"api.requests": 900.0, "api.requests.failed": 50.0, "edge.server-errors": 100.0}
    read = {key: np.array([counts[reading.metric]]) for key, reading in line.readings.items()}
    assert evaluate(line.expression, read)[0] == 85


class Counted:
    """A CloudWatch with one count an hour for each metric, and the metrics that were asked for."""

    def __init__(self, counts: dict[str, float]) -> None:
        self.counts = counts
        self.asked: list[str] = []

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        """Return the count at the beginning of the span."""
        stat = request["MetricDataQueries"][0]["MetricStat"]
        name = stat["Metric"]["MetricName"]
        self.asked.append(name)
        found = [self.counts[name]] if name in self.counts else []
        return {
            "MetricDataResults": [
                {"Timestamps": [request["StartTime"]] * len(found), "Values": found}
            ]
        }


def test_the_publisher_sums_the_metrics_of_each_hour() -> None:
    """A metric that both sums hold is read once for each span; one without data counts nothing."""
    (described,) = publisher_input([ERRORS], BINDINGS, stage="prod")["objectives"]
    end = datetime(2026, 11, 28, 12, tzinfo=UTC)
    cloudwatch = Counted({"Requests": 100, "HTTPCode_ELB_5XX_Count": 20})
    bad, total, _ = publisher.history(cloudwatch, {}, described, end)
    assert (set(bad.values()), set((total or {}).values())) == ({20}, {120})
    assert sorted(cloudwatch.asked) == sorted(
        2 * ["Requests", "RequestsFailed", "HTTPCode_ELB_5XX_Count"]
    )


def summed(counts: Any, counted: str, total: str) -> Objective:
    """Return the objective about errors with other metrics, each by a letter."""
    indicator = EventIndicator(
        counts,
        tuple(Reading(one, "Sum") for one in counted),
        tuple(Reading(one, "Sum") for one in total),
    )
    return replace(ERRORS, indicator=indicator)


@pytest.mark.parametrize(
    ("counts", "counted", "total"),
    [("bad", "a", "b"), ("bad", "ac", "bc"), ("bad", "a", "ab"), ("good", "ac", "bac")],
)
def test_a_replay_does_not_depend_on_how_the_events_are_summed(
    counts: str, counted: str, total: str
) -> None:
    """The same events make the same alarms at the same minutes, whichever metrics carry them."""
    all_events = np.full(2 * DAY, 500.0)
    bad = np.zeros(2 * DAY)
    bad[DAY : DAY + 30] = 200
    events = EventSeries(all_events - bad, all_events)
    plain, several = summed("bad", "a", "b"), summed(counts, counted, total)
    wanted = replay(plain, compile_objective(plain), events)
    assert wanted["errors-page"]
    assert replay(several, compile_objective(several), events) == wanted


def test_a_sum_of_one_metric_reads_as_before() -> None:
    """Its ids are the roles, so that the alarms of other objectives did not change."""
    one = EventIndicator("good", (Reading("a", "Sum"),), (Reading("b", "Sum"),))
    readings, counted, total = one.sums()
    assert (list(readings), counted, total) == (
        ["good", "total"],
        "FILL(good, 0)",
        "FILL(total, 0)",
    )
