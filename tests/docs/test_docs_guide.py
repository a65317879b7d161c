"""What the deployment guide says of the stacks is what the stacks declare."""

import json
import re
from typing import Any

import pytest

from arca.release.verdict import Verdict
from tests import ROOT
from tests.docs.markdown import FENCE
from tests.stacks import STACKS, graph

PAGE = (ROOT / "docs" / "deployment-guide.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    """The cells of the guide's table that begins so."""
    lines = PAGE.partition(f"\n{header}")[2].partition("\n\n")[0].splitlines()[2:]
    assert lines, header
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def deployment(stack: str) -> Any:
    """How ECS is told to deploy a stack's service."""
    return graph(stack).outputs["service"]["deployment_configuration"]


def shares(stack: str) -> str:
    """A strategy as the guide's table names it."""
    found = deployment(stack)
    name = str(found["strategy"]).lower().replace("_", "-")
    canary = found.get("canaryConfiguration")
    if canary is None:
        return name
    percent, minutes = float(canary["canaryPercent"]), int(canary["canaryBakeTimeInMinutes"])
    return f"{name}, {percent:g} % for {minutes} minutes"


def test_the_table_of_stacks_is_the_files() -> None:
    """Each stack has its line, with the strategy of its file."""
    assert {row[0]: row[2] for row in rows("| stack | for |")} == {
        stack: shares(stack) for stack in STACKS
    }


def test_the_decision_tree_is_the_files() -> None:
    """Each stack is on one branch, which leads to the strategy of its file."""
    branches = re.findall(r"strategy(?:\{[^}]*\})? -->\|([^|]+)\| \w+\[([a-z-]+):", PAGE)
    led = {stack.strip(): name for stacks, name in branches for stack in stacks.split(",")}
    assert led == {stack: shares(stack).partition(",")[0] for stack in STACKS}
    assert sum(len(stacks.split(",")) for stacks, _ in branches) == len(STACKS)


def test_the_first_share_is_the_canary() -> None:
    """The comparison and the picture name prod's first share."""
    percent = shares("prod").split(", ")[1].partition(" for")[0]
    assert rows("| | rolling | blue-green | canary |")[1][3] == percent
    assert f"canary: tested, {percent}, then all" in PAGE


def test_each_secret_of_an_owner_is_put() -> None:
    """The guide gives a value to every secret that has none."""
    put = set(
        re.findall(r"put-secret-value --secret-id arca-prod/(\S+) ", PAGE.replace("\\\n", ""))
    )
    assert put == set(graph("prod").outputs["secrets_without_value"])


def test_the_table_of_health_checks_is_what_is_declared() -> None:
    """Paths, intervals and numbers of failures are prod's."""
    said = {row[0]: row[1] for row in rows("| check | asks |")}
    prod = graph("prod")
    task = prod.one("aws:ecs/taskDefinition:TaskDefinition", "service").inputs
    container = json.loads(task["containerDefinitions"])[0]["healthCheck"]
    assert said["container"] == (
        f"`{container['command'][1]}` in the task, every {container['interval']} s, "
        f"{container['retries']} failures"
    )
    for group in prod.of("aws:lb/targetGroup:TargetGroup"):
        asked = group.inputs["healthCheck"]
        assert said["load balancer"] == (
            f"`{asked['path']}` of each task, every {int(asked['interval'])} s, "
            f"{int(asked['unhealthyThreshold'])} failures"
        )
    route = prod.one("aws:route53/healthCheck:HealthCheck", "origin").inputs
    assert said["Route 53"] == (
        f"`{route['resourcePath']}` through Cloudflare, every {int(route['requestInterval'])} s, "
        f"{int(route['failureThreshold'])} failures"
    )
    canary = prod.one("aws:synthetics/canary:Canary").inputs
    paths = canary["runConfig"]["environmentVariables"]
    assert canary["schedule"]["expression"] == "rate(1 minute)"
    assert said["probe"] == f"`{paths['HEALTH_PATH']}` and `{paths['BUSINESS_PATH']}`, every minute"
    edge = prod.one("cloudflare:index/healthcheck:Healthcheck").inputs
    assert said["Cloudflare"] == (
        f"`{edge['httpConfig']['path']}` of the region's own name, every {int(edge['interval'])} s"
    )


def test_the_table_of_exit_codes_is_the_verdicts() -> None:
    """Each verdict has its code; wrong usage and Ctrl-C have none."""
    said = {row[1].replace(" ", "_"): int(row[0]) for row in rows("| code | verdict |") if row[1]}
    assert said == {verdict.name.lower(): verdict.exit_code for verdict in Verdict}


def test_at_night_nothing_is_said_to_a_cloud_on_this_machine() -> None:
    """What is copied while production burns names AWS."""
    failed = PAGE.partition("### The rollback failed")[2].partition("\n### ")[0]
    blocks = [FENCE.findall(PAGE)[0], *FENCE.findall(failed)]
    urgent = [block for block in blocks if "$ arca" not in block]
    commands = [line for block in urgent for line in block.splitlines() if "arca " in line]
    assert len(commands) >= 4
    assert [line for line in commands if "--target aws" not in line] == []


@pytest.mark.parametrize("page", [README, PAGE], ids=["README", "guide"])
def test_the_way_to_arca_is_said_first(page: str) -> None:
    """Nobody is shown a command before being told how it comes onto PATH."""
    shown = [
        block for block in FENCE.findall(page) if re.search(r"^(\$ )?arca ", block, re.MULTILINE)
    ]
    assert shown[0].startswith(". .venv/bin/activate\n")
