"""The observing commands, against an emulated AWS and on files."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.request import Request, urlopen

import boto3
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

from localcloud.stackfile import ROOT
from ops.cli import cli
from tests.stacks import graph

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)


class Cloud:
    """An emulated AWS, and the record of a stack that is up in it."""

    def __init__(self, endpoint: str, state: Path) -> None:
        self.endpoint, self.state = endpoint, state
        (state / "exports").mkdir(parents=True)
        exports = json.dumps(graph("prod").outputs)
        (state / "exports" / "prod.json").write_text(exports, encoding="utf-8")
        record: dict[str, Any] = {"endpoint": endpoint, "stacks": {"prod": {}}}
        (state / "cloud.json").write_text(json.dumps(record), encoding="utf-8")

    def client(self, service: str) -> Any:
        """A plain client, not our own."""
        make = cast("Any", boto3.client)
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name="sa-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the emulation checks none
        )

    def count(self, **metrics: float) -> None:
        """Put counts of the service for each of the last 48 hours."""
        for name, value in metrics.items():
            self.client("cloudwatch").put_metric_data(
                Namespace="arca-api",
                MetricData=[
                    {"MetricName": name, "Value": value, "Unit": "Count",
                     "Timestamp": HOUR - timedelta(hours=number, minutes=30),
                     "Dimensions": [{"Name": "Stage", "Value": "prod"}]}
                    for number in range(48)
                ],
            )  # fmt: skip # one call

    def log(self, group: str, *lines: str, ago: int = 60) -> None:
        """Put lines into a log group."""
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
        base = int((time.time() - ago) * 1000)
        events = [{"timestamp": base + n, "message": line} for n, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A fresh one."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = Cloud(f"http://{host}:{port}", tmp_path / "state")
    monkeypatch.setenv("ARCA_STATE_DIR", str(made.state))
    monkeypatch.chdir(tmp_path)
    made.client("sts").get_caller_identity()
    yield made

    urlopen(Request(f"{made.endpoint}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310 - loopback
    server.stop()


def arca(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, list(arguments))


def as_json(*arguments: str) -> Any:
    """Run a command and read its JSON."""
    result = arca(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_of_the_objectives(cloud: Cloud) -> None:
    """Good share, budget, burn rate and the day when it is gone; no data where there is none."""
    cloud.count(Requests=10_000, RequestsFailed=20, RequestsFast=9_800)
    found = {one["name"]: one for one in as_json("slo", "status")["objectives"]}
    errors = found["errors"]
    assert errors["good_percent"] == 99.8
    assert errors["burn_rate"] == pytest.approx(2)
    assert errors["consumed_percent"] == pytest.approx(2 * 2 / 30 * 100, rel=0.05)
    assert errors["days_left"] == pytest.approx((1 - 4 / 30) * 15, rel=0.05)
    assert found["latency"]["burn_rate"] == pytest.approx(0.4)
    assert (found["arca"]["verdict"], found["arca"]["good_percent"]) == ("no data", None)
    table = arca("slo", "status").output
    assert "errors" in table
    assert "no data" in table
    assert f"emulated at {cloud.endpoint}" in table


def test_publish_puts_and_a_dry_run_does_not(cloud: Cloud) -> None:
    """As the hourly function."""
    cloud.count(Requests=10_000, RequestsFailed=20)
    metrics = cloud.client("cloudwatch").list_metrics
    assert as_json("slo", "publish", "--dry-run")["dry_run"] is True
    assert metrics(MetricName="ErrorBudgetConsumed")["Metrics"] == []
    assert "Put 25 values" in arca("slo", "publish").output
    assert len(metrics(MetricName="ErrorBudgetConsumed")["Metrics"]) == 10


def test_report_is_a_page_with_plots(cloud: Cloud, tmp_path: Path) -> None:
    """Of the month, an objective each."""
    cloud.count(Requests=10_000, RequestsFailed=20)
    month = (HOUR - timedelta(hours=1)).strftime("%Y-%m")
    out = tmp_path / "report.html"
    summary = as_json("slo", "report", "--month", month, "--out", str(out))
    page = out.read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert page.count("no data of this month") == 3
    assert "API error rate" in page
    assert {one["objective"] for one in summary["objectives"]} >= {"errors", "availability"}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("month", ["2026-13", "october", "2099-01", "26-10"])
def test_report_of_no_month(month: str) -> None:
    """One clear error."""
    result = arca("slo", "report", "--month", month)
    assert "wanted: a month that has begun" in str(result.exception)


def series(path: Path, lines: list[str]) -> str:
    """A file to replay."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_replay_says_when_alarms_fire(tmp_path: Path) -> None:
    """A quarter of an hour of nothing but failures."""
    lines = ["minute,good,total"]
    lines += [f"{m},{0 if 60 <= m < 75 else 1000},1000" for m in range(240)]
    file = series(tmp_path / "s.csv", lines)
    found = as_json("slo", "replay", file, "--slo", "errors")
    assert found["minutes"] == 240
    assert found["firings"][0] == {
        "alarm": "errors-outage", "severity": "SEV1", "fired_minute": 60, "cleared_minute": 79,
        "budget_consumed_percent": 2.31,
    }  # fmt: skip # one firing
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
    """With the line, and no traceback."""
    result = arca("slo", "replay", series(tmp_path / "s.csv", lines), "--slo", "errors")
    assert said in str(result.exception)
    assert "wanted: a CSV" in str(result.exception)


