"""Tests of `update` with a tiny program: what differs is changed, also after a kill at any step."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from arca.checkout import ProgramFailed
from arca.emulator import up, update
from arca.emulator.program import engine
from arca.emulator.provider.ledger import Ledger, Line
from arca.emulator.state import State
from arca.emulator.update import UpdateReport
from arca.errors import ArcaError, Refused
from tests.arca.emulator.local_cloud import client, free_port, quiet

LINES = 12
"""Lines of the ledger: two for each of six resources that change or go."""


class Killed(Exception):
    """Stands for SIGKILL: nothing in an update handles it."""


@dataclass
class Program:
    """A program whose resources the tests change."""

    parameters: dict[str, str] = field(default_factory=lambda: {"one": "1", "two": "2"})
    subnets: list[str] = field(default_factory=lambda: ["10.0.0.0/24"])
    role: str = "first"
    protected: bool = False
    wrong: bool = False
    characters: str = ""

    def __call__(self) -> None:
        """Declare the resources."""
        provider = aws.Provider("aws", region="sa-east-1", default_tags={"tags": {"team": "a"}})
        opts = pulumi.ResourceOptions(provider=provider)
        vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block="10.0.0.0/16",
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": "vpc"},
            opts=pulumi.ResourceOptions(provider=provider, protect=self.protected),
        )
        for block in self.subnets:
            aws.ec2.Subnet(
                f"subnet-{block}",
                vpc_id=vpc.id,
                availability_zone="sa-east-1a",
                cidr_block=block,
                tags={"Name": block},
                opts=opts,
            )
        group = aws.ec2.SecurityGroup(
            "group", description=self.role, vpc_id=vpc.id, tags={"Name": "group"}, opts=opts
        )
        if self.wrong:
            raise ValueError(self.role)
        for name, value in self.parameters.items():
            aws.ssm.Parameter(
                name,
                name=f"/tiny/{name}",
                type="String",
                value=pulumi.Output.format("{0} {1}", value, group.id) if name == "two" else value,
                tags={"Name": name},
                opts=opts,
            )
        pulumi.export("region", "sa-east-1")
        pulumi.export("vpc_id", vpc.id)
        pulumi.export("group_id", group.id)


@dataclass
class Tiny:
    """The tiny program, which is up."""

    program: Program
    state: State
    came_up: up.UpReport

    def update(self) -> UpdateReport:
        """Update the stack."""
        return update.update("dev", state=self.state, watch=quiet)

    def shown(self) -> dict[str, Any]:
        """Return what moto holds, with the ids that the program exports."""
        ec2 = client("ec2", self.came_up)
        own = [{"Name": "vpc-id", "Values": [self.came_up.exports["vpc_id"]]}]
        groups = ec2.describe_security_groups(Filters=own)["SecurityGroups"]
        return {
            "vpcs": sorted(one["CidrBlock"] for one in ec2.describe_vpcs()["Vpcs"]),
            "subnets": sorted(
                one["CidrBlock"] for one in ec2.describe_subnets(Filters=own)["Subnets"]
            ),
            "groups": sorted(one["Description"] for one in groups),
            "parameters": {
                one["Name"]: one["Value"].split()[0]
                for one in client("ssm", self.came_up).get_parameters_by_path(Path="/tiny")[
                    "Parameters"
                ]
            },
        }

    def ledger(self) -> Ledger:
        """Return the ledger as a later run reads it."""
        return Ledger.read(self.state.resources("dev"), stack="dev")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[State, up.UpReport]]:
    """The tiny program in a cloud that the tests of this file share."""
    state = State(tmp_path_factory.mktemp("state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "main", Program())
        report = up.up("dev", port=free_port(), state=state, watch=quiet, bare=True)
    yield state, report
    up.down(state=state)


@pytest.fixture
def tiny(server: tuple[State, up.UpReport], monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """The tiny program in the state in which it came up."""
    program = Program()
    monkeypatch.setattr(engine, "main", program)
    found = Tiny(program, *server)
    found.update()
    return found


def actions(report: UpdateReport) -> list[str]:
    """Return what became of the resources that are not the same."""
    return [f"{step.action} {step.name}" for step in report.steps]


def test_nothing_changes_twice(tiny: Tiny) -> None:
    """An update of what is up has only the same resources and makes no call."""
    report = tiny.update()
    assert (report.changed, report.counts["same"]) == (False, 6)
    assert report.exports == tiny.state.exports("dev")
    preview = update.preview("dev", state=tiny.state, watch=quiet)
    assert (preview.counts, preview.steps) == (report.counts, ())


def test_what_differs_is_changed_in_order(tiny: Tiny) -> None:
    """A resource is created, updated, replaced before what is old goes, and deleted at the end."""
    tiny.program.parameters = {"one": "changed", "two": "2"}
    tiny.program.subnets = ["10.0.1.0/24"]
    tiny.program.role = "second"
    group = tiny.state.exports("dev")["group_id"]
    expected = [
        "create subnet-10.0.1.0/24",
        "replace group",
        "update one",
        "update two",
        "delete subnet-10.0.0.0/24",
    ]
    planned = update.preview("dev", state=tiny.state, watch=quiet)
    assert sorted(actions(planned)) == sorted(expected)
    assert tiny.shown()["subnets"] == ["10.0.0.0/24"]
    report = tiny.update()
    assert sorted(actions(report)) == sorted(expected)
    assert actions(report)[-1] == expected[-1]
    assert report.exports["group_id"] != group
    assert tiny.shown() == {
        "vpcs": ["10.0.0.0/16", "172.31.0.0/16"],
        "subnets": ["10.0.1.0/24"],
        "groups": ["default VPC security group", "second"],
        "parameters": {"/tiny/one": "changed", "/tiny/two": "2"},
    }
    (step,) = (one for one in report.steps if one.name == "two")
    assert step.inputs == ("value",)
    assert not tiny.update().changed
    assert tiny.state.resources("dev").stat().st_mode & 0o077 == 0


def test_what_is_protected_is_refused_before_anything_changes(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program without a protected resource changes nothing, not even other resources."""
    tiny.program.protected = True
    tiny.update()

    def other() -> None:
        aws.ssm.Parameter("new", name="/tiny/new", type="String", value="1", tags={})

    monkeypatch.setattr(engine, "main", other)
    before = (tiny.shown(), tiny.state.resources("dev").read_bytes())
    with pytest.raises(Refused, match="vpc cannot be deleted because it is protected"):
        tiny.update()
    assert (tiny.shown(), tiny.state.resources("dev").read_bytes()) == before


