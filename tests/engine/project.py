"""A copy of the program that the real engine runs, with a backend of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT
from tests.engine.double import Drift
from tests.engine.names import Cloud
from tests.invariants import DURABLE

ENGINE = [
    pytest.mark.engine,
    pytest.mark.skipif(
        shutil.which("pulumi") is None, reason="no `pulumi` on PATH (README, the real run)"
    ),
]
"""The marks of every test that runs the engine."""
PROGRAM = (
    "Pulumi*.yaml",
    "__main__.py",
    "arca",
    "requirements.txt",
    "components",
    "settings",
)
OWNER = {
    "account_id": "000000000001",
    "cloudflare_account_id": "1" * 32,
    "contact_email": "oncall@arca-test.com.ar",
}
REPOSITORIES = {
    "infra_repository": "arca-test/arca-infra",
    "application_repository": "arca-test/arca-api",
}
QUICK = """from contextlib import ExitStack
from arca.emulator.program import workarounds
_quick = ExitStack()
_quick.enter_context(workarounds.without_garbage_collection())
_quick.enter_context(workarounds.waiting_for_all_outputs())
_quick.enter_context(workarounds.without_stack_traces())
"""
"""The beginning of the program's copy: the SDK's slow parts take most of its time."""
PAGER = "0123456789abcdef0123456789abcdef"


def _of_stack(stack: str) -> dict[str, str]:
    """Return the owner's values that differ: each stage has a zone, each region a registry."""
    stage = "prod" if stack == "dr" else stack
    region = "us-east-1" if stack == "dr" else "sa-east-1"
    return {
        "domain": f"arca-{stage}.com.ar",
        "cloudflare_zone_id": f"{stage.encode().hex():0<32}",
        "image": f"000000000001.dkr.ecr.{region}.amazonaws.com/arca:1.0.0",
    }


