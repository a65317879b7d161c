"""`arca dashboard`, against an emulated AWS and on files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from arca.errors import ArcaError
from arca.monitoring.alarm import Reading
from arca.monitoring.dashboard import Dashboard, Graph, Line
from arca.monitoring.live import charts
from arca.monitoring.recording import Recording, RecordingFile
from tests.arca.emulated import Cloud, arca, as_json


def test_dashboards_are_recorded_and_drawn(cloud: Cloud, tmp_path: Path) -> None:
    """A recording of CloudWatch becomes a file, and the file becomes a picture."""
    cloud.client("cloudwatch").put_metric_data(
        Namespace="arca-api",
        MetricData=[
            {
                "MetricName": "RouteRequests",
                "Value": 7,
                "Timestamp": cloud.clock.now() - timedelta(minutes=40),
                "Dimensions": [
                    {"Name": "Stage", "Value": "prod"},
                    {"Name": "Route", "Value": route},
                ],
            }
            for route in ("GET /v1/status", "POST /v1/invoices")
        ],
    )
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
    """Without a recording, the picture shows the made-up day, and the output says so."""
    picture = tmp_path / "business.png"
    result = arca("dashboard", "render", "business", "--out", str(picture))
    assert "a made-up day" in result.output
    assert picture.stat().st_size > 20_000
    assert "system-overview" in arca("dashboard", "list").output


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)
"""The colours of the first line of a graph and of the second."""


def columns(path: Path, color: tuple[int, int, int]) -> int:
    """Return how many columns of a picture have a colour."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.abs(pixels - color).sum(axis=2) < 40).any(axis=0).sum())


@pytest.mark.parametrize("right", [False, True])
def test_a_line_at_its_limit_is_seen(tmp_path: Path, *, right: bool) -> None:
    """An objective that is kept lies at the top of its graph, and not beyond its frame."""
    series: dict[str, list[float | None]] = {
        "api.requests/Sum": [99.9] * 100,
        "arca.calls/Sum": [0.4] * 100,
    }
    lines = (
        Line("good", {"m": Reading("api.requests", "Sum")}),
        Line("burn", {"m": Reading("arca.calls", "Sum")}, right=right),
    )
    file = RecordingFile(
        title="x", start=datetime(2026, 10, 1, tzinfo=UTC), period_seconds=60, series=series
    )
    board = Dashboard("x", "X", (Graph("G", lines, limit=99.0),))
    picture = tmp_path / "x.png"
    charts.draw_board(board, Recording(file), picture, fingerprint="x")
    assert columns(picture, BLUE) > 250
    assert columns(picture, ORANGE) > 250


@pytest.mark.slow
def test_a_table_and_a_second_axis_stand_beside_each_other(tmp_path: Path) -> None:
    """The database's board has both; a layout that collapses would be a warning, an error here."""
    picture = tmp_path / "database.png"
    assert arca("dashboard", "render", "database", "--out", str(picture)).exception is None
    assert columns(picture, BLUE) > 700


GOOD: dict[str, Any] = {
    "title": "x",
    "start": "2026-10-01T00:00:00Z",
    "period_seconds": 60,
    "series": {"database.pool-use/Maximum": [1, None, 3]},
}


def test_a_written_recording_is_drawn(tmp_path: Path) -> None:
    """What the next tests spoil is a recording."""
    data, picture = tmp_path / "x.json", tmp_path / "x.png"
    data.write_text(json.dumps(GOOD), encoding="utf-8")
    arguments = ("dashboard", "render", "database", "--data", str(data), "--out", str(picture))
    assert arca(*arguments).exit_code == 0
    assert picture.exists()


UNREADABLE: tuple[tuple[str, str], ...] = (
    ("{", "Invalid JSON"),
    ("[]", "Input should be an object"),
    (json.dumps(GOOD | {"titel": "x"}), "titel: Extra inputs are not permitted"),
    (json.dumps(GOOD | {"start": "2026-10-01T00:00:00"}), "start: Input should have timezone"),
    (json.dumps(GOOD | {"start": "9999-12-31T23:59:00Z"}), "start in this century"),
    (json.dumps(GOOD | {"period_seconds": 10**12}), "period_seconds: Input should be less than"),
    (json.dumps(GOOD | {"series": {"a": [1], "b": [1, 2]}}), "one length, not of 1 and 2"),
    (json.dumps(GOOD | {"series": {"a": ["x"]}}), "series.a.0: Input should be a valid number"),
)


@pytest.mark.parametrize(("content", "said"), UNREADABLE, ids=[said for _, said in UNREADABLE])
def test_a_recording_that_is_none(content: str, said: str, tmp_path: Path) -> None:
    """The error names what is wrong and where; nothing is drawn."""
    data, picture = tmp_path / "x.json", tmp_path / "x.png"
    data.write_text(content, encoding="utf-8")
    result = arca("dashboard", "render", "database", "--data", str(data), "--out", str(picture))
    assert result.exit_code == 1
    assert said in str(result.exception)
    assert "wanted: a file that `arca dashboard record` wrote" in str(result.exception)
    assert not picture.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("render", "database", "--out", "."), "cannot be written: it is a directory"),
        (("render", "database", "--out", "x.pdf"), "a name that ends with .png"),
        (("render", "database", "--out", "x"), "a name that ends with .png"),
        (("render", "database", "--out", "/proc/x.png"), "The file cannot be written"),
        (("render", "gone"), "wanted: one of system-overview, api-service"),
        (("render", "database", "--data", "gone.json"), "The recording cannot be read"),
        (("render", "database", "--out", "gone/x.png"), "There is no directory gone"),
    ],
)
def test_dashboards_that_cannot_be_drawn(arguments: tuple[str, ...], said: str) -> None:
    """Each mistake has one clear error."""
    result = arca("dashboard", *arguments)
    assert result.exit_code == 1
    assert said in str(result.exception)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("out", [".", "gone/x.json", "/proc/x.json"])
def test_a_recording_that_cannot_be_written(out: str) -> None:
    """One error names the path, also where only the writing itself fails."""
    result = arca("dashboard", "record", "database", "--out", out)
    assert isinstance(result.exception, ArcaError)
    assert f"where:  {out}" in str(result.exception)
