"""Tests of `up`, `down` and `status` with a tiny program, and of failures between them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arca.emulator import server, up
from arca.emulator.program import engine
from arca.emulator.provider.cloud import CallRefused
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError, Refused
from tests import ROOT
from tests.arca.emulator.local_cloud import free_port, listening, quiet


def tiny() -> None:
    """Declare one VPC, for tests that do not need the platform."""
    import pulumi
    import pulumi_aws as aws

    provider = aws.Provider("aws", region="sa-east-1", default_tags={"tags": {"stack": "tiny"}})
    opts = pulumi.ResourceOptions(provider=provider)
    vpc = aws.ec2.Vpc(
        "vpc",
        cidr_block="10.0.0.0/16",
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags={"Name": "vpc"},
        opts=opts,
    )
    pulumi.export("vpc_id", vpc.id)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the tiny program instead of the platform."""
    monkeypatch.setattr(engine, "main", tiny)


@pytest.mark.usefixtures("small")
def test_up_and_down(state: State) -> None:
    """A cloud that is up is recorded and answers; `down` leaves nothing behind."""
    port = free_port()
    report = up.up("dev", port=port, state=state, watch=quiet)
    assert report.components == {"stack": {"created": 1, "validated": 0, "recorded": 1}}
    assert report.exports["vpc_id"].startswith("vpc-")
    assert state.exports("dev") == report.exports
    assert (state.directory / "exports" / "dev.json").stat().st_mode & 0o077 == 0
    record, running = up.status(state=state)
    assert running
    assert record is not None
    assert set(record.stacks) == {"dev"}
    assert up.down(state=state) is not None
    assert not server.alive(record)
    assert not listening(port)
    assert up.status(state=state) == (None, False)
    assert up.down(state=state) is None


@pytest.mark.usefixtures("small")
def test_up_twice_is_a_clean_restart(state: State) -> None:
    """The second run ends the first server and starts its own on the same port."""
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    first = state.read()
    report = up.up("staging", port=port, state=state, watch=quiet)
    second = state.read()
    assert first is not None
    assert second is not None
    assert not server.alive(first)
    assert server.alive(second)
    assert report.gone == ("dev",)
    with pytest.raises(ArcaError, match="dev is not up"):
        state.exports("dev")


def test_a_second_operator_is_refused(state: State) -> None:
    """The refusal names the process that holds the lock."""
    with state.lock(), pytest.raises(Refused) as refused:
        up.up("dev", port=free_port(), state=State(state.directory), watch=quiet)
    assert f"process {os.getpid()}" in str(refused.value)
    assert refused.value.exit_code == 6