class Project:
    """A copy of the program with an owner's values, and a backend of its own."""

    def __init__(self, directory: Path, providers: str, drift: Drift, cloud: Cloud) -> None:
        self.cloud = cloud
        """What exists, of which the engine knows only a part."""
        self.drift = drift
        """What the providers report as changed in the cloud."""
        self.directory = directory / "project"
        self.directory.mkdir()
        for pattern in PROGRAM:
            for source in ROOT.glob(pattern):
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, self.directory / source.name)
        ranges = self.directory / "components" / "cloudflare_ranges.json"
        taken = {**json.loads(ranges.read_text(encoding="utf-8")), "taken_on": "2026-01-01"}
        ranges.write_text(json.dumps(taken), encoding="utf-8")
        program = self.directory / "__main__.py"
        program.write_text(QUICK + program.read_text(encoding="utf-8"), encoding="utf-8")
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
            # Otherwise Pulumi writes the whole state before and after each of 500 resources.
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "GOGC": "400",  # more memory for less time
            "NO_COLOR": "1",
        }
        for stack in ("dev", "staging", "prod", "dr"):
            self._keep_settings(stack)
            self.change(stack, "owner", {**OWNER, **_of_stack(stack)})
            self.change(stack, "delivery", REPOSITORIES)

    def _keep_settings(self, stack: str) -> None:
        """Remove what only this tree's owner can decrypt: Pulumi's own keys, and the routes."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        config.pop("arca-api:alerting", None)
        path.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")

    def change(self, stack: str, section: str, values: dict[str, Any]) -> None:
        """Change some keys of a section in a stack's file."""
        self._edit(stack, section, lambda before: {**before, **values} if before else values)

    def put(self, stack: str, key: str, *, value: bool) -> None:
        """Set a key of a stack's file that has no section."""
        self._edit(stack, key, lambda _: value)

    def _edit(self, stack: str, key: str, edit: Callable[[Any], Any]) -> None:
        path = self.directory / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = f"arca-api:{key}"
        content["config"][name] = edit(content["config"].get(name))
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def pulumi(self, *arguments: str, ok: bool = True) -> str:
        """Run the CLI and return its output; fail unless it succeeds, or fails, as `ok` says."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],  # noqa: S607 - the operator's own
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        printed = done.stdout + done.stderr
        assert (done.returncode == 0) == ok, printed
        return printed

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text in one file of the program, which must have it once."""
        file = self.directory / path
        content = file.read_text(encoding="utf-8")
        assert content.count(old) == 1, old
        file.write_text(content.replace(old, new), encoding="utf-8")

    def init(self, stack: str) -> None:
        """Create the stack and keep its file."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        before = path.read_text(encoding="utf-8")
        self.pulumi("stack", "init", stack)
        salt = yaml.safe_load(path.read_text(encoding="utf-8")).get("encryptionsalt")
        path.write_text(f"encryptionsalt: {salt}\n{before}", encoding="utf-8")

    def up(self, stack: str) -> str:
        """Update the stack."""
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    def page(self, stack: str) -> None:
        """Name the receivers of alarms as an operator does (docs/how-to.md)."""
        key = "arca-api:alerting.pagerduty_key"
        self.pulumi("config", "set", "--secret", "--path", key, PAGER, "--stack", stack)
        emails = "arca-api:alerting.emails[0]"
        self.pulumi("config", "set", "--path", emails, OWNER["contact_email"], "--stack", stack)

    def resources(self, stack: str) -> dict[str, Any]:
        """Return the state by type and logical name."""
        exported = json.loads(self.pulumi("stack", "export", "--stack", stack))
        found: list[Any] = exported["deployment"].get("resources", [])
        return {resource["urn"].rpartition("$")[2]: resource for resource in found}

    def pending(self, stack: str) -> list[str]:
        """Return the URNs of what a killed update was working on."""
        exported = json.loads(self.pulumi("stack", "export", "--stack", stack))
        found: list[Any] = exported["deployment"].get("pending_operations", [])
        return [str(one["resource"]["urn"]) for one in found]

    def state(self, stack: str) -> dict[str, str]:
        """Return the id of every durable resource by its URN."""
        found = self.resources(stack).values()
        return {one["urn"]: one["id"] for one in found if one["type"] in DURABLE}

    def protected(self, stack: str) -> dict[str, str]:
        """Return the id of every resource that Pulumi refuses to delete, by its URN."""
        found = self.resources(stack).values()
        return {one["urn"]: one["id"] for one in found if one.get("protect")}

    def policy(self, stack: str) -> tuple[int, str]:
        """Return the exit code and the output of the pipeline's policy for a preview."""
        events = self.directory.parent / "events.json"
        events.unlink(missing_ok=True)
        self.pulumi("preview", "--event-log", str(events), "--stack", stack)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "arca", "ci", "plan-policy"],
            input=events.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def steps(self, stack: str) -> dict[str, set[str]]:
        """Return the steps of a preview by type and logical name."""
        preview = json.loads(self.pulumi("preview", "--json", "--stack", stack))
        found: dict[str, set[str]] = {}
        for step in preview["steps"]:
            found.setdefault(step["urn"].rpartition("$")[2], set()).add(step["op"])
        return found

    def update(self, stack: str) -> dict[str, set[str]]:
        """Update the stack and return its steps by type and logical name."""
        events = self.directory.parent / "events.json"
        events.unlink(missing_ok=True)
        self.pulumi("up", "--yes", "--skip-preview", "--event-log", str(events), "--stack", stack)
        found: dict[str, set[str]] = {}
        for line in events.read_text(encoding="utf-8").splitlines():
            step = json.loads(line).get("resourcePreEvent", {}).get("metadata")
            if step:
                found.setdefault(step["urn"].rpartition("$")[2], set()).add(step["op"])
        return found

    def replaced(self, stack: str) -> list[str]:
        """Return what a preview would replace or delete."""
        return lost(self.steps(stack))


def lost(steps: Mapping[str, set[str]]) -> list[str]:
    """Return what steps replace or delete."""
    losing = {"replace", "delete", "delete-replaced", "create-replacement"}
    return sorted(name for name, found in steps.items() if found & losing)
