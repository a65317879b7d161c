"""The workflows' scripts: which stacks a change touches, and review stacks."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from arca.emulator.program import stackfile
from tests import ROOT
from tests.github.workflows import SCRIPTS, script
from tests.graph import declare
from tests.invariants import broken
from tests.test_architecture import imports, rooms

ALL = ["dev", "staging", "prod", "dr"]
NOW = datetime(2026, 1, 10, tzinfo=UTC)


touched, review = script("touched"), script("review_stack")


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        ([], []),
        (["Pulumi.prod.yaml"], ["prod"]),
        (["Pulumi.dr.yaml", "Pulumi.dev.yaml", "docs/pipeline.md"], ["dev", "dr"]),
        (["docs/asks.md", "README.md", "tests/graph.py", "arca/cli/main.py", "Makefile"], []),
        (["components/cache.py"], ALL),
        (["arca/monitoring/slo/availability.yaml"], ALL),
        (["Pulumi.yaml"], ALL),
        (["requirements.txt"], ALL),
        (["requirements-dev.txt", "arca/outputs.py"], []),
        ([".github/workflows/stack.yml"], ALL),
        (["a_new_folder/x.py"], ALL),
        (["Pulumi.gone.yaml"], []),
    ],
)
def test_which_stacks_a_change_touches(paths: list[str], wanted: list[str]) -> None:
    """A stack's file its stack, the program all of them, the rest none."""
    assert touched.touched(paths, ["dr", "prod", "staging", "dev"]) == wanted


