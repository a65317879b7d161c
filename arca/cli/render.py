"""Print JSON for programs, and tables and lines for people; only this module imports rich."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from arca.recovery.check_tree import Check

RESOURCE_OUTCOMES = ("created", "validated", "recorded")
HIDDEN_EXPORTS = ("client_ca_pem",)
"""Exports that are too long to read."""
UNLIMITED = 100_000
NARROWEST_FOLD = 24
"""Characters that a folded column has at least."""
VERDICT_STYLES: Mapping[str, str] = {
    "OK|ok|SUCCESSFUL|LIVE": "green",
    "FAILED|ROLLBACK[_ ]FAILED|ALARM|STOPPED|exhausted": "bold red",
    "ROLLED BACK|ROLLBACK_SUCCESSFUL|ROLLBACK_REQUESTED|ROLLBACK_IN_PROGRESS": "yellow",
    "STOP_REQUESTED": "yellow",
    "UNKNOWN|REFUSED|SKIPPED|INSUFFICIENT_DATA|IN_PROGRESS|PENDING|at risk": "yellow",
}
"""The colour of each verdict, as a regular expression. Rich leaves colours out where there is no
terminal, and where NO_COLOR is set."""


def print_json(content: Any) -> None:
    """Print indented JSON on stdout."""
    json.dump(content, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


def print_json_line(content: Any) -> None:
    """Print JSON on one line of stdout and flush it."""
    sys.stdout.write(json.dumps(content, sort_keys=True) + "\n")
    sys.stdout.flush()


def line(text: str = "", *, verdicts: bool = False) -> None:
    """Print one line on stdout; with `verdicts`, words such as FAILED have a colour."""
    shown = Text(text)
    if verdicts:
        for words, style in VERDICT_STYLES.items():
            shown.highlight_regex(rf"(?<![\w-])(?:{words})(?![\w-])", style)
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(shown)


def table(
    titles: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, folds: Sequence[str] = ()
) -> None:
    """Print a table on stdout without cutting any cell off.

    On a terminal that is too narrow, the columns `folds` continue on further lines. Where that is
    not enough, each row is printed as a record with its titles. Elsewhere the table is as wide as
    its content, unless COLUMNS says how wide it may be.
    """
    console = Console(highlight=False, emoji=False)
    found = list(rows)
    shown = Table(header_style="bold", pad_edge=False)
    for title in titles:
        shown.add_column(title, no_wrap=title not in folds, overflow="fold")
    for row in found:
        shown.add_row(*map(_cell, row))
    wide = console.options.update(max_width=UNLIMITED)
    natural = Measurement.get(console, wide, shown).maximum
    if not console.is_terminal:
        # An explicit COLUMNS counts without a terminal too, as for shutil.get_terminal_size.
        asked = shutil.get_terminal_size(fallback=(0, 0)).columns
        console.width = asked or max(console.width, natural)
    lengths = [
        max(map(cell_len, (title, *cells)))
        for title, *cells in zip(titles, *found, strict=True)
        if title in folds
    ]
    spared = sum(max(0, length - NARROWEST_FOLD) for length in lengths)
    if natural - spared <= console.width:
        console.print(shown)
    else:
        _print_records(titles, found, folds, console.width)


def _cell(text: str) -> Text:
    for words, style in VERDICT_STYLES.items():
        if re.fullmatch(words, text):
            return Text(text, style)
    return Text(text)


def _print_records(
    titles: Sequence[str], rows: Sequence[Sequence[str]], folds: Sequence[str], width: int
) -> None:
    """Print each row as lines of `title value` pairs, as many on a line as fit."""
    for number, row in enumerate(rows):
        if number:
            line()
        current = ""
        for title, text in zip(titles, row, strict=True):
            pair = f"{title} {text}"
            if current and (title in folds or cell_len(f"{current}  {pair}") > width):
                line(current, verdicts=True)
                current = f"  {pair}"
            else:
                current = f"{current}  {pair}" if current else pair
        line(current, verdicts=True)


def tree(root: "Check") -> None:
    """Print a tree of checks on stdout, each check with its children below it."""
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    console.print(_branch(root), soft_wrap=not console.is_terminal)


def _branch(check: "Check") -> Tree:
    shown = Text(check.words(), style="")
    for words, style in VERDICT_STYLES.items():
        shown.highlight_regex(rf"^(?:{words})(?![\w-])", style)
    branch = Tree(shown)
    for child in check.children:
        branch.children.append(_branch(child))
    return branch


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
