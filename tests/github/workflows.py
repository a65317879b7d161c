"""The workflows, our own actions and their scripts: read, and run without a GitHub."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import yaml

from tests import ROOT, clock

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
SCRIPTS = ROOT / ".github" / "scripts"


def loaded(path: Path) -> dict[str, Any]:
    """A workflow; YAML reads its `on` as true."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every job: its workflow, its name, itself."""
    for path in WORKFLOWS:
        for name, job in loaded(path)["jobs"].items():
            yield path.stem, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of the workflows and of our own actions."""
    for workflow, name, job in jobs():
        yield from ((f"{workflow}.{name}", step) for step in job.get("steps", []))
    for path in ACTIONS:
        yield from ((path.parent.name, step) for step in loaded(path)["runs"]["steps"])


def jobs_of(workflow: str) -> dict[str, dict[str, Any]]:
    """A workflow's jobs, by name."""
    return loaded(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"]


def named(workflow: str, job: str, name: str) -> dict[str, Any]:
    """A step, by its name or its id."""
    listed: list[dict[str, Any]] = jobs_of(workflow)[job]["steps"]
    (found,) = (step for step in listed if name in (step.get("name"), step.get("id")))
    return found


def script(name: str) -> Any:
    """A script as a module."""
    spec = spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BASH = shutil.which("bash") or "bash"
FAKE = """#!{bash}
printf '%s\\n' "{name} $*" >> "$CALLS"
{body}
"""
REAL = '#!{bash}\nexec "{python}" "$@"\n'


@dataclass(frozen=True)
class Done:
    """A script that has ended."""

    code: int
    calls: list[str]
    """What it asked of programs that are not there, in order."""
    said: str
    folder: Path

    def read(self, name: str) -> str:
        """A file that it left."""
        return (self.folder / name).read_text(encoding="utf-8")


class Runner:
    """A clean runner: Python and git are real, other programs write down what they are asked."""

    def __init__(self, folder: Path, **fakes: str) -> None:
        self.folder = folder / "checkout"
        self._bin, self._calls = folder / "bin", folder / "calls"
        self.path = f"{self._bin}:{os.environ['PATH']}"
        self._bin.mkdir()
        self.folder.mkdir()
        (self.folder / ".github").symlink_to(SCRIPTS.parent)
        for name in ("python", "python3"):
            self._program(name, REAL.format(bash=BASH, python=sys.executable))
        for name, body in fakes.items():
            self.fake(name, body)

    def fake(self, name: str, body: str = "") -> None:
        """Put a program there that writes down its call and then runs this piece of bash."""
        self._program(name, FAKE.format(bash=BASH, name=name, body=body))

    def run(self, script: str, *words: str, **env: str) -> Done:
        """Run a script as the workflows' shells do."""
        path = self.folder.parent / "script"
        path.write_text(script, encoding="utf-8")
        self._calls.write_text("", encoding="utf-8")
        files = {name: str(self.folder / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        done = subprocess.run(
            [BASH, "-euo", "pipefail", str(path), *words],
            cwd=self.folder,
            env={
                **clock.environment(),
                **files,
                "PATH": self.path,
                "CALLS": str(self._calls),
                "GITHUB_REPOSITORY": "acme/arca-infra",
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        calls = self._calls.read_text(encoding="utf-8").splitlines()
        return Done(done.returncode, calls, done.stdout + done.stderr, self.folder)

    def _program(self, name: str, text: str) -> None:
        path = self._bin / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
