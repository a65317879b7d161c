"""Reads the workflows and our own actions, and runs their scripts without GitHub."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import ROOT, clock

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
SCRIPTS = ROOT / ".github" / "scripts"


def loaded(path: Path) -> dict[str, Any]:
    """Return a workflow or an action; YAML reads the key `on` as true."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every job with its workflow's name and its own."""
    for path in WORKFLOWS:
        for name, job in loaded(path)["jobs"].items():
            yield path.stem, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step of the workflows and of our own actions, and where it is."""
    for workflow, name, job in jobs():
        yield from ((f"{workflow}.{name}", step) for step in job.get("steps", []))
    for path in ACTIONS:
        yield from ((path.parent.name, step) for step in loaded(path)["runs"]["steps"])


def jobs_of(workflow: str) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs by name."""
    return loaded(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"]


def triggers(workflow: str) -> Mapping[str, Any]:
    """Return the events that start a workflow."""
    return loaded(ROOT / ".github" / "workflows" / f"{workflow}.yml")["on"]


def called_workflow(job: Mapping[str, Any]) -> str:
    """Return the name of the workflow that a job calls; empty where it has steps of its own."""
    return str(job.get("uses", "")).rpartition("/")[2].removesuffix(".yml")


def named(workflow: str, job: str, name: str) -> dict[str, Any]:
    """Return a step by its name or its id."""
    listed: list[dict[str, Any]] = jobs_of(workflow)[job]["steps"]
    (found,) = (step for step in listed if name in (step.get("name"), step.get("id")))
    return found


SAMPLES = {
    "NUMBER": "7",
    "number": "7",
    "requested": "4,12",
    "STACKS": "'[\"dev\"]'",
    "GITHUB_SHA": "aa218f56b14c9653891f9e74264a383fa43fefbd",
    "result": "drift",
}
"""Values of variables whose text a command itself checks."""


def commands_of(script: str) -> str:
    """Return the script with each `$(arca ...)` on a line of its own, and without `<` and a file.

    So tests/commands.py finds every command where it looks: at the beginning of a line. The
    variables of SAMPLES have their values.
    """
    for name, text in SAMPLES.items():
        script = script.replace(f'"${name}"', text)
    joined = script.replace("\\\n", " ")
    inner = re.findall(r"\$\((arca [^)]*)\)", joined)
    outer = re.sub(r"\$\(arca [^)]*\)", "", joined)
    return re.sub(r"<+ *\S+", "", "\n".join([outer, *inner]))


BASH = shutil.which("bash") or "bash"
FAKE = """#!{bash}
printf '%s\\n' "{name} $*" >> "$CALLS"
{body}
"""
REAL = '#!{bash}\nexec "{python}" {words} "$@"\n'
REAL_PROGRAMS = {"python": "", "python3": "", "arca": "-m arca"}
"""Programs that a runner has, and what Python gets to be them."""
REAL_CI = f"""case "$1" in ci) exec "{sys.executable}" -m arca "$@";; esac
"""
"""The beginning of a fake `arca` whose commands below `arca ci` are the real ones."""


@dataclass(frozen=True)
class Done:
    """A script that has ended."""

    code: int
    calls: list[str]
    """The calls of fake programs, in order."""
    said: str
    folder: Path

    def read(self, name: str) -> str:
        """Return a file that the script left."""
        return (self.folder / name).read_text(encoding="utf-8")


class Runner:
    """A clean runner: Python, `arca` and git are real, other programs only record their calls."""

    def __init__(self, folder: Path, **fakes: str) -> None:
        self.folder = folder / "checkout"
        self._bin, self._calls = folder / "bin", folder / "calls"
        self.path = f"{self._bin}:{os.environ['PATH']}"
        self._bin.mkdir()
        self.folder.mkdir()
        (self.folder / ".github").symlink_to(SCRIPTS.parent)
        for name, words in REAL_PROGRAMS.items():
            self._program(name, REAL.format(bash=BASH, python=sys.executable, words=words))
        for name, body in fakes.items():
            self.fake(name, body)

    def fake(self, name: str, body: str = "") -> None:
        """Replace a program by one that records its call and then runs this bash."""
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
