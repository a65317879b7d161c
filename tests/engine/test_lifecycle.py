"""Whole lifecycles with the real engine, a file backend and the provider double."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT
from tests.engine.double import Drift, doubles
from tests.invariants import DURABLE

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        shutil.which("pulumi") is None, reason="no `pulumi` on PATH (README, the real run)"
    ),
]

PROGRAM = (
    "Pulumi*.yaml",
    "__main__.py",
    "arca",
    "requirements.txt",
    "components",
    "settings",
)  # fmt: skip - a list of names
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service::service"
RULE = "aws:lb/listenerRule:ListenerRule::load-balancer-{}"
OWNER = {
    "account_id": "000000000001",
    "cloudflare_account_id": "1" * 32,
    "cloudflare_zone_id": "2" * 32,
    "image": "000000000001.dkr.ecr.sa-east-1.amazonaws.com/arca:1.0.0",
    "contact_email": "oncall@arca-test.com.ar",
}
REPOSITORIES = {
    "infra_repository": "arca-test/arca-infra",
    "application_repository": "arca-test/arca-api",
}
PAGER = "0123456789abcdef0123456789abcdef"


class Project:
    """A copy of the program with an owner's own values, and a backend of its own."""

    def __init__(self, directory: Path, providers: str, drift: Drift) -> None:
        self.drift = drift
        """What the providers find changed in the cloud."""
        self.directory = directory / "project"
        self.directory.mkdir()
        for pattern in PROGRAM:
            for source in ROOT.glob(pattern):
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, self.directory / source.name)
        (self.directory / ".venv").symlink_to(ROOT / ".venv")
        backend = directory / "backend"
        backend.mkdir()
        self.env = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DEBUG_COMMANDS": "true",  # shows --event-log, as the workflow has it
            "PULUMI_DEBUG_PROVIDERS": providers,
            "PULUMI_HOME": str(directory / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
        }
        for stack in ("dev", "staging", "prod", "dr"):
            domain = f"arca-{'prod' if stack == 'dr' else stack}.com.ar"
            self.change(stack, "owner", {**OWNER, "domain": domain})
            self.change(stack, "delivery", REPOSITORIES)

    def change(self, stack: str, section: str, values: dict[str, Any]) -> None:
        """Change some keys of a section in a stack's file."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        key = f"arca-api:{section}"
        before = content["config"].get(key, {})
        content["config"][key] = {**before, **values}
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def pulumi(self, *arguments: str, ok: bool = True) -> str:
        """Run the CLI; gives all that it printed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],  # noqa: S607 - the operator's own
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        printed = done.stdout + done.stderr
        assert (done.returncode == 0) == ok, printed
        return printed

    def init(self, stack: str) -> None:
        """Make the stack, keeping its file."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        before = path.read_text(encoding="utf-8")
        self.pulumi("stack", "init", stack)
        salt = yaml.safe_load(path.read_text(encoding="utf-8")).get("encryptionsalt")
        path.write_text(f"encryptionsalt: {salt}\n{before}", encoding="utf-8")

    def up(self, stack: str) -> str:
        """Update the stack."""
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    def page(self, stack: str) -> None:
        """Give PagerDuty's key as an operator does (docs/monitoring.md)."""
        key = "arca-api:alerting.pagerduty_key"
        self.pulumi("config", "set", "--secret", "--path", key, PAGER, "--stack", stack)

    def resources(self, stack: str) -> dict[str, Any]:
        """The state, by type and logical name."""
        exported = json.loads(self.pulumi("stack", "export", "--stack", stack))
        found: list[Any] = exported["deployment"].get("resources", [])
        return {resource["urn"].rpartition("$")[2]: resource for resource in found}

    def state(self, stack: str) -> dict[str, str]:
        """URN to id of everything that is durable."""
        found = self.resources(stack).values()
        return {one["urn"]: one["id"] for one in found if one["type"] in DURABLE}

    def policy(self, stack: str) -> tuple[int, str]:
        """What the pipeline's policy says of a preview: exit code and words."""
        events = self.directory.parent / "events.json"
        events.unlink(missing_ok=True)
        self.pulumi("preview", "--event-log", str(events), "--stack", stack)
        done = subprocess.run(
            [sys.executable, "-m", "arca", "ci", "plan-policy"],
            input=events.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def steps(self, stack: str) -> dict[str, set[str]]:
        """What a preview would do, by type and logical name."""
        preview = json.loads(self.pulumi("preview", "--json", "--stack", stack))
        found: dict[str, set[str]] = {}
        for step in preview["steps"]:
            found.setdefault(step["urn"].rpartition("$")[2], set()).add(step["op"])
        return found

    def replaced(self, stack: str) -> list[str]:
        """What a preview would replace or delete."""
        losing = {"replace", "delete", "delete-replaced", "create-replacement"}
        return sorted(name for name, steps in self.steps(stack).items() if steps & losing)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose providers are doubles."""
    drift: Drift = {}
    with doubles(drift) as providers:
        yield Project(tmp_path, providers, drift)


def test_the_life_of_dev(project: Project) -> None:
    """Up, no changes, refreshed, changed without a loss, destroyed."""
    project.init("dev")
    code, said = project.policy("dev")
    assert code == 6
    assert "create delivery-infra: the pipeline does not change its own roles" in said
    project.up("dev")
    assert project.policy("dev") == (0, "")
    before = project.state("dev")
    assert len(before) > 15
    project.pulumi("preview", "--expect-no-changes", "--stack", "dev")
    summary = project.up("dev").partition("Resources:")[2].split("Duration")[0].split()
    assert summary[1:] == ["unchanged"], summary
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "dev")

    project.change("dev", "owner", {"team": "another-team"})
    assert project.replaced("dev") == []
    project.change("dev", "network", {"zones": ["a", "b", "c"]})
    assert project.replaced("dev") == []
    project.up("dev")
    assert project.state("dev") == before

    project.change("dev", "service", {"memory_mib": 1024})
    assert {name.partition("::")[0] for name in project.replaced("dev")} == {TASK_DEFINITION}
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert project.state("dev") == {}


def test_prod_then_dr(project: Project) -> None:
    """Dr reads prod, is promoted in place, and neither can be destroyed."""
    project.init("prod")
    project.init("dr")
    assert "alerting.pagerduty_key" in project.pulumi("preview", "--stack", "prod", ok=False)
    project.page("prod")
    project.up("prod")
    assert PAGER not in project.pulumi("stack", "export", "--stack", "prod")
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.page("dr")
    project.up("dr")
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")
    database = {urn: i for urn, i in project.state("dr").items() if "rds/instance" in urn}
    assert len(database) == 1

    project.change("dr", "recovery", {"phase": "promoting"})
    assert project.replaced("dr") == []
    project.up("dr")
    project.change("dr", "recovery", {"phase": "active"})
    # The tasks learn of the cache: a new revision, which is what replacing means here. Nothing is
    # followed any more, so the alarm about the distance goes.
    assert set(project.replaced("dr")) == {
        f"{TASK_DEFINITION}::service",
        f"{TASK_DEFINITION}::service-migrations",
        "aws:cloudwatch/metricAlarm:MetricAlarm::observability-database-replica-lag",
    }
    project.up("dr")
    assert database.items() <= project.state("dr").items()

    for stack in ("dr", "prod"):
        before = project.state(stack)
        refused = project.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack, ok=False)
        assert "protect" in refused
        assert project.state(stack) == before


def test_an_up_after_a_release_reverts_nothing(project: Project) -> None:
    """What a release moved stays, refreshed or not; a change of the template waits for the next."""
    project.init("prod")
    project.page("prod")
    project.up("prod")
    resources = project.resources("prod")
    released = resources[SERVICE]["inputs"]["taskDefinition"].rpartition(":")[0] + ":2"
    project.drift[SERVICE] = {"taskDefinition": released, "desiredCount": 7}
    for rule in ("production", "test"):
        found = resources[RULE.format(rule)]["inputs"]["actions"]
        for group, weight in zip(found[0]["forward"]["targetGroups"], (0, 100), strict=True):
            group["weight"] = weight
        project.drift[RULE.format(rule)] = {"actions": found}

    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.pulumi("refresh", "--yes", "--skip-preview", "--stack", "prod")
    assert project.resources("prod")[SERVICE]["inputs"]["taskDefinition"] == released
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")
    project.change("prod", "service", {"memory_mib": 4096})
    steps = project.steps("prod")
    assert "replace" in steps[f"{TASK_DEFINITION}::service"]
    assert not {SERVICE, RULE.format("production"), RULE.format("test")} & steps.keys()
    project.up("prod")
    after = project.resources("prod")
    assert {key: after[SERVICE]["inputs"][key] for key in project.drift[SERVICE]} == project.drift[
        SERVICE
    ]
    for rule in ("production", "test"):
        name = RULE.format(rule)
        assert after[name]["inputs"]["actions"] == project.drift[name]["actions"]


def test_placeholders_are_refused(project: Project) -> None:
    """A real run names what nobody has filled in, and changes nothing."""
    project.init("dev")
    project.change("dev", "owner", {"domain": "arca-dev.example"})
    refused = project.pulumi("preview", "--stack", "dev", ok=False)
    assert 'arca-api:owner.domain is "arca-dev.example"' in refused
    assert "Traceback" not in refused
