"""The budgets' publisher, against an emulated CloudWatch."""

import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from arca.monitoring.catalogue import Binding
from arca.monitoring.slo import publisher
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.publisher_input import publisher_input
from tests.stacks import graph

NOW = datetime(2026, 10, 14, 9, 5, tzinfo=UTC)
HOUR = NOW.replace(minute=0)
BIND: dict[Binding, list[str]] = {
    "stage": ["prod"],
    "canary": ["probe"],
    "load_balancer": ["app/arca"],
}
OBJECTIVES = {objective.name: objective for objective in read_objectives()}
STACK = publisher_input(OBJECTIVES.values(), BIND, stage="prod")


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of an empty CloudWatch."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        make = cast("Any", boto3.client)
        yield make("cloudwatch", region_name="sa-east-1")


def put(cloudwatch: Any, name: str, values: dict[datetime, float]) -> None:
    """Put values of one of the service's metrics."""
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Stage", "Value": "prod"}],
            "Timestamp": moment,
            "Value": value,
        }
        for moment, value in values.items()
    ]
    for start in range(0, len(data), 500):
        cloudwatch.put_metric_data(Namespace="arca-api", MetricData=data[start : start + 500])


def probe(cloudwatch: Any, bad: range, *, minutes: int) -> None:
    """Put runs of the probe, counted backwards from the hour."""
    data = [
        {
            "MetricName": "SuccessPercent",
            "Dimensions": [{"Name": "CanaryName", "Value": "probe"}],
            "Timestamp": HOUR - timedelta(minutes=number),
            "Value": 0 if number in bad else 100,
        }
        for number in range(1, minutes)
    ]
    for start in range(0, len(data), 500):
        cloudwatch.put_metric_data(
            Namespace="CloudWatchSynthetics", MetricData=data[start : start + 500]
        )


def values(published: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Return an objective's values by metric and window."""
    return {
        f"{one['metric']} {one['Window']}": one["value"]
        for one in published
        if one["SLO"] == name and "Window" in one
    }


def test_events_over_a_month_and_a_year(cloudwatch: Any) -> None:
    """The month counts bad events of 30 days; older ones count only in the year."""
    days = {HOUR - timedelta(days=n, minutes=30): 10_000.0 for n in range(60)}
    put(cloudwatch, "Requests", days)
    near, far = HOUR - timedelta(days=2, minutes=30), HOUR - timedelta(days=40, minutes=30)
    put(cloudwatch, "RequestsFailed", {near: 150.0, far: 600.0})
    found = values(publisher.publish(cloudwatch, STACK, now=NOW), "errors")
    # 30 days at 10,000 a day allow 300; a year at that traffic allows 3,650.
    assert found["ErrorBudgetConsumed 30d"] == pytest.approx(50, rel=0.04)
    assert found["ErrorBudgetConsumed 365d"] == pytest.approx(100 * 750 / 3650, rel=0.04)
    assert found["BurnRate 3d"] == pytest.approx(150 / 30, rel=0.4)
    assert found["BurnRate 1h"] == 0


def test_a_new_service_has_the_whole_months_budget(cloudwatch: Any) -> None:
    """One bad hour on the first day does not use half the budget of 30 days."""
    hours = {HOUR - timedelta(hours=n): 1000.0 for n in range(1, 25)}
    put(cloudwatch, "Requests", hours)
    put(cloudwatch, "RequestsFailed", {HOUR - timedelta(hours=2): 72.0})
    found = values(publisher.publish(cloudwatch, STACK, now=NOW), "errors")
    assert found["ErrorBudgetConsumed 30d"] == pytest.approx(10)


def test_good_events_are_turned_into_bad_ones(cloudwatch: Any) -> None:
    """An hour without a good event is wholly bad."""
    put(cloudwatch, "Requests", {HOUR - timedelta(hours=1): 1000.0})
    found = values(publisher.publish(cloudwatch, STACK, now=NOW), "latency")
    assert found["BurnRate 1h"] == pytest.approx(1 / OBJECTIVES["latency"].budget)


def test_slices_are_counted_from_minutes_and_kept(cloudwatch: Any) -> None:
    """A repeated run changes nothing."""
    probe(cloudwatch, range(70, 81), minutes=300)
    published: list[dict[str, Any]] = []
    for _ in range(2):
        published = publisher.publish(cloudwatch, STACK, now=NOW)
        assert values(published, "availability")["ErrorBudgetConsumed 30d"] == pytest.approx(
            100 * 11 / 21.6
        )
    bad = [one["value"] for one in published if one["metric"] == "BadSlices"]
    assert sum(bad) == 11


def test_slices_of_before_are_remembered(cloudwatch: Any) -> None:
    """CloudWatch keeps minutes for 15 days only; the counted slices stay for the year."""
    put_at = HOUR - timedelta(days=13)
    cloudwatch.put_metric_data(
        Namespace="arca-api",
        MetricData=[
            {
                "MetricName": "BadSlices",
                "Value": 54,
                "Timestamp": put_at,
                "Dimensions": [
                    {"Name": "Stage", "Value": "prod"},
                    {"Name": "SLO", "Value": "availability"},
                ],
            }
        ],
    )
    found = values(publisher.publish(cloudwatch, STACK, now=NOW), "availability")
    assert found["ErrorBudgetConsumed 30d"] == pytest.approx(250)


def test_without_data_nothing_is_consumed(cloudwatch: Any) -> None:
    """A new stack has no data, and its values are 0."""
    found = publisher.compute(cloudwatch, STACK, now=NOW)
    assert {one["value"] for one in found} == {0.0}
    assert cloudwatch.list_metrics(Namespace="arca-api")["Metrics"] == []


@pytest.mark.usefixtures("cloudwatch")
def test_the_function_carries_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The zip that prod declares runs alone, without any other module of ours."""
    code = graph("prod").one("aws:s3/bucketObjectv2:BucketObjectv2", "observability-publisher")
    archive = zipfile.ZipFile(BytesIO(b64decode(code.inputs["contentBase64"])))
    archive.extractall(tmp_path)
    described = json.loads((tmp_path / "objectives.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in described["objectives"]] == [*OBJECTIVES]
    function = graph("prod").one("aws:lambda/function:Function", "observability-publisher")
    assert function.inputs["handler"] == "arca.monitoring.slo.publisher.handler"
    monkeypatch.setattr(
        publisher, "__file__", str(tmp_path / "arca" / "monitoring" / "slo" / "publisher.py")
    )
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    assert len(publisher.handler({}, None)["published"]) == 25
    ours = {"arca.errors", "arca.outputs", "arca.naming", "components", "pydantic", "yaml", "numpy"}
    for path in tmp_path.glob("arca/**/*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [name for name in ours if f"import {name}" in text or f"from {name}" in text]
