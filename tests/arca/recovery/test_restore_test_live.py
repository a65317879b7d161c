"""`arca dr restore-test` in a living cloud: real processes, real databases, real signals."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from arca.errors import ExitCode
from tests import ROOT
from tests.arca.emulator.live.demo_cloud import ARCA, Cloud, brought_up, issue
from tests.arca.recovery.restore_stage import NAME

pytestmark = pytest.mark.slow
CHECKING = "--check-restored"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Production, alive, with three invoices."""
    for cloud in brought_up("prod", tmp_path_factory.mktemp("restored")):
        printed = cloud.live()
        for _ in range(3):
            issue(cloud, printed)
        yield cloud


def words(records: Path) -> tuple[str, ...]:
    """Return the command's words."""
    named = ("dr", "restore-test", "--from", "point-in-time", "--yes", "--json")
    return (*named, "--records", str(records))


def instances(cloud: Cloud) -> set[str]:
    """Return the instances that RDS knows."""
    found = cloud.client("rds").describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"] for one in found}


def phases(records: Path) -> list[tuple[str, str]]:
    """Return the phases of the only record, with their outcomes."""
    (path,) = records.glob("*.json")
    return [(one["name"], one["outcome"]) for one in json.loads(path.read_bytes())["phases"]]


def ended_by(cloud: Cloud, records: Path, number: signal.Signals) -> int:
    """Send a signal while the copy is checked; returns the exit code."""
    with subprocess.Popen(
        [ARCA, *words(records)],
        env=cloud.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if CHECKING in line:
                process.send_signal(number)
                break
        process.stderr.read()
        return process.wait()


def execute(cloud: Cloud, statement: str) -> None:
    """Run a statement in the primary's database, as its owner."""
    exports = json.loads((cloud.state / "exports" / "prod.json").read_bytes())
    secret = json.loads(
        cloud.client("secretsmanager").get_secret_value(
            SecretId=exports["secret_arns"]["database-owner"]
        )["SecretString"]
    )
    (database,) = (one for one in cloud.report()["databases"] if not one["standby"])
    with psycopg.connect(
        host="127.0.0.1",
        port=database["port"],
        dbname=exports["database"]["name"],
        user=secret["username"],
        password=secret["password"],
        autocommit=True,
    ) as session:
        session.execute(statement.encode())


def test_a_backup_is_restored_checked_and_deleted(prod: Cloud, tmp_path: Path) -> None:
    """No check is skipped, and the newest invoice is in the copy."""
    said: dict[str, Any] = json.loads(prod.arca(*words(tmp_path)))
    assert said["verdict"]["passed"]
    found = {one["name"]: one for one in said["invariants"]}
    assert {one["outcome"] for one in found.values()} == {"OK"}
    assert "invoices 3" in found["every table can be read"]["seen"]
    assert NAME not in instances(prod)


def test_sigterm_cleans_up(prod: Cloud, tmp_path: Path) -> None:
    """The task is stopped, and the instance is deleted before the process ends."""
    assert ended_by(prod, tmp_path, signal.SIGTERM) == ExitCode.INTERRUPTED
    assert phases(tmp_path) == [
        ("restore", "OK"),
        ("validate", "INTERRUPTED"),
        ("clean-up", "OK"),
    ]
    assert NAME not in instances(prod)


def test_what_sigkill_leaves_is_removed_by_the_next(prod: Cloud, tmp_path: Path) -> None:
    """The next test on this machine sees at once that the process is dead."""
    assert ended_by(prod, tmp_path / "killed", signal.SIGKILL) == -signal.SIGKILL
    assert NAME in instances(prod)
    prod.arca(*words(tmp_path / "next"))
    assert NAME not in instances(prod)


def test_a_missing_number_fails(prod: Cloud, tmp_path: Path) -> None:
    """The exit code is 1, and nothing is left."""
    execute(prod, "DELETE FROM invoices WHERE number = 2")
    said = json.loads(prod.arca(*words(tmp_path), code=1))
    (reason,) = said["verdict"]["reasons"]
    assert reason.startswith("invariant broken: numbers without gaps: 1 rows break it")
    assert NAME not in instances(prod)
