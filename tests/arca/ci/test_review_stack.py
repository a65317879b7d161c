"""Review stacks: their settings, the limits on them, and when they must go."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from arca import stackfile
from arca.ci import review_stack
from arca.errors import Refused
from tests import ROOT
from tests.graph import declare
from tests.invariants import broken
from tests.stacks import settings_of

NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a directory with a copy of the stacks' files."""
    for path in ROOT.glob("Pulumi.*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
    return tmp_path


def test_a_review_stack_is_a_whole_stack(made: Path) -> None:
    """The program accepts its settings, and every invariant holds but the final snapshot."""
    assert review_stack.generate(12, made).name == "Pulumi.review-12.yaml"
    graph = declare("review-12", stackfile.stack_config("review-12", root=made))
    assert broken(graph, protected=False) == ["database: skipFinalSnapshot is True, not False"]
    assert (
        graph.outputs["edge"]["url"] == f"https://api.review-12.{settings_of('dev').owner.domain}"
    )
    assert graph.outputs.get("delivery") is None
    assert graph.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "10.112.0.0/16"


def test_a_review_stack_leaves_nothing(made: Path) -> None:
    """It can be destroyed and brought up again within the hour, under the same names."""
    review_stack.generate(7, made)
    graph = declare("review-7", stackfile.stack_config("review-7", root=made))
    assert {
        n.inputs["recoveryWindowInDays"] for n in graph.of("aws:secretsmanager/secret:Secret")
    } == {0}
    buckets = graph.of("aws:s3/bucket:Bucket")
    assert all(bucket.inputs["forceDestroy"] is True for bucket in buckets)
    assert {bucket.inputs["bucketPrefix"] for bucket in buckets} == {"arca-review-7-"}
    assert graph.one("aws:rds/instance:Instance").inputs["deletionProtection"] is False
    assert not any(node.protect or node.retain for node in graph.custom())


def test_a_review_stack_does_not_change_devs_zone(made: Path) -> None:
    """The zone's settings exist once, and dev owns them."""
    review_stack.generate(7, made)
    graph = declare("review-7", stackfile.stack_config("review-7", root=made))
    kinds = {n.type.split("/")[-1] for n in graph.custom() if n.type.startswith("cloudflare:")}
    assert kinds == {"dnsRecord:DnsRecord"}


@pytest.mark.slow
def test_the_ranges_of_review_stacks_do_not_overlap(made: Path) -> None:
    """They differ from each other and from the four stacks'."""
    ranges = set[str]()
    for number in range(1, 101):
        path = review_stack.generate(number, made)
        ranges.add(yaml.safe_load(path.read_text("utf-8"))["config"]["arca-api:network"]["cidr"])
    assert len(ranges) == 100
    assert all(100 <= int(cidr.split(".")[1]) < 200 for cidr in ranges)


def test_no_review_stack_beside_customers(made: Path) -> None:
    """A review stack is refused where dev and prod share an account."""
    for name in ("dev", "prod"):
        path = made / f"Pulumi.{name}.yaml"
        text, count = re.subn(
            r"account_id: .*", 'account_id: "123456789012"', path.read_text("utf-8"), count=1
        )
        assert count == 1
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="share the account 123456789012"):
        review_stack.generate(7, made)
    assert not (made / "Pulumi.review-7.yaml").exists()


def stacks(**hours: float | None) -> list[dict[str, Any]]:
    """Return what `pulumi stack ls --json` prints; `hours` since each stack's last update."""
    return [
        {
            "name": name.replace("_", "-"),
            "lastUpdate": (NOW - timedelta(hours=ago)).isoformat().replace("+00:00", "Z"),
        }
        if ago is not None
        else {"name": name.replace("_", "-")}
        for name, ago in hours.items()
    ]


