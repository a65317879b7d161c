"""Metrics in log lines reach CloudWatch, and no line breaks the log."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.emulator.ecs.embedded_metrics import metric_data
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, Emulated

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(**fields: Any) -> str:
    """Return a line with one directive; `fields` are added or replace what it has."""
    directive = {
        "Namespace": "arca-api",
        "Dimensions": [["Stage"], ["Stage", "Route"]],
        "Metrics": [{"Name": "Requests", "Unit": "Count"}, {"Name": "RequestDuration"}],
    }
    head = {"Timestamp": int(AT.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": head, "Stage": "prod", "Route": "GET /x", "Requests": 2, **fields})


def test_each_set_of_dimensions_is_a_metric() -> None:
    """A metric that the line does not have is omitted; several values stay several."""
    found = metric_data([line(RequestDuration=[5, 7.5]), "no JSON", "{}"])["arca-api"]
    said = [(one["MetricName"], len(one["Dimensions"]), one["Values"]) for one in found]
    assert said == [
        ("Requests", 1, [2.0]),
        ("RequestDuration", 1, [5.0, 7.5]),
        ("Requests", 2, [2.0]),
        ("RequestDuration", 2, [5.0, 7.5]),
    ]
    assert {one["Timestamp"] for one in found} == {AT}
    assert [one["Unit"] for one in found[:2]] == ["Count", "None"]


@pytest.mark.parametrize(
    "broken",
    [
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": "now", "CloudWatchMetrics": []}}',
        line(_aws={"Timestamp": 1, "CloudWatchMetrics": [{"Dimensions": [["Stage"]]}]}),
        line(Requests="many"),
        '["_aws"]',
    ],
)
def test_a_broken_line_is_no_metric(broken: str) -> None:
    """It hides no metric of another line."""
    assert len(metric_data([broken, line()])["arca-api"]) == 2


@given(st.text() | st.text().map(lambda text: '{"_aws"' + text))
def test_no_line_raises(text: str) -> None:
    """Whatever a container writes."""
    metric_data([text])


def test_a_container_s_metrics_are_in_cloudwatch(cloud: Emulated) -> None:
    """The line is in the log too."""
    cloud.control("PUT", "/arca/images", {"image": "registry/api:1", "command": ["echo", line()]})
    cloud.create_service(strategy="ROLLING", desired=0, image="registry/api:1")
    cloud.client("ecs").run_task(
        cluster=CLUSTER, taskDefinition="api", networkConfiguration=cloud.network
    )
    cloud.advance(1)
    cloud.client("s3").list_buckets()
    cloud.application.backend.task_scheduler.wait_for_exits()
    cloud.client("s3").list_buckets()
    found = cloud.client("cloudwatch").list_metrics(Namespace="arca-api")["Metrics"]
    assert {one["MetricName"] for one in found} == {"Requests"}