@pytest.mark.usefixtures("small")
def test_a_lock_of_a_dead_process_holds_nobody(state: State) -> None:
    """The kernel releases the lock of a killed process."""
    code = (
        "import sys, time; from pathlib import Path; from arca.emulator.state import State\n"
        f"with State(Path({str(state.directory)!r})).lock():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Refused):
            up.down(state=state)
        holder.kill()
    assert up.down(state=state) is None


def test_a_taken_port_is_named(state: State) -> None:
    """The error names the port and another one to try; nothing is recorded."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(ArcaError, match=f"Port {port} cannot be used") as error:
            up.up("dev", port=port, state=state, watch=quiet)
    assert f"make up PORT={port + 1}" in str(error.value)
    assert state.read() is None


@pytest.mark.usefixtures("small")
def test_a_killed_server_is_replaced(state: State) -> None:
    """`status` reports a killed server as not running, and `up` starts a new one."""
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    record = state.read()
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.alive(record) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert up.status(state=state) == (record, False)
    up.up("dev", port=port, state=state, watch=quiet)
    assert up.status(state=state)[1]


@pytest.mark.usefixtures("small")
def test_a_run_killed_in_the_middle_is_recovered_from(state: State) -> None:
    """A killed run leaves a server; the next run ends it and starts its own."""
    port = free_port()
    code = (
        "import time; from pathlib import Path\n"
        "from arca.emulator import up; from arca.emulator.program import engine\n"
        "from arca.emulator.state import State\n"
        "engine.main = lambda: (print('running', flush=True), time.sleep(60))\n"
        f"up.up('dev', port={port}, state=State(Path({str(state.directory)!r})), "
        "watch=lambda p: None)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"running\n"
        victim.kill()
    left = state.read()
    assert left is not None
    assert server.alive(left)
    up.up("dev", port=port, state=state, watch=quiet)
    assert not server.alive(left)
    assert up.status(state=state)[1]


def test_a_recycled_process_number_is_left_alone(state: State) -> None:
    """Another process with the number of an ended server is not ended."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        state.directory.mkdir(parents=True)
        state.write(CloudRecord(pid=stranger.pid, born=1, port=1, endpoint="http://127.0.0.1:1"))
        assert up.down(state=state) is not None
        assert stranger.poll() is None
        stranger.kill()


def test_a_record_that_nobody_can_read(state: State) -> None:
    """`up` and `status` name the remedy, `arca local down`, and it works."""
    state.directory.mkdir(parents=True)
    (state.directory / "cloud.json").write_text("{half", encoding="utf-8")
    for attempt in (
        lambda: up.up("dev", port=free_port(), state=state, watch=quiet),
        lambda: up.status(state=state),
    ):
        with pytest.raises(ArcaError, match="cannot be read") as error:
            attempt()
        assert "arca local down" in str(error.value)
    up.down(state=state)
    assert state.read() is None


def test_a_failing_run_leaves_nothing_running(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the URN, the call and the reason; no server and no record remain."""

    def refused() -> None:
        import pulumi
        import pulumi_aws as aws

        provider = aws.Provider("aws", region="sa-east-1")
        opts = pulumi.ResourceOptions(provider=provider)
        aws.ec2.Route(
            "nowhere",
            route_table_id="rtb-0123456789abcdef0",
            destination_cidr_block="0.0.0.0/0",
            gateway_id="igw-0123456789abcdef0",
            opts=opts,
        )

    monkeypatch.setattr(engine, "main", refused)
    port = free_port()
    with pytest.raises(CallRefused) as error:
        up.up("dev", port=port, state=state, watch=quiet)
    text = str(error.value)
    assert "ec2.create_route was refused" in text
    assert "aws:ec2/route:Route::nowhere" in text
    assert "InvalidRouteTableID.NotFound" in text
    assert state.read() is None
    assert not listening(port)


def test_a_call_that_the_model_refuses(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that botocore's model refuses is not sent."""

    def wrong() -> None:
        import pulumi
        import pulumi_aws as aws

        provider = aws.Provider("aws", region="sa-east-1")
        opts = pulumi.ResourceOptions(provider=provider)
        aws.ecs.Cluster("c", name="c", settings=[{"name": "a", "value": "b"}], opts=opts)
        aws.ecs.ClusterCapacityProviders(
            "c",
            cluster_name="c",
            default_capacity_provider_strategies=[{"capacity_provider": "F", "base": -1}],
            capacity_providers=["F"],
            opts=opts,
        )

    monkeypatch.setattr(engine, "main", wrong)
    with pytest.raises(CallRefused, match="base, value: -1, valid min value: 0"):
        up.up("dev", port=free_port(), state=state, watch=quiet)
    assert state.read() is None


def test_an_interrupted_run_leaves_nothing_running(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during a run ends the server."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "main", interrupted)
    port = free_port()
    with pytest.raises(KeyboardInterrupt):
        up.up("dev", port=port, state=state, watch=quiet)
    assert state.read() is None
    assert not listening(port)


def test_dr_without_prod_is_refused(state: State) -> None:
    """The stack dr reads prod's exports, and the error says how to get them."""
    with pytest.raises(ArcaError, match="dr reads prod, which is not up") as error:
        up.up("dr", port=free_port(), state=state, watch=quiet)
    assert "make up STACK=prod" in str(error.value)


def test_the_plan_says_what_up_would_do(state: State) -> None:
    """`plan` lists the steps and changes nothing."""
    assert up.plan("dev", state=state) == ("start an emulated AWS", "bring dev up in it")
    assert state.read() is None


def test_a_directory_that_cannot_be_made() -> None:
    """The error names the state directory."""
    with pytest.raises(ArcaError, match="state directory cannot be made"):
        up.down(state=State(Path("/proc/nowhere")))