def test_a_program_that_fails_changes_nothing(tiny: Tiny) -> None:
    """The preview fails first, and the state directory is as before."""
    tiny.program.subnets = ["10.0.7.0/24"]
    tiny.program.wrong = True
    before = (tiny.shown(), tiny.state.resources("dev").read_bytes())
    with pytest.raises(ProgramFailed):
        tiny.update()
    assert (tiny.shown(), tiny.state.resources("dev").read_bytes()) == before


def test_a_change_that_nobody_knows_is_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the resource and the input, and the rest of the update is not made."""

    def other() -> None:
        tiny.program()
        provider = aws.Provider("more", region="sa-east-1")
        opts = pulumi.ResourceOptions(provider=provider)
        entries = [{"cidr": "10.0.0.0/8", "description": "x"}]
        aws.ec2.ManagedPrefixList(
            "list",
            name="list",
            address_family="IPv4",
            max_entries=other.most,  # pyright: ignore[reportFunctionMemberAccess]
            entries=entries,  # pyright: ignore[reportArgumentType]
            tags={"Name": "list"},
            opts=opts,
        )

    other.most = 5  # pyright: ignore[reportFunctionMemberAccess]
    monkeypatch.setattr(engine, "main", other)
    tiny.update()
    other.most = 6  # pyright: ignore[reportFunctionMemberAccess]
    tiny.program.parameters = {"one": "never", "two": "2"}
    with pytest.raises(ArcaError, match="how to update maxEntries of list"):
        tiny.update()
    assert tiny.shown()["parameters"]["/tiny/one"] == "1"


@pytest.mark.parametrize(
    "at",
    [one if one in (1, 5) else pytest.param(one, marks=pytest.mark.slow) for one in range(LINES)],
)
def test_an_update_killed_anywhere_is_mended_by_a_repeat(tiny: Tiny, at: int) -> None:
    """After the calls of an operation and before them, the repeat ends with the same cloud."""
    changed = Program({"two": "9", "three": "3"}, ["10.0.0.0/24", "10.0.2.0/24"], "third")
    assert killed(tiny, changed, at=at) == at
    back_to(tiny, changed)
    assert tiny.shown() == {
        "vpcs": ["10.0.0.0/16", "172.31.0.0/16"],
        "subnets": ["10.0.0.0/24", "10.0.2.0/24"],
        "groups": ["default VPC security group", "third"],
        "parameters": {"/tiny/three": "3", "/tiny/two": "9"},
    }
    assert not tiny.update().changed
    assert (tiny.ledger().pending, tiny.ledger().condemned) == (None, {})


@pytest.mark.slow
def test_the_kills_cover_every_line(tiny: Tiny) -> None:
    """The update of the test above writes as many lines as that test has cases."""
    changed = Program({"two": "9", "three": "3"}, ["10.0.0.0/24", "10.0.2.0/24"], "third")
    assert killed(tiny, changed, at=1000) == LINES


def back_to(tiny: Tiny, program: Program) -> None:
    """Update to a program."""
    vars(tiny.program).update(vars(program))
    tiny.update()


def killed(tiny: Tiny, program: Program, *, at: int) -> int:
    """Update to a program until a line of the ledger, which is not written; returns the lines."""
    vars(tiny.program).update(vars(program))
    written, add = 0, Ledger.add

    def counting(ledger: Ledger, line: Line) -> None:
        nonlocal written
        if written == at:
            raise Killed
        written += 1
        add(ledger, line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "add", counting)
        with suppress(Killed):
            tiny.update()
    return written


def test_a_stack_that_is_not_up_cannot_be_updated(tmp_path: Path) -> None:
    """The message names the command that brings it up."""
    with pytest.raises(ArcaError, match="dev is not up") as error:
        update.update("dev", state=State(tmp_path), watch=quiet)
    assert "make up STACK=dev" in error.value.do


def test_a_second_operator_is_refused(tiny: Tiny) -> None:
    """An update holds the lock that `up` holds."""
    with tiny.state.lock(), pytest.raises(Refused, match="changing the emulated cloud"):
        update.update("dev", state=State(tiny.state.directory), watch=quiet)
