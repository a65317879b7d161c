"""`arca dr failback`: let the primary serve again, phase by phase."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arca.cli.dr_options import of_move, print_plan
from arca.clock import Clock
from arca.recovery.budgets import FAILBACK

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.stack import Target


@click.command("failback")
@of_move(
    primary="The stack that serves again.",
    other="--from",
    secondary="The DR stack that serves now.",
    named="primary",
)
@click.option(
    "--generation",
    required=True,
    type=click.IntRange(min=2),
    help="The number of the next database: one more than `database.generation` is.",
)
@click.option(
    "--until",
    type=click.Choice(FAILBACK),
    default="verify",
    show_default=True,
    help="Stop after this phase. `clean-up` deletes the DR stack's database: it stands by again.",
)
def command(
    clock: Clock,
    *,
    primary: str,
    secondary: str,
    generation: int,
    target: "Target",
    operator: str | None,
    resume: bool,
    until: str,
    records: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let the primary serve again after a failover.

    It fences the primary, DELETES its old database (a final snapshot stays), and makes a replica of
    the DR stack's database in its place. Compare the old database first. Then it ends the DR
    stack's service, waits until the replica has everything, promotes it, and moves the customers
    back. Until the phase `promote` the way back is `phase: active` in the DR stack's file.

    It stops after `verify`, with --resume --until clean-up when the primary has proved itself.

    The exit code is 0 when the named phases are done, 1 where one failed, and 6 where it is
    refused.
    """
    from arca.cli import dr_scene, render
    from arca.errors import ExitCode
    from arca.recovery import journal_entry
    from arca.recovery.failback import WHAT, Failback
    from arca.recovery.failover import require_secondary
    from arca.recovery.journal import Journal

    scene = dr_scene.make(
        primary, secondary, target=target, clock=clock, again=resume, generation=generation
    )
    require_secondary(scene)
    if dry_run:
        known = journal_entry.read(scene.standby)
        print_plan(scene, WHAT, known.entry if known else None, as_json=as_json)
        return ExitCode.DONE
    who = operator or dr_scene.user()
    if not yes:
        dr_scene.confirm(scene, resume=resume)
    held = (Journal.resume if resume else Journal.begin)(
        scene.standby, primary=primary, operator=who, clock=clock, kind="failback"
    )
    with held:
        run = Failback(scene, held, generation=generation)
        done_all = run.run(until=cast("PhaseName", until))
        entry, written = held.entry, None
        if done_all:
            written = dr_scene.write_record(scene, entry, records)
            held.end()
    if as_json:
        render.print_json(
            {
                "stack": primary,
                "from": secondary,
                "done": done_all,
                "journal": entry.model_dump(mode="json"),
                "record": str(written) if written else None,
            }
        )
    elif written:
        render.line(f"{primary} serves, {secondary} stands by. Record: {written}")
        render.line("Commit what `pulumi config` changed in both stacks' files.")
    else:
        click.echo(f"Stopped after {until}; go on with `{scene.resume}`", err=True)
    return ExitCode.DONE
