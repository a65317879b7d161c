"""`arca slo`, against an emulated AWS and on files."""

import calendar
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from arca.cli.main import cli
from arca.errors import ArcaError
from arca.monitoring.slo.objectives import read_objectives
from tests.arca.emulated import Cloud, arca, as_json
from tests.arca.fixed_clock import FixedClock


def test_status_of_the_objectives(cloud: Cloud) -> None:
    """Status shows good share, budget, burn rate and time left; `no data` without data."""
    cloud.count(Requests=10_000, RequestsFailed=20, RequestsFast=9_800)
    found = {one["name"]: one for one in as_json("slo", "status")["objectives"]}
    errors = found["errors"]
    assert errors["good_percent"] == 99.8
    assert errors["burn_rate"] == pytest.approx(2)
    assert errors["consumed_percent"] == pytest.approx(2 * 2 / 30 * 100, rel=0.05)
    assert errors["left_percent"] == pytest.approx(100 - errors["consumed_percent"])
    assert errors["days_left"] == pytest.approx((1 - 4 / 30) * 15, rel=0.05)
    budget = {objective.name: objective.budget for objective in read_objectives()}
    assert found["latency"]["burn_rate"] == pytest.approx(0.02 / budget["latency"], abs=0.005)
    assert (found["arca"]["verdict"], found["arca"]["good_percent"]) == ("no data", None)
    table = arca("slo", "status").output
    assert "errors" in table
    assert "no data" in table
    assert "budget left" in table
    assert f"{errors['left_percent']:g}%" in table
    assert f"emulated at {cloud.endpoint}" in table


def test_publish_puts_and_a_dry_run_does_not(cloud: Cloud) -> None:
    """The command puts what the hourly function puts."""
    cloud.count(Requests=10_000, RequestsFailed=20)
    metrics = cloud.client("cloudwatch").list_metrics
    assert as_json("slo", "publish", "--dry-run")["dry_run"] is True
    assert metrics(MetricName="ErrorBudgetConsumed")["Metrics"] == []
    assert "Put 25 values" in arca("slo", "publish").output
    assert len(metrics(MetricName="ErrorBudgetConsumed")["Metrics"]) == 10


def test_report_is_a_page_with_plots(cloud: Cloud, tmp_path: Path) -> None:
    """The page has a part for each objective."""
    cloud.count(Requests=10_000, RequestsFailed=20)
    month = (cloud.clock.now() - timedelta(hours=1)).strftime("%Y-%m")
    out = tmp_path / "report.html"
    summary = as_json("slo", "report", "--month", month, "--out", str(out))
    page = out.read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert page.count("no data of this month") == 3
    assert "API error rate" in page
    assert {one["objective"] for one in summary["objectives"]} >= {"errors", "availability"}