def test_old_review_stacks_are_removable() -> None:
    """No other stack ever is, however old."""
    listed = stacks(dev=999, prod=999, review_1=71.9, review_2=72, review_3=None, review_x=999)
    assert review_stack.removable(listed, frozenset({1, 2, 3}), NOW) == [2, 3]


def test_unrequested_review_stacks_are_removable() -> None:
    """Their label or their pull request is gone; their age does not matter."""
    listed = stacks(dev=1, review_1=1, review_2=1)
    assert review_stack.removable(listed, frozenset({2, 7}), NOW) == [1]
    assert review_stack.removable(listed, frozenset(), NOW) == [1, 2]


def budget(spent: float) -> dict[str, Any]:
    """Return what `aws budgets describe-budget` prints."""
    return {
        "Budget": {
            "BudgetLimit": {"Amount": "400.0", "Unit": "USD"},
            "CalculatedSpend": {"ActualSpend": {"Amount": str(spent), "Unit": "USD"}},
        }
    }


def admitted(listed: list[dict[str, Any]], number: int, spent: float = 10) -> bool:
    """Return whether the stack may come up."""
    try:
        review_stack.admit(listed, number, budget(spent))
    except Refused:
        return False
    return True


def test_three_review_stacks_are_admitted() -> None:
    """The fourth is refused; a stack that is up already is not."""
    two = stacks(dev=1, review_1=1, review_2=1)
    three = [*two, *stacks(review_3=1)]
    assert admitted(two, 9)
    with pytest.raises(Refused, match="3 review stacks are up") as refused:
        review_stack.admit(three, 9, budget(10))
    assert refused.value.where == "review-1, review-2, review-3"
    assert admitted(three, 3)
    assert admitted([*three, *stacks(review_4=1)], 4)


def test_two_review_stacks_that_come_at_once_are_both_counted() -> None:
    """Both exist before they are counted, so neither takes the other's place."""
    listed = stacks(review_1=1, review_2=1, review_8=None, review_9=None)
    assert not admitted(listed, 8)
    assert not admitted(listed, 9)
    assert admitted(listed[:3], 8)


def test_a_spent_budget_refuses_every_review_stack() -> None:
    """It refuses a stack that is up already too."""
    assert admitted([], 9, spent=399.99)
    for listed in ([], stacks(review_9=1)):
        with pytest.raises(Refused, match=r"400\.00 of the month's 400\.00"):
            review_stack.admit(listed, 9, budget(400))


@pytest.mark.slow
def test_the_commands_of_review_stacks(tmp_path: Path) -> None:
    """Their exit codes are 6 for a refusal and 2 for wrong usage, without a traceback."""
    file = tmp_path / "budget.json"
    file.write_text(json.dumps(budget(1)), encoding="utf-8")
    listed = json.dumps(stacks(review_1=1, review_2=1, review_3=1))
    for words, given, wanted in (
        (f"admit 9 --budget {file}", listed, 6),
        (f"admit 1 --budget {file}", listed, 0),
        (f"admit 1 --budget {file}", "no JSON", 2),
        (f"admit 1 --budget {tmp_path}/missing.json", listed, 2),
        ("admit 1", listed, 2),
        ("admitt 1", listed, 2),
        ("removable --requested=", listed, 0),
        ("removable --requested=1,2", listed, 0),
        ("removable", listed, 2),
        ("removable --requested=x", listed, 2),
    ):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "arca", "ci", "review-stack", *words.split()],
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == wanted, done.stderr
        assert "Traceback" not in done.stderr


def test_the_command_prints_one_number_a_line() -> None:
    """It reads the current time: a stack that was updated long ago is removable."""
    names = ("dev", "review-7", "review-12")
    listed = json.dumps([{"name": name, "lastUpdate": "2000-01-01T00:00:00Z"} for name in names])
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "arca",
            "ci",
            "review-stack",
            "removable",
            "--requested",
            "7,12",
        ],
        cwd=ROOT,
        input=listed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "7\n12\n"
