"""Tests of `arca logs`, against an emulated AWS."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click
import pytest

from arca import stack as stacks
from arca.cli.logs import command
from arca.clients import client
from arca.errors import ArcaError
from arca.monitoring.contract import LOG_LEVELS
from arca.monitoring.live import logs
from arca.monitoring.live.logs import LogFilter, LogSearch
from arca.stack import Stack, Target
from tests import ROOT, clock
from tests.arca.emulated import Cloud, arca

LINE = '{"level": "INFO", "event": "request", "correlation_id": "8f0a1b2c-GRU", "status": 200}'


def logged(cloud: Cloud) -> None:
    """Put lines of a request into two groups, and a line of another request."""
    cloud.log("/arca-prod/api", LINE, '{"correlation_id": "other-12345"}')
    cloud.log("/arca-prod/events", "plain text of 8f0a1b2c-GRU", ago=50)
    for function in ("definition-watch", "slo-publisher"):
        cloud.log(f"/arca-prod/{function}", "nothing")


def test_logs_finds_a_request_across_groups(cloud: Cloud) -> None:
    """Its lines come in order, without those of other requests."""
    logged(cloud)
    result = arca("logs", "--correlation-id", "8f0a1b2c-GRU")
    shown = [line for line in result.stdout.splitlines() if "/arca-prod/" in line]
    assert ["/arca-prod/api  INFO  request  200" in shown[0], "plain text" in shown[1]] == [
        True
    ] * 2
    assert "other-12345" not in result.stdout
    objects = arca("logs", "--correlation-id", "8f0a1b2c-GRU", "--json").stdout.splitlines()
    assert json.loads(objects[0])["line"]["status"] == 200
    ever = arca("logs", "--correlation-id", "8f0a1b2c-GRU", "--since", "99999d")
    assert len(ever.stdout.splitlines()) == 2
    none = arca("logs", "--correlation-id", "nothing-here")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "No line of nothing-here was found" in none.stderr


def hear_ctrl_c() -> None:
    """Let a process end at Ctrl-C, also where the tests run in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_logs_follows_and_stops_cleanly(cloud: Cloud) -> None:
    """It prints each line once, later ones too; Ctrl-C ends it with exit code 0."""
    logged(cloud)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "arca",
            "logs",
            "--correlation-id",
            "8f0a1b2c-GRU",
            "--follow",
            "--json",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - it only sets a signal
        env={
            **clock.environment(),
            "PATH": "/usr/bin:/bin",
            "ARCA_STATE_DIR": str(cloud.state),
        },
    )
    # A line that never comes must fail the test, not hold it up.
    late = threading.Timer(30, process.kill)
    late.start()
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(2)]
    cloud.log("/arca-prod/api", LINE.replace("200", "503"), ago=0)
    later = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    late.cancel()
    assert len(first) == 2
    assert json.loads(later)["line"]["status"] == 503
    assert (process.returncode, rest) == (0, "")
    assert "Stopped." in errors
    assert "Traceback" not in errors


def lines_of(cloud: Cloud, *levels: str, ago: int = 60) -> None:
    """Put a line of each level into the service's log group, numbered."""
    cloud.log(
        "/arca-prod/api",
        *(f'{{"level": "{level}", "event": "n{n}"}}' for n, level in enumerate(levels)),
        ago=ago,
    )


def test_logs_without_an_id_are_the_services_last_lines(cloud: Cloud) -> None:
    """Only the service's group is read, and the newest 50 lines come in order."""
    lines_of(cloud, *["INFO"] * 30, ago=1800)
    lines_of(cloud, *["WARN"] * 30, ago=30)
    cloud.log("/arca-prod/events", "an event")
    shown = arca("logs").stdout.splitlines()
    assert len(shown) == 50
    assert ["n10" in shown[0], "INFO" in shown[0], "WARN  n29" in shown[-1]] == [True] * 3
    assert not [line for line in shown if "an event" in line or "/arca-prod/" in line]
    few = arca("logs", "--lines", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["line"]["event"] for line in few] == ["n27", "n28", "n29"]
    assert len(arca("logs", "--since", "2m").stdout.splitlines()) == 30