MOMENTS = [
    datetime(2026, 11, 14, 15, 20, tzinfo=UTC),
    datetime(2026, 11, 1, 0, 2, tzinfo=UTC),
    datetime(2026, 11, 15, 0, 30, tzinfo=UTC),
    datetime(2026, 11, 15, 1, 30, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 2, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 0, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
]
"""An ordinary afternoon, the first minutes of a day, month and year, 29 February."""
AT_EACH_MOMENT = pytest.mark.parametrize("now", MOMENTS, ids=str)


def report_of(tmp_path: Path, now: datetime) -> dict[str, dict[str, float]]:
    """Return the report of a moment's month, by objective."""
    arguments = ["slo", "report", "--month", f"{now:%Y-%m}", "--json"]
    out = str(tmp_path / "report.html")
    result = CliRunner().invoke(cli, [*arguments, "--out", out], obj=FixedClock(now))
    assert result.exit_code == 0, result.output
    return {one["objective"]: one for one in json.loads(result.stdout)["objectives"]}


def days_of(now: datetime) -> int:
    """Return the number of days of a moment's month."""
    return calendar.monthrange(now.year, now.month)[1]


@AT_EACH_MOMENT
def test_a_report_counts_a_months_minutes_whatever_is_known(
    cloud: Cloud, tmp_path: Path, now: datetime
) -> None:
    """Bad minutes count against the minutes of the month, not against those with a probe's run."""
    last = now.replace(second=0, microsecond=0)
    moments = [last - timedelta(minutes=number) for number in range(60)]
    cloud.probe({moment: 0 if number < 12 else 100 for number, moment in enumerate(moments)})
    # The first minutes of a month have seen fewer than twelve.
    counted = sum(moment.month == now.month for moment in moments[:12])
    found = report_of(tmp_path, now)["availability"]
    allowed = 0.0005 * days_of(now) * 24 * 60
    assert found["budget_consumed_percent"] == pytest.approx(100 * counted / allowed, abs=0.01)


@AT_EACH_MOMENT
def test_a_report_of_a_first_hour_has_a_months_budget(
    cloud: Cloud, tmp_path: Path, now: datetime
) -> None:
    """One bad hour of a new service does not use a whole month's budget."""
    moment = now - timedelta(minutes=1)
    cloud.put({moment: 1000.0}, "Requests")
    cloud.put({moment: 20.0}, "RequestsFailed")
    found = report_of(tmp_path, now)["errors"]
    allowed = 0.001 * 1000 * 24 * days_of(now)
    assert found["budget_consumed_percent"] == pytest.approx(100 * 20 / allowed, abs=0.01)


def test_a_report_of_a_month_that_is_over(cloud: Cloud, tmp_path: Path) -> None:
    """The month's last minute is counted, and the next month's first one is not."""
    end = datetime(2026, 11, 1, tzinfo=UTC)
    now = end + timedelta(minutes=40)
    cloud.probe({end - timedelta(minutes=1): 0, end: 0, end + timedelta(minutes=1): 0})
    result = report_of(tmp_path, now)["availability"]
    assert result["budget_consumed_percent"] == pytest.approx(100 * 2 / 21.6, abs=0.01)
    arguments = ["slo", "report", "--month", "2026-10", "--out", str(tmp_path / "o.html"), "--json"]
    before = CliRunner().invoke(cli, arguments, obj=FixedClock(now))
    found = {one["objective"]: one for one in json.loads(before.stdout)["objectives"]}
    allowed = 0.0005 * 31 * 24 * 60
    used = found["availability"]["budget_consumed_percent"]
    assert used == pytest.approx(100 / allowed, abs=0.01)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("month", ["2026-13", "october", "2099-01", "26-10"])
def test_report_of_no_month(month: str) -> None:
    """The error names the form that a month must have."""
    result = arca("slo", "report", "--month", month)
    assert "wanted: a month that has begun" in str(result.exception)


def test_a_budget_that_is_overdrawn(cloud: Cloud) -> None:
    """Less than nothing is left, and the days left are 0."""
    cloud.count(Requests=10_000, RequestsFailed=300)
    found = {one["name"]: one for one in as_json("slo", "status")["objectives"]}["errors"]
    assert (found["verdict"], found["days_left"]) == ("exhausted", 0)
    assert found["left_percent"] < -50


@pytest.mark.parametrize("out", [".", "gone/x.html", "/proc/x.html"])
def test_a_report_that_cannot_be_written(cloud: Cloud, out: str) -> None:
    """One error names the path, without a traceback."""
    month = cloud.clock.now().strftime("%Y-%m")
    result = arca("slo", "report", "--month", month, "--out", out)
    assert isinstance(result.exception, ArcaError)
    assert f"where:  {out}" in str(result.exception)


def series(path: Path, lines: list[str]) -> str:
    """Write a file to replay; return its path."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_replay_says_when_alarms_fire(tmp_path: Path) -> None:
    """For a quarter of an hour every event fails."""
    lines = ["minute,good,total"]
    lines += [f"{m},{0 if 60 <= m < 75 else 1000},1000" for m in range(240)]
    file = series(tmp_path / "s.csv", lines)
    found = as_json("slo", "replay", file, "--slo", "errors")
    assert found["minutes"] == 240
    assert found["firings"][0] == {
        "alarm": "errors-page",
        "severity": "SEV2",
        "fired_minute": 60,
        "cleared_minute": 134,
        "budget_consumed_percent": 2.31,
    }
    assert "day 0, 01:00" in arca("slo", "replay", file, "--slo", "errors").output
    everything = as_json("slo", "replay", file, "--slo", "errors", "--all")
    assert len(everything["firings"]) > len(found["firings"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,b,c"], "s.csv:1"),
        (["minute,good,total"], "no minute at all"),
        (["minute,good,total", "0,1,1", "0,1,1"], "s.csv:3"),
        (["minute,good,total", "0,2,1"], "good 2 is more than total 1"),
        (["minute,good,total", "0,x,1"], "'x' is no count"),
        (["minute,good,total", "0,nan,1"], "'nan' is no count"),
        (["minute,good,total", "0,1"], "2 columns, not 3"),
        (["minute,good,total", "99999999,1,1"], "beyond a year"),
    ],
)
def test_replay_of_a_malformed_file(lines: list[str], said: str, tmp_path: Path) -> None:
    """The error names the line, without a traceback."""
    result = arca("slo", "replay", series(tmp_path / "s.csv", lines), "--slo", "errors")
    assert said in str(result.exception)
    assert "wanted: a CSV" in str(result.exception)


def test_replay_of_a_spreadsheets_file(tmp_path: Path) -> None:
    """Spreadsheets write a byte order mark and CRLF; an empty cell is a minute without data."""
    file = tmp_path / "s.csv"
    file.write_bytes(b"\xef\xbb\xbfminute,good,total\r\n0,1,1\r\n2,,\r\n")
    assert as_json("slo", "replay", str(file), "--slo", "errors")["minutes"] == 3


def test_replay_of_what_is_not_there(tmp_path: Path) -> None:
    """A missing file and an unknown objective have one error each."""
    gone = arca("slo", "replay", str(tmp_path / "gone.csv"), "--slo", "errors")
    assert "cannot be read" in str(gone.exception)
    assert f"where:  {tmp_path / 'gone.csv'}\n" in str(gone.exception)
    unknown = arca("slo", "replay", str(tmp_path / "gone.csv"), "--slo", "speed")
    assert "wanted: one of arca, availability" in str(unknown.exception)
