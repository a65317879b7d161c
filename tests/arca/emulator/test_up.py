"""Tests of `up`, `down` and `status` with a tiny program, and of failures between them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from arca import checkout, stackfile
from arca.checkout import ProgramFailed
from arca.emulator import server, up
from arca.emulator.aws_clients import session
from arca.emulator.program import engine
from arca.emulator.provider.cloud import CallRefused
from arca.emulator.state import CloudRecord, ServerProcess, State
from arca.errors import ArcaError, Refused
from tests import ROOT
from tests.arca.emulator.local_cloud import free_port, listening, quiet
from tests.changes import changed


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


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_up_twice_is_a_clean_restart(state: State) -> None:
    """The second run ends the first server, and its own listens on the same port."""
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    first = state.read()
    report = up.up("staging", port=port, state=state, watch=quiet)
    second = state.read()
    assert first is not None
    assert second is not None
    assert not server.alive(first)
    assert server.alive(second)
    assert (second.port, report.endpoint) == (port, f"http://127.0.0.1:{port}")
    assert server.answers(second)
    assert [one.pid for one in state.servers()] == [second.pid]
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


@pytest.mark.slow
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


def killed_run(state: State, port: int, at: str) -> None:
    """Kill a run of `up` at a moment: when the program runs, or when the old server ends."""
    code = (
        "import time; from pathlib import Path\n"
        "import pulumi\n"
        "from arca.emulator import server, up; from arca.emulator.program import engine\n"
        "from arca.emulator.state import State\n"
        "def hang(*_): print('running', flush=True); time.sleep(60)\n"
        "def program():\n"
        f"    if {at!r} == 'program' and not pulumi.runtime.is_dry_run(): hang()\n"
        "engine.main = program\n"
        f"if {at!r} == 'end': server.stop = hang\n"
        f"up.up('staging', port={port}, state=State(Path({str(state.directory)!r})), "
        "watch=lambda p: None)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"running\n"
        victim.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_run_killed_in_the_middle_keeps_the_old_cloud(state: State) -> None:
    """A killed run leaves a server too many; the next run ends that one and the old one."""
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    before = state.read()
    killed_run(state, port, "program")
    assert up.status(state=state) == (before, True)
    left = state.servers()
    assert len(left) == 2
    assert all(map(server.alive, left))
    up.up("dev", port=port, state=state, watch=quiet)
    assert not any(map(server.alive, left))
    assert up.status(state=state)[1]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_run_killed_at_its_end_leaves_the_new_cloud(state: State) -> None:
    """The record names the new cloud before the old server ends, so one of them is always up."""
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    killed_run(state, port, "end")
    record, running = up.status(state=state)
    assert running
    assert record is not None
    assert set(record.stacks) == {"staging"}
    assert record.port != port
    left = state.servers()
    up.down(state=state)
    assert len(left) == 2
    assert not any(map(server.alive, left))
    assert not listening(port)


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


def no_such_table() -> None:
    """Declare a route in a table that does not exist; a preview cannot know that."""
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


def interrupted_run() -> None:
    """Be interrupted, as by Ctrl-C, while resources are created."""
    import pulumi

    if not pulumi.runtime.is_dry_run():
        raise KeyboardInterrupt


def broken() -> None:
    """Fail at once, as a program with an error does."""
    message = "a mistake"
    raise ZeroDivisionError(message)


def test_a_failing_run_leaves_nothing_running(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the URN, the call and the reason; no server and no record remain."""
    monkeypatch.setattr(engine, "main", no_such_table)
    port = free_port()
    with pytest.raises(CallRefused) as error:
        up.up("dev", port=port, state=state, watch=quiet)
    text = str(error.value)
    assert "ec2.create_route was refused" in text
    assert "aws:ec2/route:Route::nowhere" in text
    assert "InvalidRouteTableID.NotFound" in text
    assert state.read() is None
    assert state.servers() == []
    assert not listening(port)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param(no_such_table, CallRefused, id="refused"),
        pytest.param(interrupted_run, KeyboardInterrupt, id="interrupted", marks=pytest.mark.slow),
        pytest.param(broken, ProgramFailed, id="broken", marks=pytest.mark.slow),
    ],
)
def test_a_failure_keeps_the_old_cloud(
    program: Callable[[], None],
    error: type[BaseException],
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old server still answers with its content, and the failed one has ended."""
    port = free_port()
    with monkeypatch.context() as patch:
        patch.setattr(engine, "main", tiny)
        report = up.up("dev", port=port, state=state, watch=quiet)
    before = state.read()
    monkeypatch.setattr(engine, "main", program)
    with pytest.raises(error):
        up.up("staging", port=port, state=state, watch=quiet)
    assert up.status(state=state) == (before, True)
    assert len(state.servers()) == 1
    assert state.exports("dev") == report.exports
    with pytest.raises(ArcaError, match="staging is not up"):
        state.exports("staging")
    ec2 = session().client("ec2", region_name="sa-east-1", endpoint_url=report.endpoint)
    assert ec2.describe_vpcs(VpcIds=[report.exports["vpc_id"]])["Vpcs"]


PROGRAMS = {
    "exception": (
        "from own_part import at",
        "def at():\n    {}['servce']\nat()\n",
        "KeyError: 'servce'",
    ),
    "syntax": ("import own_part", "ONE = 1\ndef two(:\n", "SyntaxError: invalid syntax"),
}
"""What `__main__.py` imports, the file that it imports, and the exception that follows."""


@pytest.mark.parametrize("name", ["syntax", pytest.param("exception", marks=pytest.mark.slow)])
def test_a_mistake_in_the_program_keeps_the_old_cloud(
    name: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the exception and its line; a dry run finds it too, and no server starts."""
    port = dev_is_up(state, monkeypatch)
    before = state.read()
    main, part, said = PROGRAMS[name]
    (tmp_path / "__main__.py").write_text(f"{main}\n", encoding="utf-8")
    (tmp_path / "own_part.py").write_text(part, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    config = stackfile.stack_config("staging", root=ROOT)
    for attempt in attempts_at_staging(state, port, config, monkeypatch):
        with pytest.raises(ProgramFailed, match=f"for the stack staging: {said}") as raised:
            attempt()
        assert raised.value.where == "own_part.py:2"
    assert up.status(state=state) == (before, True)


def dev_is_up(state: State, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bring a tiny dev up, and return its port."""
    port = free_port()
    with monkeypatch.context() as patch:
        patch.setattr(engine, "main", tiny)
        up.up("dev", port=port, state=state, watch=quiet)
    return port


def attempts_at_staging(
    state: State, port: int, config: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Callable[[], object], ...]:
    """Return a run and a dry run with these settings; neither may start a server."""

    def stack_config(_stack: str) -> Mapping[str, str]:
        return config

    monkeypatch.setattr(up.stackfile, "stack_config", stack_config)
    monkeypatch.setattr(server, "start", refuse_start)
    return (
        lambda: up.up("staging", port=port, state=state, watch=quiet),
        lambda: up.plan("staging", port=port, state=state),
    )


def refuse_start(**_: Any) -> CloudRecord:
    """Fail the test that starts a server."""
    message = "a server was started"
    raise AssertionError(message)


def test_a_bad_setting_ends_and_starts_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are checked before any server, by a dry run too."""
    port = dev_is_up(state, monkeypatch)
    before = state.read()
    config = changed("staging", {"network.cidr": "10.0.0.0/99"})
    for attempt in attempts_at_staging(state, port, config, monkeypatch):
        with pytest.raises(ArcaError, match=r"10\.0\.0\.0/99"):
            attempt()
    assert up.status(state=state) == (before, True)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_another_port_that_is_taken_keeps_the_old_cloud(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is checked before the old cloud ends, by a dry run too."""
    up.up("dev", port=free_port(), state=state, watch=quiet)
    before = state.read()
    monkeypatch.setattr(server, "start", refuse_start)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        for attempt in (
            lambda: up.up("dev", port=port, state=state, watch=quiet),
            lambda: up.plan("dev", port=port, state=state),
        ):
            with pytest.raises(ArcaError, match=f"Port {port} cannot be used"):
                attempt()
    assert up.status(state=state) == (before, True)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_another_free_port_is_taken_at_once(state: State) -> None:
    """The new cloud moves to the port that is asked for now."""
    first, second = free_port(), free_port()
    up.up("dev", port=first, state=state, watch=quiet)
    report = up.up("dev", port=second, state=state, watch=quiet)
    assert report.endpoint.endswith(f":{second}")
    assert report.gone == ()
    assert not listening(first)
    assert up.status(state=state)[1]


@pytest.mark.slow
def test_a_port_that_is_lost_at_the_end_is_said(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new cloud stays up at the port that it has."""
    monkeypatch.setattr(engine, "main", tiny)
    port = free_port()
    up.up("dev", port=port, state=state, watch=quiet)
    stop = server.stop
    with socket.socket() as thief:

        def stop_and_steal(one: ServerProcess) -> bool:
            done = stop(one)
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", port))
            thief.listen()
            return done

        with monkeypatch.context() as patch:
            patch.setattr(server, "stop", stop_and_steal)
            with pytest.raises(ArcaError, match=f"not at port {port}") as error:
                up.up("staging", port=port, state=state, watch=quiet)
    record, running = up.status(state=state)
    assert running
    assert record is not None
    assert record.endpoint == error.value.where
    assert set(record.stacks) == {"staging"}


@pytest.mark.usefixtures("small")
def test_dr_never_rebuilds_prod(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second `make up STACK=dr` is refused, and so is one after a failure of the first."""
    port = free_port()
    up.up("prod", port=port, state=state, watch=quiet)
    prod = state.read()
    assert prod is not None
    with monkeypatch.context() as patch:
        patch.setattr(engine, "main", no_such_table)
        with pytest.raises(CallRefused):
            up.up("dr", port=port, state=state, watch=quiet)
    record, running = up.status(state=state)
    assert running
    assert record == prod.model_copy(update={"incomplete": ("dr",)})
    with pytest.raises(Refused, match="The stack dr is incomplete") as refused:
        up.up("dr", port=port, state=state, watch=quiet)
    assert refused.value.do.startswith("run `make up STACK=prod` and then `make up STACK=dr`")
    state.write(prod)
    up.up("dr", port=port, state=state, watch=quiet)
    record = state.read()
    assert record is not None
    assert (record.pid, set(record.stacks), record.incomplete) == (prod.pid, {"prod", "dr"}, ())
    for attempt in (
        lambda: up.up("dr", port=port, state=state, watch=quiet),
        lambda: up.plan("dr", port=port, state=state),
    ):
        with pytest.raises(Refused, match="The stack dr is up already"):
            attempt()
    assert up.status(state=state) == (record, True)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_what_ends_is_said_first(state: State) -> None:
    """Both the plan and the first progress of a run name the stacks that end."""
    port = free_port()
    up.up("prod", port=port, state=state, watch=quiet)
    up.up("dr", port=port, state=state, watch=quiet)
    said: list[str] = []
    ends = "end the cloud that is up now, with dr, prod, once staging is up"
    assert up.plan("staging", port=port, state=state) == (
        "start an emulated AWS",
        "bring staging up in it",
        ends,
    )
    report = up.up(
        "staging", port=port, state=state, watch=lambda progress: said.append(progress.step)
    )
    assert said[0] == f"this run will {ends}"
    assert set(report.gone) == {"prod", "dr"}
    assert up.plan("staging", port=port, state=state)[2].startswith("end the cloud")


@pytest.mark.usefixtures("small")
def test_progress_has_whole_names_and_a_total(state: State) -> None:
    """The total comes from the preview, and is that of the last resource."""
    seen: list[up.Progress] = []
    up.up("dev", port=free_port(), state=state, watch=seen.append)
    resources = [one for one in seen if one.done]
    assert resources[-1] == up.Progress("dev: aws:ec2/vpc:Vpc vpc", 2, 2)


def test_a_call_that_the_model_refuses(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that botocore's model refuses is not sent."""

    def wrong() -> None:
        import pulumi
        import pulumi_aws as aws

        provider = aws.Provider("aws", region="sa-east-1")
        opts = pulumi.ResourceOptions(provider=provider)
        aws.ecs.Cluster(
            "c",
            name="c",
            settings=[{"name": "containerInsights", "value": "enabled"}],
            opts=opts,
        )
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
    monkeypatch.setattr(engine, "main", interrupted_run)
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


@pytest.mark.usefixtures("small")
def test_the_plan_says_what_up_would_do(state: State) -> None:
    """`plan` lists the steps and changes nothing."""
    steps = up.plan("dev", port=free_port(), state=state)
    assert steps == ("start an emulated AWS", "bring dev up in it")
    assert not state.directory.exists()