def test_logs_of_a_level_and_above(cloud: Cloud) -> None:
    """A level includes the higher ones, in a request's lines too; others are left out."""
    lines_of(cloud, "DEBUG", "INFO", "WARN", "ERROR", "INFO")
    cloud.log("/arca-prod/api", "plain text")
    shown = arca("logs", "--level", "warn").stdout.splitlines()
    assert ["WARN" in shown[0], "ERROR" in shown[1], len(shown)] == [True, True, 2]
    logged(cloud)
    none = arca("logs", "--correlation-id", "8f0a1b2c-GRU", "--level", "ERROR", "--since", "2h")
    assert (none.exit_code, none.stdout) == (0, "")
    said = "No line of 8f0a1b2c-GRU at level ERROR or above was found in the last 2h."
    assert said in none.stderr


def test_the_levels_are_the_contracts() -> None:
    """The option knows the levels of the log contract, and CloudWatch is asked for them."""
    option = next(one for one in command.params if one.name == "level")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == LOG_LEVELS
    wanted = LogFilter(level="WARN").pattern
    assert wanted == '{ ($.level = "WARN") || ($.level = "ERROR") }'
    assert LogFilter(identifier="8f0a1b2c-GRU", level="WARN").pattern == '"8f0a1b2c-GRU"'


def test_a_tail_reads_no_more_than_it_needs(cloud: Cloud) -> None:
    """The last lines come from the last minute where it has enough of them."""
    lines_of(cloud, *["INFO"] * 5, ago=30)
    lines_of(cloud, *["INFO"] * 5, ago=1800)
    stack = stacks.find("prod")
    now = cloud.clock.now()
    search = LogSearch(stack, ["/arca-prod/api"], LogFilter(), start=now - timedelta(hours=1))
    asked: list[Any] = []
    events = client(stack, "logs").meta.events
    name = "provide-client-params.cloudwatch-logs.FilterLogEvents"

    def note(**call: Any) -> None:
        asked.append(call["params"])

    events.register(name, note, unique_id="asked")
    assert len(search.tail(5, now=now)) == 5
    assert len(asked) == 1
    events.unregister(name, unique_id="asked")
    assert search.new() == []
    lines_of(cloud, "INFO", ago=0)
    assert [line.text for line in search.new()] == ['{"level": "INFO", "event": "n0"}']


def test_no_line_ends_with_what_to_do(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated AWS has lines of stand-ins only; on AWS a task may not run at all."""
    lines_of(cloud, "INFO")
    none = arca("logs", "--level", "ERROR")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "`arca local stand-in IMAGE --stack prod -- COMMAND`" in none.stderr
    on_aws = replace(stacks.find("prod"), endpoint=None)
    monkeypatch.setattr(logs, "LogSearch", Silent)

    def find(_name: str, *, target: Target) -> Stack:
        del target
        return on_aws

    monkeypatch.setattr(stacks, "find", find)
    none = arca("logs")
    assert "`--since 24h`" in none.stderr
    assert "`arca why --stack prod` says why" in none.stderr
    assert "stand-in" not in none.stderr


class Silent:
    """A search of a log group without lines."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take what a search takes."""

    def tail(self, *_: Any, **__: Any) -> list[logs.LogLine]:
        """Return no line."""
        return []


@pytest.mark.parametrize(
    ("url", "do"),
    [
        ("http://127.0.0.1:1", "make up STACK=prod"),
        (None, "pulumi up --stack prod"),
    ],
)
def test_a_log_group_that_does_not_exist(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, url: str | None, do: str
) -> None:
    """The message names the group and the command that creates it."""
    stack = stacks.find("prod")
    search = LogSearch(stack, ["/arca-prod/gone"], LogFilter(), start=cloud.clock.now())
    monkeypatch.setattr(search, "_stack", replace(stack, endpoint=url))
    with pytest.raises(ArcaError, match="There is no log group /arca-prod/gone") as raised:
        search.new()
    assert raised.value.do == f"run `{do}`, which creates it, and then this again"
