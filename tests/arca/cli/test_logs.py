"""Tests of `arca logs`, against an emulated AWS."""

import json
import signal
import subprocess
import sys
import threading

from tests import ROOT, clock
from tests.arca.emulated import Cloud, arca

LINE = '{"level": "INFO", "event": "request", "correlation_id": "8f0a1b2c-GRU", "status": 200}'


def logged(cloud: Cloud) -> None:
    """Put lines of a request into two groups, and a line of another request."""
    cloud.log("/arca-prod/api", LINE, '{"correlation_id": "other-12345"}')
    cloud.log("/arca-prod/events", "plain text of 8f0a1b2c-GRU", ago=50)
    cloud.log("/arca-prod/slo-publisher", "nothing")


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