def test_replay_of_what_is_not_there(tmp_path: Path) -> None:
    """No file, no objective."""
    gone = arca("slo", "replay", str(tmp_path / "gone.csv"), "--slo", "errors")
    assert "cannot be read" in str(gone.exception)
    unknown = arca("slo", "replay", str(tmp_path / "gone.csv"), "--slo", "speed")
    assert "wanted: one of arca, availability" in str(unknown.exception)


LINE = '{"level": "INFO", "event": "request", "correlation_id": "8f0a1b2c-GRU", "status": 200}'


def logged(cloud: Cloud) -> None:
    """A request in two groups, and another one."""
    cloud.log("/arca-prod/api", LINE, '{"correlation_id": "other-12345"}')
    cloud.log("/arca-prod/events", "plain text of 8f0a1b2c-GRU", ago=50)
    cloud.log("/arca-prod/slo-publisher", "nothing")


def test_logs_finds_a_request_across_groups(cloud: Cloud) -> None:
    """In order, and only that one."""
    logged(cloud)
    result = arca("logs", "--correlation-id", "8f0a1b2c-GRU")
    shown = [line for line in result.stdout.splitlines() if "/arca-prod/" in line]
    assert ["/arca-prod/api  INFO  request  200" in shown[0], "plain text" in shown[1]] == [
        True
    ] * 2
    assert "other-12345" not in result.stdout
    objects = arca("logs", "--correlation-id", "8f0a1b2c-GRU", "--json").stdout.splitlines()
    assert json.loads(objects[0])["line"]["status"] == 200
    none = arca("logs", "--correlation-id", "nothing-here")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "No line of nothing-here" in none.stderr


