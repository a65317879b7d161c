"""An operator of two stacks on AWS: the commands of `arca dr` with the real Pulumi CLI.

The stacks are found and updated as on AWS. What AWS would say of a database comes from the double's
cloud; the journal is in an emulated AWS, and the tasks and the customers' name are left out.
"""

import difflib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from arca import checkout, clients, lever
from arca.check import Check
from arca.cli import pulumi_update
from arca.cli.main import cli
from arca.clock import Clock
from arca.emulator.server_children import kill_tree
from arca.errors import ArcaError
from arca.recovery import activation, ask, failback, fence, journal, promotion
from arca.recovery.facts import Replica
from arca.recovery.run import Run
from arca.release import run_lock
from arca.smoke.suite import SmokeReport
from arca.stack import Stack, find
from tests.arca.emulator.ecs.emulated_ecs import fresh
from tests.engine.project import Project

CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS"
Words = tuple[str, ...]


class Killed(BaseException):
    """Ends a command as SIGKILL does: nothing handles it."""


class Operator:
    """Somebody who works with `arca` and Pulumi on a project's stacks."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch, records: Path) -> None:
        self.project = project
        self.records = records
        self.kill: Callable[[Words], bool] = lambda _words: False
        """Whether the command is killed instead of running Pulumi with these words."""
        self.drained, self.deployed = list[str](), list[str]()
        self._aws = fresh()
        self._set = monkeypatch.setenv
        for name, value in project.env.items():
            self._set(name, value)
        run: Any = pulumi_update.__dict__["_pulumi"]

        def pulumi(stack: str, resume: str, *words: str) -> None:
            if self.kill(words):
                raise Killed
            run(stack, resume, *words)

        monkeypatch.setattr(pulumi_update, "_pulumi", pulumi)
        monkeypatch.setattr(checkout, "root", lambda: project.directory)
        monkeypatch.setattr(clients, "_client", self._client)
        monkeypatch.setattr(journal, "SETTLING_SECONDS", 0.001)
        monkeypatch.setattr(run_lock.tempfile, "tempdir", str(records))
        monkeypatch.setattr(ask, "replica", self._replica)
        monkeypatch.setattr(fence, "answers", _always(True))
        for topic in (fence, failback):
            monkeypatch.setattr(topic, "drained", self._drained)
        monkeypatch.setattr(activation, "deploy", self._deploy)
        monkeypatch.setattr(activation, "restore", _always(None))
        monkeypatch.setattr(promotion, "apply_now", _always("nothing pending"))
        monkeypatch.setattr(lever, "pulled", _always(False))
        monkeypatch.setattr(Run, "_wait_for_green", _always([]))
        monkeypatch.setattr("arca.smoke.suite.run", self._smoke)

    def arca(self, *words: str) -> None:
        """Run `arca dr` on AWS; raises what the command raises."""
        options = ("--target", "aws", "--yes", "--operator", "ana", "--records", str(self.records))
        cli.main(
            args=["dr", *words, *options], prog_name="arca", standalone_mode=False, obj=Clock()
        )

    def fails(self, *words: str) -> ArcaError:
        """Run `arca dr` and return its error."""
        with pytest.raises(ArcaError) as caught:
            self.arca(*words)
        self._set(CHECKPOINTS, self.project.env[CHECKPOINTS])
        return caught.value

    def dies(self, *words: str) -> None:
        """Run `arca dr`, which is killed."""
        with pytest.raises(Killed):
            self.arca(*words)
        self.kill = lambda _: False

    def phase(self, stack: str) -> str:
        """Return a stack's phase by its exports."""
        return find(stack, target="aws", quiet=True).outputs.phase

    def updates(self, stack: str) -> list[dict[str, int]]:
        """Return what each update of a stack changed, the latest one last."""
        folder = self.project.directory.parent / "backend/.pulumi/history/arca-api" / stack
        found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.history.json"))]
        return [one["resourceChanges"] for one in found]

    def kill_pulumi(self) -> None:
        """Kill the process that has a stack's lock, with SIGKILL, and what it has started."""
        locks = self.project.directory.parent / "backend/.pulumi/locks"
        (lock,) = locks.rglob("*.json")
        kill_tree(json.loads(lock.read_text(encoding="utf-8"))["pid"])

    def kill_pulumi_at(self, resource: str) -> None:
        """Kill Pulumi once, when the cloud has changed a resource and Pulumi does not know."""

        def after(urn: str) -> None:
            if urn.endswith(resource):
                self.project.cloud.after = lambda _: None
                self.kill_pulumi()

        self.project.cloud.after = after
        # What is killed leaves the state of its last step.
        self._set(CHECKPOINTS, "false")

    def _client(self, service: str, region: str, *_: object, once: bool = False) -> Any:
        assert (service, once) == ("ssm", once), f"nobody answers for {service}"
        return self._aws.client(service, region=region)

    def _replica(self, stack: Stack, _now: datetime) -> Replica:
        name = stack.outputs.database.identifier
        follows = name in self.project.cloud.sources
        return Replica(name, "available", follows=follows, lag_seconds=0.0)

    def _drained(self, _scene: object, stack: Stack) -> None:
        self.drained.append(stack.name)

    def _deploy(self, _scene: object, stack: Stack) -> str:
        self.deployed.append(stack.name)
        return "deployed"

    def _smoke(self, stack: Stack, **_: object) -> SmokeReport:
        return SmokeReport(stack.name, "https://example.com.ar", (Check("ready", "OK", ""),))


def _always(value: object) -> Callable[..., object]:
    """Return a function that answers the same to everything."""

    def answer(*_: object) -> object:
        return value

    return answer


class StackFile:
    """A stack's file with comments, which a person wrote, and a secret."""

    def __init__(self, project: Project, stack: str) -> None:
        self._path = project.directory / f"Pulumi.{stack}.yaml"
        lines = list[str]()
        for line in self._path.read_text(encoding="utf-8").splitlines():
            if line.startswith("  arca-api:"):
                lines.append(f"  # About {line.strip(' :')}.")
            lines.append(line)
        self._before = "\n".join([*lines, ""])
        assert self._before.count("  # About arca-api:") > 8
        assert "secure: " in self._before
        self._path.write_text(self._before, encoding="utf-8")

    def changed(self) -> set[str]:
        """Return the lines that went, with `-` before them, and those that came, with `+`."""
        after = self._path.read_text(encoding="utf-8")
        lines = difflib.ndiff(self._before.splitlines(), after.splitlines())
        return {f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-"}
