"""The update of a stack on AWS: its settings go into its file, and `pulumi up` runs.

It is what a person would do. Pulumi's errors become one ArcaError that says how to go on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any, cast

import click

from arca import checkout
from arca.errors import ArcaError
from arca.release import run_lock

LOCKED = ("the stack is currently locked by", "Another update is currently in progress")
"""What Pulumi says while a stack is locked, with its state in a bucket and in Pulumi Cloud.

Source: github.com/pulumi/pulumi, sdk/go/auto/errors.go, IsConcurrentUpdateError.
"""


def updater(*, refresh: bool, resume: str) -> Callable[[str, Mapping[str, Any]], None]:
    """Return what updates a stack with some settings changed; it raises ArcaError.

    With `refresh` Pulumi looks first: a killed update leaves a state that does not know what AWS
    did, and a database is promoted once (Amazon RDS API Reference, PromoteReadReplica). `resume` is
    the command that goes on after an error.
    """
    looking = ("--refresh",) if refresh else ()

    def update(stack: str, settings: Mapping[str, Any]) -> None:
        for key, value in flat(settings).items():
            path = ("--path", f"arca-api:{key}", "--stack", stack)
            words = ("rm", *path) if value is None else ("set", *path, "--plaintext", value)
            _pulumi(stack, resume, "config", *words)
        # The preview refuses what would delete the old database (ADR 0029).
        _pulumi(stack, resume, "up", "--yes", *looking, "--stack", stack)

    return update


def flat(settings: Mapping[str, Any]) -> dict[str, str | None]:
    """Return settings as `pulumi config set --path` takes them: one value for each path.

    A section is written as a whole, so what it does not name goes first.
    """
    found: dict[str, str | None] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found[key] = None
            section = cast("Mapping[str, Any]", value)
            found |= {f"{key}.{name}": _text(one) for name, one in section.items()}
        else:
            found[key] = None if value is None else _text(value)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pulumi(stack: str, resume: str, *words: str) -> None:
    """Run Pulumi with its output on stderr; raises ArcaError where it fails."""
    where = f"pulumi {' '.join(words)}"
    with TemporaryFile() as errors:
        try:
            # No pipe: an update goes on to its end where this process is killed.
            process = subprocess.Popen(  # noqa: S603 - no shell, and our own words
                ["pulumi", "--non-interactive", *words],  # noqa: S607 - the operator's
                cwd=checkout.root(),
                stdout=sys.stderr,
                stderr=errors,
                # The run has not ended while its Pulumi lives.
                pass_fds=run_lock.descriptors(),
            )
        except FileNotFoundError:
            raise ArcaError(
                "There is no `pulumi` on PATH.",
                where=where,
                wanted="the Pulumi CLI",
                do=f"install it (README.md), then `{resume}`",
            ) from None
        interrupted = _wait(process)
        errors.seek(0)
        said = errors.read().decode("utf-8", errors="replace")
    click.echo(said, err=True, nl=False)
    if interrupted:
        raise KeyboardInterrupt
    if process.returncode:
        raise _failed(stack, resume, where, process.returncode, said)


def _wait(process: subprocess.Popen[bytes]) -> bool:
    """Wait for Pulumi's end; returns whether the operator pressed Ctrl-C meanwhile.

    A terminal sends Ctrl-C to Pulumi too. Killed here, it would leave AWS in the middle of a change
    and the stack locked.
    """
    interrupted = False
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
            click.echo("Pulumi ends what it has begun; Ctrl-C again ends it at once.", err=True)
        else:
            return interrupted


def _failed(stack: str, resume: str, where: str, code: int, said: str) -> ArcaError:
    """Return the error of a run of Pulumi that failed."""
    cancel = (
        "where no `pulumi` lives any more at the host and pid that the lock names (`ps -p PID`): "
        f"`pulumi cancel --yes --stack {stack}`"
    )
    if any(text in said for text in LOCKED):
        return ArcaError(
            f"The stack {stack} is locked: another update runs, or one was killed.",
            where=where,
            wanted="one update at a time",
            do=f"wait for the other update, which Pulumi names above; {cancel}; then `{resume}`",
        )
    if code < 0:
        return ArcaError(
            f"Pulumi was killed by the signal {-code}; AWS may be in the middle of a change.",
            where=where,
            wanted="an update that ends",
            do=f"{cancel}; then `{resume}`",
        )
    begun = _creations(stack)
    if begun:
        return ArcaError(
            f"The update of {stack} failed (exit code {code}), and an earlier one was killed while "
            f"it created {', '.join(begun)}.",
            where=where,
            wanted="a state that knows what AWS has",
            do=f"`pulumi refresh --stack {stack}` in a terminal, which asks about each of them; "
            f"then `{resume}`",
        )
    return ArcaError(
        f"Pulumi failed with the exit code {code}.",
        where=where,
        wanted="an update that ends",
        do=f"read its messages above and mend the cause; then `{resume}`",
    )


def _creations(stack: str) -> list[str]:
    """Return what a killed update was creating: Pulumi does not know whether it exists.

    A refresh that asks nobody keeps these (`pulumi refresh --help`, --clear-pending-creates).
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        done = subprocess.run(  # noqa: S603 - no shell, and our own words
            ["pulumi", "--non-interactive", "stack", "export", "--stack", stack],  # noqa: S607 - of PATH
            cwd=checkout.root(),
            capture_output=True,
            check=False,
        )
        deployment: dict[str, Any] = json.loads(done.stdout)["deployment"]
        operations: list[dict[str, Any]] = deployment.get("pending_operations") or []
        return [
            str(one["resource"]["urn"]).rpartition("$")[2]
            for one in operations
            if one["type"] == "creating"
        ]
    return []
