"""`arca dashboard`, against an emulated AWS and on files."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.ops.emulated import NOW, Cloud, arca, as_json


def test_dashboards_are_recorded_and_drawn(cloud: Cloud, tmp_path: Path) -> None:
    """From CloudWatch to a file, from the file to a picture."""
    cloud.client("cloudwatch").put_metric_data(
        Namespace="arca-api",
        MetricData=[
            {"MetricName": "RouteRequests", "Value": 7, "Timestamp": NOW - timedelta(minutes=40),
             "Dimensions": [{"Name": "Stage", "Value": "prod"}, {"Name": "Route", "Value": route}]}
            for route in ("GET /v1/status", "POST /v1/invoices")
        ],
    )  # fmt: skip # one call
    recording = tmp_path / "api.json"
    found = as_json("dashboard", "record", "api-service", "--out", str(recording))
    assert "api.route-requests/Sum/POST /v1/invoices" in found["series"]
    picture = tmp_path / "api.png"
    drawn = as_json(
        "dashboard", "render", "api-service", "--data", str(recording), "--out", str(picture)
    )
    assert drawn["title"].startswith("prod, emulated at")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_dashboards_are_drawn_without_any_cloud(tmp_path: Path) -> None:
    """From the made-up day, and it says so."""
    picture = tmp_path / "business.png"
    result = arca("dashboard", "render", "business", "--out", str(picture))
    assert "a made-up day" in result.output
    assert picture.stat().st_size > 20_000
    assert "system-overview" in arca("dashboard", "list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("render", "gone"), "wanted: one of system-overview, api-service"),
        (("render", "database", "--data", "gone.json"), "The recording cannot be read"),
        (("render", "database", "--out", "gone/x.png"), "There is no directory gone"),
    ],
)
def test_dashboards_that_cannot_be_drawn(arguments: tuple[str, ...], said: str) -> None:
    """One clear error each."""
    result = arca("dashboard", *arguments)
    assert said in str(result.exception)
