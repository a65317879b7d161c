"""`arca dr failback`: let the primary serve again, phase by phase."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arca.cli.options import pass_clock
from arca.cli.suggestions import complete_stack
from arca.clock import Clock

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.stack import Target

NAMES = (
    *("declare", "rebuild", "fence", "lag", "promote", "activate", "smoke", "switch", "verify"),
    "clean-up",
)
"""The phases of arca.recovery.failback, whose import takes long."""


@click.command("failback")
@click.option(
    "--stack",
    "primary",
    default="prod",
    show_default=True,
    shell_complete=complete_stack,
    help="The stack that serves again.",
)
@click.option(
    "--from",
    "secondary",
    default="dr",
    show_default=True,
    shell_complete=complete_stack,
    help="The DR stack that serves now.",
)
@click.option(
    "--generation",
    required=True,
    type=click.IntRange(min=2),
    help="The number of the next database: one more than `database.generation` is.",
)
@click.option(
    "--target",
    type=click.Choice(["auto", "aws", "emulated"]),
    default="auto",
    show_default=True,
    help="Where the stacks are; auto: in the emulated cloud if they are up there, else on AWS.",
)
@click.option("--operator", help="Who decides it; by default the user of this machine.")
@click.option("--resume", is_flag=True, help="Go on with a fail-back that was interrupted.")
@click.option(
    "--until",
    type=click.Choice(NAMES),
    default="verify",
    show_default=True,
    help="Stop after this phase. `clean-up` deletes the DR stack's database: it stands by again.",
)
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the record is written; by default docs/drills in the checkout.",
)
@click.option("--yes", is_flag=True, help="Do not ask for the primary's name.")
@click.option("--dry-run", is_flag=True, help="Say what is done and what is left; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@pass_clock
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

    scene = dr_scene.make(primary, secondary, target=target, clock=clock, again=resume, back=True)
    require_secondary(scene)
    if dry_run:
        known = journal_entry.read(scene.standby)
        done = [name for name in WHAT if known is not None and known.entry.done(name)]
        left = [name for name in WHAT if name not in done]
        if as_json:
            render.print_json({"dry_run": True, "done": done, "left": left})
        else:
            for name, what in WHAT.items():
                render.line(f"{'done ' if name in done else 'would'} {name}: {what}")
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
        click.echo(f"Stopped after {until}; go on with --resume", err=True)
    return ExitCode.DONE
