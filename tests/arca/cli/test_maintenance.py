"""Tests of `arca maintenance`, against an emulated AWS."""

from datetime import timedelta

import pytest

from tests.arca.emulated import Cloud, arca, as_json
from tests.stacks import graph


def test_a_maintenance_window(cloud: Cloud) -> None:
    """The window opens, its alarm's metric shows it, and it ends on request."""
    assert as_json("maintenance", "status")["open"] is False
    assert (
        "Would mute"
        in arca("maintenance", "start", "--for", "30m", "--reason", "x", "--dry-run").output
    )
    assert as_json("maintenance", "status")["open"] is False
    opened = as_json("maintenance", "start", "--for", "30m", "--reason", "release 7")
    status = as_json("maintenance", "status")
    assert (status["open"], status["reason"]) == (True, "release 7")
    assert status["until"] == opened["end"]
    alarm = graph("prod").one("aws:cloudwatch/metricAlarm:MetricAlarm", "observability-maintenance")
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=alarm.inputs["namespace"],
        MetricName=alarm.inputs["metricName"],
        Dimensions=[{"Name": k, "Value": v} for k, v in alarm.inputs["dimensions"].items()],
        StartTime=cloud.clock.now() - timedelta(minutes=5),
        EndTime=cloud.clock.now() + timedelta(hours=2),
        Period=int(alarm.inputs["period"]),
        Statistics=[alarm.inputs["statistic"]],
    )["Datapoints"]
    assert {point["Minimum"] for point in points} == {1.0}
    assert len(points) == 30
    assert as_json("maintenance", "end")["was_open"] is True
    assert as_json("maintenance", "status")["open"] is False
    assert "No window is open." in arca("maintenance", "end").output


@pytest.mark.usefixtures("cloud")
def test_a_maintenance_window_that_is_too_long() -> None:
    """CloudWatch accepts values up to two hours ahead."""
    result = arca("maintenance", "start", "--for", "1d", "--reason", "x")
    assert "wanted: 1:50:00 at most" in str(result.exception)
