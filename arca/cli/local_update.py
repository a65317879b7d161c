"""`arca local update`: update a stack that is up in the emulated cloud."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from arca import stackfile
from arca.cli.suggestions import complete_stack
from arca.emulator import overrides
from arca.emulator import state as states
from arca.emulator import update as updates
from arca.emulator.up import Progress

WORDS = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "retain": "left, and no longer declared",
}
"""What became of a resource, by the action."""


@click.command("update")
@click.option(
    "--stack",
    default="dev",
    show_default=True,
    shell_complete=complete_stack,
    help="The stack to update.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="A setting for this run, such as recovery.phase=promoting; the value is YAML.",
)
@click.option("--exports", is_flag=True, help="Print the stack's exports too.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def command(
    stack: str, assignments: tuple[str, ...], *, exports: bool, dry_run: bool, as_json: bool
) -> None:
    """Update a stack that is up in the emulated AWS, as `pulumi up` does.

    The command runs the program with the stack's own YAML and changes what differs from the run
    before: it creates, updates, replaces and deletes resources. What --set changes lasts for this
    run only; the next update without it changes it back.

    A preview comes first. It refuses the whole update where it would delete or replace something
    protected, or change what the emulator cannot change. A killed update is repeated by the same
    command.
    """
    from arca.cli import extras, render

    stackfile.stack_config(stack)
    settings = overrides.read_overrides(assignments)
    state = states.State()
    extras.require("cloudflare", "moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    run = updates.preview if dry_run else updates.update
    with render.ProgressLine() as progress:
        report = run(
            stack, settings, state=state, watch=lambda one: show_progress(one, progress.show)
        )
    if as_json:
        render.print_json(_as_json(report))
        return
    would = "would be " if dry_run else ""
    for step in report.steps:
        names = f": {', '.join(step.inputs)}" if step.inputs else ""
        render.line(f"{would}{WORDS[step.action]}: {step.type} {step.name}{names}")
    did = "Would update" if dry_run else "Updated"
    render.line(f"{did} {stack} in the emulated AWS at {report.endpoint} ({report.seconds} s)")
    render.line(totals(report))
    if exports and not dry_run:
        render.line("\nExports:")
        render.exports(report.exports)


def totals(report: updates.UpdateReport) -> str:
    """Return the number of resources by what became of them, and how that was done."""
    counts = report.counts
    parts = [f"{counts['same']} the same"]
    parts += [f"{counts[action]} {word}" for action, word in WORDS.items() if counts[action]]
    said = ", ".join(parts)
    if not report.outcomes:
        return said
    checked, recorded = (report.outcomes.get(one, 0) for one in ("validated", "recorded"))
    return f"{said}; of the changes {checked} validated only, {recorded} recorded only"


def _as_json(report: updates.UpdateReport) -> dict[str, Any]:
    return {**asdict(report), "changed": report.changed}


def show_progress(progress: Progress, show: Callable[[str, int], None]) -> None:
    """Show a step; of the resources only each fiftieth where stderr is no terminal."""
    if not progress.done:
        show(progress.step, 0)
    elif progress.done % 50 == 0 or sys.stderr.isatty():
        total = max(progress.total, progress.done)
        show(f"{progress.done:4} of {total} resources  {progress.step}", 0)
