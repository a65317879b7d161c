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
from urllib.parse import urlsplit

import click
from pydantic import ValidationError

from arca import checkout
from arca.errors import ArcaError, ExitCode
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


class StackNotNamed(ArcaError):
    """No stack was named where there is no default: wrong usage, and nothing was done."""

    exit_code = ExitCode.USAGE


def find(name: str | None, *, target: Target = "auto", quiet: bool = False) -> Stack:
    """Read a stack's exports and print on stderr where it is, unless `quiet`.

    Without a name it is the stack that is up in the emulated cloud, and never one on AWS.

    Raises StackNotNamed where there is no such default, ArcaError where the stack is unknown or its
    exports cannot be read.
    """
    stack = _find(_default(target) if name is None else name, target)
    if not quiet:
        click.echo(stack.where, err=True)
    return stack


def find_emulated(name: str | None) -> Stack | None:
    """Return a stack of the emulated cloud, without a name the default one; None without it.

    Asks neither AWS nor Pulumi. Raises ArcaError where the record or the exports cannot be read.
    """
    chosen = _default("emulated") if name is None else name
    endpoint = _emulated(chosen)
    if endpoint is None:
        return None
    path = _state() / "exports" / f"{chosen}.json"
    return Stack(chosen, _parse(_saved(path, chosen), str(path)), endpoint)


def default_emulated() -> str:
    """Return the stack of the emulated cloud that a command without `--stack` works on.

    Raises StackNotNamed where there is no such default.
    """
    return _default("emulated")


def _find(name: str, target: Target) -> Stack:
    emulated = None if target == "aws" else find_emulated(name)
    if emulated is not None:
        return emulated
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


def _default(target: Target) -> str:
    """Return the only stack that is up in the emulated cloud, or prod where dr is up beside it."""
    up = () if target == "aws" else emulated_stacks()
    if len(up) == 1:
        return up[0]
    if "prod" in up:
        return "prod"
    why = (
        f"several are up in the emulated cloud ({', '.join(up)})"
        if up
        else "a stack on AWS is never the default"
        if target == "aws"
        else "none is up in the emulated cloud, and one on AWS is never the default"
    )
    raise StackNotNamed(
        f"No stack is named: {why}.",
        where="--stack",
        wanted=f"one of {', '.join(up or checkout.stack_names())}",
        do="add `--stack NAME`" + ("" if up else ", or bring one up with `make up`"),
    )


def emulated_stacks() -> tuple[str, ...]:
    """Return the stacks that are up in the emulated cloud, from its record; asks no cloud."""
    record = _record()
    return tuple(sorted(record["stacks"])) if record else ()


def _emulated(name: str) -> str | None:
    """Return the URL of the emulated AWS that has the stack; None if none has it."""
    record = _record()
    return str(record["endpoint"]) if record and name in record["stacks"] else None


def _record() -> dict[str, Any] | None:
    """Return the record of the emulated cloud with its endpoint and stacks; None without one."""
    try:
        record: dict[str, Any] = json.loads((_state() / "cloud.json").read_text(encoding="utf-8"))
        endpoint = str(record["endpoint"])
        # A port out of range is a ValueError here, and not at the first call.
        _ = urlsplit(endpoint).port
        return {"endpoint": endpoint, "stacks": [*record["stacks"]]}
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
        # A text that is no JSON has no path.
        found = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise ArcaError(
            f"The exports are not those of this version: {found}",
            where=where,
            wanted="the exports that arca/outputs.py declares",
            do="bring the stack up with this version of the program, then run this again",
        ) from None
