"""The container of examples/service on this machine: it runs what the image's commands run.

`python -m arca.emulator.live.container [COMMAND ...]`; without a command it serves on PORT. The
commands are those of docs/service-contract.md.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from arca import checkout
from arca.errors import ArcaError

WRONG_COMMAND = 127
"""The exit code of a container whose command there is not (POSIX, `sh`)."""


def words(command: list[str]) -> list[str] | None:
    """Return the arguments of Python for a container's command; None for an unknown one."""
    match command:
        case []:
            return ["-m", "invoicing"]
        case ["/app/migrate", *options]:
            return ["-m", "arca_migrate", "--history", str(folder() / "migrations"), *options]
        case ["/app/smoke", *options]:
            return ["-m", "invoicing.smoke", *options]
        case ["/app/healthcheck"]:
            return ["-m", "invoicing.healthcheck"]
        case _:
            return None


def folder() -> Path:
    """Return the service's folder; raises ArcaError outside a checkout."""
    found = checkout.root() / "examples" / "service"
    if not found.is_dir():
        raise ArcaError(
            "There is no service to run.",
            where=str(found),
            wanted="the folder examples/service of the checkout",
            do="run this in a checkout of arca-infra",
        )
    return found


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python finds the service and the double of the agency."""
    paths = [str(folder()), *filter(None, [base.get("PYTHONPATH")])]
    return {**base, "PYTHONPATH": os.pathsep.join(paths)}


def main() -> None:
    """Become the command."""
    found = words(sys.argv[1:])
    if found is None:
        sys.stderr.write(f"no such command in the image: {sys.argv[1]}\n")
        raise SystemExit(WRONG_COMMAND)
    words_of_python = [sys.executable, *found]
    os.execve(sys.executable, words_of_python, environment(os.environ))  # noqa: S606 - ours


if __name__ == "__main__":
    main()
