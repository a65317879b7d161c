"""The living cloud as its user meets it: real processes, commands in a plain shell.

`make test-slow` runs it. A simulated minute is short here, so that a release takes seconds.
"""

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arca.emulator import server_children
from arca.emulator.state import State
from tests.arca.emulator.ecs.emulated_ecs import wait_for
from tests.arca.emulator.live.demo_cloud import Cloud, brought_up, issue

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.slow
RELEASES = 20


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Production, alive."""
    yield from brought_up("prod", tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """dev, alive: its deployments are rolling."""
    yield from brought_up("dev", tmp_path_factory.mktemp("dev"))


def tasks(cloud: Cloud) -> set[str]:
    """Return the tasks of the service that run."""
    exports = json.loads((cloud.state / "exports" / f"{cloud.stack}.json").read_bytes())
    service = exports["service"]
    found = cloud.client("ecs").list_tasks(cluster=service["cluster"], serviceName=service["name"])
    return {*found["taskArns"]}


def ended(traffic: "subprocess.Popen[str]") -> dict[str, Any]:
    """End the customers; returns what they saw."""
    traffic.send_signal(signal.SIGINT)
    output, _ = traffic.communicate(timeout=120)
    return json.loads(output)


def lost_nothing(seen: dict[str, Any]) -> None:
    """Check that every request was answered at the first attempt."""
    assert seen["requests"] > 10
    assert (seen["lost"], seen["failed_attempts"]) == (0, {}), seen
    assert seen["ok"] == seen["requests"]


def test_an_invoice_is_issued_and_its_traces_are_in_cloudwatch(prod: Cloud) -> None:
    """The printed commands give a CAE; metrics arrive, and the log lines keep the contract."""
    before = tasks(prod)
    printed = prod.live()
    # A second `live` starts no task.
    assert tasks(prod) == before
    invoice = issue(prod, printed)
    assert re.fullmatch(r"\d{14}", invoice["cae"])
    cloudwatch, logs = prod.client("cloudwatch"), prod.client("logs")

    def counted() -> bool:
        found = cloudwatch.list_metrics(Namespace="arca-api", MetricName="CaeAuthorized")
        return bool(found["Metrics"])

    wait_for(counted, "the metric of the CAE")
    exports = json.loads((prod.state / "exports" / "prod.json").read_bytes())
    group = exports["service"]["log_group"]
    lines = [
        event["message"]
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]
        if stream["logStreamName"].startswith("api/")
        for event in logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]
    assert any('"POST /v1/invoices"' in line for line in lines)
    file = prod.state / "service.log"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    prod.arca("contract", "check", str(file))


def test_only_the_owner_reads_what_tells_where_all_is(prod: Cloud) -> None:
    """The reports and the directory of the data."""
    files = [prod.state / "live.json", prod.state / "front.json"]
    assert [stat.S_IMODE(one.stat().st_mode) for one in files] == [0o600, 0o600]
    assert stat.S_IMODE(Path(prod.report()["home"]).stat().st_mode) == 0o700


@pytest.mark.parametrize("helper", [False, True], ids=["process", "front"])
def test_what_is_killed_is_mended(prod: Cloud, *, helper: bool) -> None:
    """The process by the next `live`, with all data; the front by the process."""
    invoice = issue(prod, prod.live())
    before = prod.report()
    front = json.loads((prod.state / "front.json").read_bytes())
    os.kill(front["pid"] if helper else before["pid"], signal.SIGKILL)
    if helper:
        wait_for(
            lambda: (
                (prod.state / "front.json").exists()
                and json.loads((prod.state / "front.json").read_bytes())["pid"] != front["pid"]
            ),
            "another front",
        )
    printed = prod.live()
    after = prod.report()
    assert after["databases"] == before["databases"]
    assert (after["pid"] == before["pid"]) is helper
    again = issue(prod, printed)
    assert int(again["number"]) == int(invoice["number"]) + 1
    assert len([*prod.temporary.glob("arca-live-*")]) == 1


def release(cloud: Cloud, tag: str, *, code: int = 0) -> None:
    """Push an image and release it."""
    cloud.arca("local", "push", tag)
    cloud.arca("deploy", tag, "--stack", cloud.stack, code=code)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_releases_lose_no_request(stack: str, request: pytest.FixtureRequest) -> None:
    """Rolling in dev and canary in prod, a failed one of each kind, and the ways back."""
    cloud: Cloud = request.getfixturevalue(stack)
    traffic = cloud.traffic()
    try:
        release(cloud, "2.0.0")
        release(cloud, "2.0.1")
        cloud.arca("rollback", "--stack", stack)
        for tag, fault in {"2.1.0": "unhealthy", "2.2.0": "exits"}.items():
            cloud.arca("local", "push", tag)
            cloud.arca("local", "fault", fault, "--image", tag)
            release(cloud, tag, code=3)
            cloud.arca("local", "fault", "--clear")
    finally:
        seen = ended(traffic)
    lost_nothing(seen)


def test_twenty_releases_in_a_row_lose_no_request(dev: Cloud) -> None:
    """Each of them replaces all tasks while customers issue invoices."""
    traffic = dev.traffic()
    try:
        for number in range(RELEASES):
            release(dev, f"3.0.{number}")
    finally:
        seen = ended(traffic)
    lost_nothing(seen)


def test_down_leaves_nothing(tmp_path: Path) -> None:
    """No process with the server's mark, no directory, and none that lost its parent."""
    for cloud in brought_up("dev", tmp_path):
        record = State(cloud.state).read()
        assert record is not None
        home = Path(cloud.report()["home"])
        os.kill(cloud.report()["pid"], signal.SIGKILL)
        cloud.arca("local", "down")
        with server_children.marked(
            server_children.MARK_VARIABLE, f"{record.pid}.{record.born}"
        ) as left:
            assert left == []
        working_there = [
            one
            for one in Path("/proc").glob("[0-9]*/cwd")
            if os.path.lexists(one) and str(home) in _target(one)
        ]
        assert working_there == []
        assert [*cloud.temporary.glob("arca-live-*")] == []
        assert not (cloud.state / "live.json").exists()
        assert not (cloud.state / "front.json").exists()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