def test_logs_follows_and_stops_cleanly(cloud: Cloud) -> None:
    """Each line once, those that come later too; Ctrl-C ends it with 0."""
    logged(cloud)
    command = "from ops.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "logs", "--correlation-id", "8f0a1b2c-GRU", "--follow",
         "--json"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "ARCA_STATE_DIR": str(cloud.state)},
    )  # fmt: skip # one call
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(2)]
    cloud.log("/arca-prod/api", LINE.replace("200", "503"), ago=0)
    later = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert len(first) == 2
    assert json.loads(later)["line"]["status"] == 503
    assert (process.returncode, rest) == (0, "")
    assert "Stopped." in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("logs", "--correlation-id", "a b"), "is no correlation id"),
        (("logs", "--correlation-id", "8f0a1b2c", "--since", "soon"), "is no span of time"),
        (("maintenance", "start", "--for", "0m", "--reason", "x"), "is no span of time"),
        (("slo", "status", "--target", "moon"), "is not one of"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2."""
    result = arca(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_maintenance_window(cloud: Cloud) -> None:
    """Opened, seen by its alarm's metric, ended before its time."""
    assert as_json("maintenance", "status")["open"] is False
    assert "Would mute" in arca("maintenance", "start", "--for", "30m", "--reason", "x",
                                "--dry-run").output  # fmt: skip # one call
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
        StartTime=NOW - timedelta(minutes=5),
        EndTime=NOW + timedelta(hours=2),
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
    """CloudWatch takes values two hours ahead, no more."""
    result = arca("maintenance", "start", "--for", "1d", "--reason", "x")
    assert "wanted: 1:50:00 at most" in str(result.exception)


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


def test_contract_check_names_each_broken_line(tmp_path: Path) -> None:
    """File and line; exit code 1, and 0 where all is well."""
    good = json.dumps({"timestamp": "2026-11-24T12:00:00Z", "level": "INFO", "service": "api",
                       "event": "service.start", "message": "up"})  # fmt: skip # one line
    log = tmp_path / "log.jsonl"
    log.write_text(f"{good}\n\n[1]\nnot json\n{good.replace('INFO', 'LOUD')}\n", encoding="utf-8")
    result = arca("contract", "check", str(log))
    for said in ("jsonl:3: no JSON object", "jsonl:4: no JSON", "jsonl:5: level: 'LOUD'"):
        assert said in result.output
    assert "4 lines, 3 of them break the contract." in result.output
    done = subprocess.run(
        [sys.executable, "-c", "from ops.cli import main; main()", "contract", "check", str(log)],
        cwd=ROOT, check=False, capture_output=True,
    )  # fmt: skip # one call
    assert done.returncode == 1
    log.write_text(f"{good}\n" * 3, encoding="utf-8")
    assert as_json("contract", "check", str(log)) == {"lines": 3, "broken": 0, "problems": []}


def test_contract_check_of_nothing(tmp_path: Path) -> None:
    """No file, an empty one, one that is no text."""
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    for path, said in ((empty, "no log line"), (binary, "cannot be read"),
                       (tmp_path / "gone", "cannot be read")):  # fmt: skip # one loop
        result = arca("contract", "check", str(path))
        assert said in str(result.exception) + result.output


def test_the_schema_is_printed() -> None:
    """For the service's own tests."""
    assert json.loads(arca("contract", "schema").stdout)["title"] == "A line of ARCA API's log"


UNREADABLE: tuple[tuple[str, str | None, str], ...] = (
    ("cloud.json", "{", "record of the emulated cloud"),
    ("exports/prod.json", "{}", "not those of this version"),
    ("cloud.json", None, "there is no `pulumi` on PATH"),
)


@pytest.mark.parametrize(("file", "content", "said"), UNREADABLE)
def test_a_stack_that_cannot_be_read(
    cloud: Cloud, file: str, content: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clear error, whatever command asks."""
    monkeypatch.setenv("PATH", "/nowhere")
    if content is None:
        (cloud.state / file).unlink()
    else:
        (cloud.state / file).write_text(content, encoding="utf-8")
    for command in (("slo", "status"), ("maintenance", "status")):
        assert said in str(arca(*command).exception)


def test_an_aws_that_does_not_answer(cloud: Cloud) -> None:
    """Says where, and what to do."""
    record = json.dumps({"endpoint": "http://127.0.0.1:9", "stacks": {"prod": {}}})
    (cloud.state / "cloud.json").write_text(record, encoding="utf-8")
    result = arca("slo", "status")
    assert "AWS does not answer" in str(result.exception)
    assert "run `make up STACK=prod` again" in str(result.exception)


def test_what_aws_refuses_is_explained() -> None:
    """Expired, denied, or anything else."""
    from botocore.exceptions import ClientError, NoCredentialsError

    from errors import ArcaError
    from ops.clients import explained
    from ops.stack import Stack
    from outputs import Outputs

    stack = Stack("prod", Outputs.model_validate(graph("prod").outputs), None)
    for code, said in (
        ("ExpiredToken", "log in again"),
        ("AccessDenied", "use the operator's role"),
        ("Throttling", "that GetMetricData is accepted"),
    ):
        error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetMetricData")
        with pytest.raises(ArcaError, match=said), explained(stack, "It fails"):
            raise error
    with pytest.raises(ArcaError, match="there are no AWS credentials"), explained(stack, "It"):
        raise NoCredentialsError
