"""Find a stack: its exports, and whether its AWS is real or emulated.

The exports come from the emulated AWS if the stack is up in it, else from Pulumi's state. Every
command names the source on stderr.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import ValidationError

from arca import checkout
from arca.errors import ArcaError
from arca.outputs import Outputs

PULUMI_TIMEOUT_SECONDS = 120
Target = Literal["auto", "aws", "emulated"]
"""Where to look for a stack; `auto` prefers the emulated AWS if the stack is up in it."""


@dataclass(frozen=True)
class Stack:
    """A stack and its exports."""

    name: str
    outputs: Outputs
    endpoint: str | None
    """The URL of the emulated AWS; None on AWS."""

    @property
    def where(self) -> str:
        """The stack's AWS, in words for a message."""
        if self.endpoint:
            return f"{self.name}, emulated at {self.endpoint}"
        return f"{self.name}, AWS account {self.outputs.account_id} in {self.outputs.region}"


def find(name: str, *, target: Target = "auto") -> Stack:
    """Read a stack's exports and print on stderr where it is.

    Raises ArcaError where the stack is unknown or its exports cannot be read.
    """
    stack = _find(name, target)
    click.echo(stack.where, err=True)
    return stack


def _find(name: str, target: Target) -> Stack:
    endpoint = None if target == "aws" else _emulated(name)
    if endpoint is not None:
        path = _state() / "exports" / f"{name}.json"
        return Stack(name, _parse(_saved(path, name), str(path)), endpoint)
    known = checkout.stack_names()
    # Pulumi takes organization/project/stack too.
    if name.rpartition("/")[2] not in known:
        raise ArcaError(
            f"There is no stack {name!r}.",
            where="Pulumi.<stack>.yaml",
            wanted=f"one of {', '.join(known)}",
            do="name one of them with --stack",
        )
    if target == "emulated":
        raise ArcaError(
            f"The stack {name} is not up in the emulated cloud.",
            where=str(_state()),
            wanted=f"exports of {name}",
            do=f"run `make up STACK={name}` first, or leave out `--target emulated`",
        )
    return Stack(name, _parse(_pulumi(name), f"pulumi stack output --stack {name}"), None)


def _state() -> Path:
    """Return the directory where `arca local up` keeps its record and the exports."""
    return Path(os.environ.get("ARCA_STATE_DIR") or checkout.root() / ".arca" / "local")


def _emulated(name: str) -> str | None:
    """Return the URL of the emulated AWS that has the stack; None if none has it."""
    try:
        record: dict[str, Any] = json.loads((_state() / "cloud.json").read_text(encoding="utf-8"))
        return str(record["endpoint"]) if name in record["stacks"] else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArcaError(
            "The record of the emulated cloud cannot be read.",
            where=f"{_state() / 'cloud.json'}: {error}",
            wanted="the file that `arca local up` writes",
            do="run `arca local down`, or add `--target aws`",
        ) from None


def _saved(path: Path, name: str) -> str:
    """Read the exports that `arca local up` saved."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArcaError(
            f"The exports of {name} cannot be read: {error}",
            where=str(path),
            wanted="the file that `arca local up` writes",
            do=f"run `make up STACK={name}` again, or add `--target aws`",
        ) from None


def _pulumi(name: str) -> str:
    """Read the exports of a stack from Pulumi's state, secrets included."""
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", name]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command and the name of a known stack
            command,
            cwd=checkout.root(),
            capture_output=True,
            text=True,
            check=True,
            timeout=PULUMI_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise ArcaError(
            f"The exports of {name} cannot be read: there is no `pulumi` on PATH.",
            where="pulumi stack output",
            wanted=f"Pulumi's state of {name}, or the stack in the emulated cloud",
            do=f"install Pulumi (README.md), or run `make up STACK={name}`",
        ) from None
    except subprocess.CalledProcessError as error:
        raise ArcaError(
            f"Pulumi gives no exports of {name}: {error.stderr.strip().splitlines()[-1:]}",
            where=" ".join(command),
            wanted="a stack that is up, and credentials for its state",
            do="run that command on its own and read its messages",
        ) from None
    except subprocess.TimeoutExpired:
        raise ArcaError(
            f"Pulumi did not answer within {PULUMI_TIMEOUT_SECONDS} s.",
            where=" ".join(command),
            wanted="the stack's exports",
            do="check the network and the state's backend, and try again",
        ) from None
    return done.stdout


def _parse(text: str, where: str) -> Outputs:
    try:
        return Outputs.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise ArcaError(
            f"The exports are not those of this version: {path}: {first['msg']}",
            where=where,
            wanted="the exports that arca/outputs.py declares",
            do="bring the stack up with this version of the program, then run this again",
        ) from None
