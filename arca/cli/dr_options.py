"""What the verbs of `arca dr` share that move the service: options, and the plan of a dry run."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.options import pass_clock
from arca.cli.suggestions import complete_stack

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.recovery.journal_entry import Entry
    from arca.recovery.scene import Scene

Command = Callable[..., int]
OLD = timedelta(hours=6)
"""Longer than a rebuild: whoever goes on later does not know what happened in between."""


def of_move(
    *, primary: str, other: str, secondary: str, named: str
) -> Callable[[Command], Command]:
    """Add the options of a move between two stacks, and the clock.

    `primary` and `secondary` are the help of the two stacks, `other` the name of the second one's
    option, and `named` the stack whose name a person types.
    """
    options = (
        click.option(
            "--stack",
            "primary",
            default="prod",
            show_default=True,
            shell_complete=complete_stack,
            help=primary,
        ),
        click.option(
            other,
            "secondary",
            default="dr",
            show_default=True,
            shell_complete=complete_stack,
            help=secondary,
        ),
        click.option(
            "--target",
            type=click.Choice(["auto", "aws", "emulated"]),
            default="auto",
            show_default=True,
            help="Where the stacks are; auto: in the emulated cloud if they are up there, else on "
            "AWS.",
        ),
        click.option("--operator", help="Who decides it; by default the user of this machine."),
        click.option("--resume", is_flag=True, help="Go on with one that was interrupted."),
        click.option(
            "--records",
            type=click.Path(file_okay=False, path_type=Path),
            help="Where the record is written; by default docs/drills in the checkout.",
        ),
        click.option("--yes", is_flag=True, help=f"Do not ask for the {named}'s name."),
        click.option(
            "--dry-run", is_flag=True, help="Say what is done and what is left; change nothing."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
    )

    def add(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return pass_clock(function)

    return add


def print_plan(
    scene: "Scene", what: "Mapping[PhaseName, str]", entry: "Entry | None", *, as_json: bool
) -> None:
    """Print which phases are done, and which are left."""
    from arca.cli import render

    done = [name for name in what if entry is not None and entry.done(name)]
    if as_json:
        left = [name for name in what if name not in done]
        render.print_json({"dry_run": True, "done": done, "left": left})
        return
    if entry is not None:
        render.line(f"Under way since {entry.declared:%Y-%m-%d %H:%M:%SZ}, by {entry.operator}")
    for name, does in what.items():
        render.line(f"{'done ' if name in done else 'would'} {name}: {does}")
    render.line(f"Primary: {scene.primary.where}. Standby: {scene.standby.where}.")
