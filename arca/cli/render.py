"""Print JSON for programs, and tables and lines for people; only this module imports rich."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Self, cast

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

RESOURCE_OUTCOMES = ("created", "validated", "recorded")
HIDDEN_EXPORTS = ("client_ca_pem",)
"""Exports that are too long to read."""


def print_json(content: Any) -> None:
    """Print indented JSON on stdout."""
    json.dump(content, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


def print_json_line(content: Any) -> None:
    """Print JSON on one line of stdout and flush it."""
    sys.stdout.write(json.dumps(content, sort_keys=True) + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """Print one line on stdout."""
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(text)


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table on stdout without cutting any cell off."""
    shown = Table(*titles, header_style="bold", pad_edge=False)
    for row in rows:
        shown.add_row(*(Text(cell, no_wrap=True) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 200))
    console.print(shown)


def components(counts: Mapping[str, Mapping[str, int]]) -> None:
    """Print the number of resources with each outcome, by component."""
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("component")
    for title in ("created", "validated only", "recorded only", "total"):
        table.add_column(title, justify="right")
    for name in sorted(counts):
        numbers = [counts[name][outcome] for outcome in RESOURCE_OUTCOMES]
        table.add_row(name, *(str(number or "") for number in numbers), str(sum(numbers)))
    sums = [sum(count[outcome] for count in counts.values()) for outcome in RESOURCE_OUTCOMES]
    table.add_section()
    table.add_row("all", *map(str, sums), str(sum(sums)), style="bold")
    Console().print(table)


def exports(content: Mapping[str, Any]) -> None:
    """Print a stack's exports, one a line with its path."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    for path, value in _flat(content, ""):
        if path.rpartition(".")[2] not in HIDDEN_EXPORTS:
            console.print(f"  {path} = {value}")


def _flat(content: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(content, dict):
        mapping = cast("dict[str, Any]", content)
        for key in sorted(mapping):
            yield from _flat(mapping[key], f"{path}.{key}" if path else str(key))
    elif isinstance(content, list):
        yield path, ", ".join(map(str, cast("list[Any]", content))) or "none"
    else:
        yield path, content


class ProgressLine:
    """A line on stderr with the current step; a line for each step where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._last = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=10, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, step: str, done: int) -> None:
        """Show the current step, and the number of resources done if it is not 0."""
        text = f"{done:4} resources  {step}" if done else step
        if self._live is not None:
            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif not done or done % 50 == 0:
            self._console.print(text, markup=False, soft_wrap=True)