def test_touched_speaks_json() -> None:
    """As the workflow calls it."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "touched.py")],
        input="Pulumi.prod.yaml\n\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["prod"]


def test_the_program_reads_nothing_of_what_touches_no_stack() -> None:
    """Neither by import nor as a file that it hands to AWS."""
    read, waiting = set[Path](), rooms("__main__", "settings", "components")
    while waiting:
        path = waiting.pop()
        read.add(path)
        named = {ROOT.joinpath(*module.split(".")) for module in imports(path)}
        files = {file for one in named for file in (one.with_suffix(".py"), one / "__init__.py")}
        waiting += [file for file in files if file.exists() and file not in read]
    assert ROOT / "arca" / "monitoring" / "catalogue.py" in read
    harmless = [path for path in read if not touched.touched([str(path.relative_to(ROOT))], ALL)]
    assert harmless == []
    for source in ROOT.glob("components/**/*.py"):
        for name in re.findall(r'source\("([^"]+)"', source.read_text(encoding="utf-8")):
            assert touched.touched([f"arca/{name}"], ALL) == ALL


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A copy of the stacks' files."""
    for path in ROOT.glob("Pulumi.*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
    return tmp_path


def test_a_review_stack_is_a_whole_stack(made: Path) -> None:
    """The program takes its settings, and everything in it holds but the last snapshot."""
    assert review.generate(12, made).name == "Pulumi.review-12.yaml"
    graph = declare("review-12", stackfile.stack_config("review-12", root=made))
    assert broken(graph, protected=False) == ["database: skipFinalSnapshot is True, not False"]
    assert graph.outputs["edge"]["url"] == "https://api.review-12.arca-dev.example"
    assert graph.outputs.get("delivery") is None
    assert graph.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "10.112.0.0/16"


def test_a_review_stack_leaves_nothing(made: Path) -> None:
    """It can be destroyed and made again within the hour, under the same names."""
    review.generate(7, made)
    graph = declare("review-7", stackfile.stack_config("review-7", root=made))
    assert {
        n.inputs["recoveryWindowInDays"] for n in graph.of("aws:secretsmanager/secret:Secret")
    } == {0}
    buckets = graph.of("aws:s3/bucket:Bucket")
    assert all(bucket.inputs["forceDestroy"] is True for bucket in buckets)
    assert {bucket.inputs["bucketPrefix"] for bucket in buckets} == {"arca-review-7-"}
    assert graph.one("aws:rds/instance:Instance").inputs["deletionProtection"] is False
    assert not any(node.protect or node.retain for node in graph.custom())


def test_a_review_stack_takes_nothing_of_devs_zone(made: Path) -> None:
    """What a zone has once stays dev's."""
    review.generate(7, made)
    graph = declare("review-7", stackfile.stack_config("review-7", root=made))
    kinds = {n.type.split("/")[-1] for n in graph.custom() if n.type.startswith("cloudflare:")}
    assert kinds == {"dnsRecord:DnsRecord"}


def test_ranges_of_review_stacks(made: Path) -> None:
    """Apart from each other and from the four stacks'."""
    ranges = set[str]()
    for number in range(1, 101):
        path = review.generate(number, made)
        ranges.add(yaml.safe_load(path.read_text("utf-8"))["config"]["arca-api:network"]["cidr"])
    assert len(ranges) == 100
    assert all(100 <= int(cidr.split(".")[1]) < 200 for cidr in ranges)


def test_no_review_beside_customers(made: Path) -> None:
    """Dev and prod in one account: no review stack."""
    for name in ("dev", "prod"):
        path = made / f"Pulumi.{name}.yaml"
        path.write_text(path.read_text("utf-8").replace("0" * 12, "123456789012"), encoding="utf-8")
    with pytest.raises(ValueError, match="share the account 123456789012"):
        review.generate(7, made)
    assert not (made / "Pulumi.review-7.yaml").exists()


def stacks(**hours: float | None) -> list[dict[str, Any]]:
    """What `pulumi stack ls --json` says, with the hours since each one's last update."""
    return [
        {
            "name": name.replace("_", "-"),
            "lastUpdate": (NOW - timedelta(hours=ago)).isoformat().replace("+00:00", "Z"),
        }
        if ago is not None
        else {"name": name.replace("_", "-")}
        for name, ago in hours.items()
    ]


def test_old_review_stacks_are_over() -> None:
    """And no other stack ever is, however old."""
    listed = stacks(dev=999, prod=999, review_1=71.9, review_2=72, review_3=None, review_x=999)
    assert review.over(listed, frozenset({1, 2, 3}), NOW) == [2, 3]


def test_review_stacks_that_nobody_asks_for_are_over() -> None:
    """The label or the pull request is gone, however young the stack."""
    listed = stacks(dev=1, review_1=1, review_2=1)
    assert review.over(listed, frozenset({2, 7}), NOW) == [1]
    assert review.over(listed, frozenset(), NOW) == [1, 2]


def budget(spent: float) -> dict[str, Any]:
    """What `aws budgets describe-budget` says."""
    return {
        "Budget": {
            "BudgetLimit": {"Amount": "400.0", "Unit": "USD"},
            "CalculatedSpend": {"ActualSpend": {"Amount": str(spent), "Unit": "USD"}},
        }
    }


def test_there_is_room_for_three() -> None:
    """The fourth waits; one that is up already may go on."""
    two = stacks(dev=1, review_1=1, review_2=1)
    three = [*two, *stacks(review_3=1)]
    assert review.no_room(two, 9, budget(10)) is None
    assert "the most at a time" in review.no_room(three, 9, budget(10))
    assert review.no_room(three, 3, budget(10)) is None


def test_two_review_stacks_that_come_at_once() -> None:
    """Both have asked before they are counted, so neither takes the other's room."""
    listed = stacks(review_1=1, review_2=1, review_8=None, review_9=None)
    assert review.no_room(listed, 8, budget(10)) is not None
    assert review.no_room(listed, 9, budget(10)) is not None
    assert review.no_room(listed[:3], 8, budget(10)) is None


def test_a_budget_that_is_spent_closes_the_door() -> None:
    """Also for a stack that is up already."""
    assert review.no_room([], 9, budget(399.99)) is None
    for listed in ([], stacks(review_9=1)):
        assert "400.00 of the month's 400.00" in review.no_room(listed, 9, budget(400))


def test_the_verbs_of_review_stacks(tmp_path: Path) -> None:
    """As the workflow calls them."""
    file = tmp_path / "budget.json"
    file.write_text(json.dumps(budget(1)), encoding="utf-8")
    for words, wanted in (
        *((f"room 9 --budget {file}", 6), (f"room 1 --budget {file}", 0)),
        *(("room 1", 2), ("rom 1", 2)),
        *(("over --asked=", 0), ("over --asked=1,2", 0), ("over", 2), ("over --asked=x", 2)),
    ):
        done = subprocess.run(
            [sys.executable, str(SCRIPTS / "review_stack.py"), *words.split()],
            input=json.dumps(stacks(review_1=1, review_2=1, review_3=1)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == wanted, done.stderr
        assert "Traceback" not in done.stderr
