"""`arca contract`: check log lines of the service against the log contract."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from arca.errors import ArcaError

if TYPE_CHECKING:
    from arca.monitoring.slo.objective import Objective

MOST_PROBLEMS_SHOWN = 50


@click.group("contract")
def command() -> None:
    """Check log lines of the service against the log contract."""


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def check(file: Path, *, as_json: bool) -> int:
    """List the log lines that break the contract, with the reasons.

    The exit code is 1 if a line breaks it. FILE holds one JSON object a line, as the container
    writes it; `-` is stdin. Empty lines are ignored. A request that counts as fast must be within
    the threshold of its objective, and one that does not must be above it.
    """
    from arca.cli import render
    from arca.monitoring.slo.objectives import read_objectives

    objectives = read_objectives()
    lines = broken = 0
    found: list[dict[str, Any]] = []
    for number, line in _lines(file):
        lines += 1
        problems = list(_problems(line, objectives))
        broken += bool(problems)
        found += [{"line": number, "problem": problem} for problem in problems]
    if not lines:
        raise ArcaError(
            "There is no log line in the file.",
            where=str(file),
            wanted="one JSON object a line",
            do="pass the container's output on stdout",
        )
    if as_json:
        render.print_json({"lines": lines, "broken": broken, "problems": found})
        return 1 if broken else 0
    for problem in found[:MOST_PROBLEMS_SHOWN]:
        render.line(f"{file}:{problem['line']}: {problem['problem']}")
    if len(found) > MOST_PROBLEMS_SHOWN:
        render.line(f"... and {len(found) - MOST_PROBLEMS_SHOWN} more; --json prints all")
    render.line(f"{lines} lines, {broken} of them break the contract.")
    return 1 if broken else 0


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of a log line."""
    from arca.cli import render
    from arca.monitoring import contract

    render.print_json(contract.schema())


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        with click.open_file(str(file), encoding="utf-8") as source:
            for number, line in enumerate(source, start=1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise ArcaError(
            f"The log cannot be read: {error}",
            where=str(file),
            wanted="a readable file in UTF-8",
            do="correct the path or the file",
        ) from None


def _problems(line: str, objectives: "Sequence[Objective]") -> Iterator[str]:
    from arca.monitoring import contract

    try:
        content: object = json.loads(line, parse_constant=_refuse_number)
        if isinstance(content, dict):
            yield from list(contract.breaches(cast("dict[str, Any]", content), objectives))
        else:
            yield "not a JSON object"
    except ValueError as error:
        yield f"not JSON: {error}"
    except RecursionError:
        yield "not a log line: objects and lists are nested too deeply"


def _refuse_number(name: str) -> object:
    message = f"{name} is not a JSON number"
    raise ValueError(message)
