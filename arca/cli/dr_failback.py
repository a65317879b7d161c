"""`arca dr failback`: let the primary serve again, phase by phase."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arca.cli.dr_options import OLD, of_move, print_plan
from arca.clock import Clock
from arca.recovery.budgets import FAILBACK

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.recovery.journal_entry import Entry, Held
    from arca.recovery.scene import Scene
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
    type=click.IntRange(min=2),
    help="The number that the next database must have; it is one more than `database.generation`.",
)
@click.option(
    "--until",
    type=click.Choice(FAILBACK),
    default="verify",
    show_default=True,
    help="Stop after this phase. `compare` leaves the old database to be compared, `clean-up` "
    "deletes the DR stack's: it stands by again.",
)
@click.option(
    "--abort",
    is_flag=True,
    help="Let the DR stack serve again, and forget the fail-back; until `activate` begins.",
)
def command(
    clock: Clock,
    *,
    primary: str,
    secondary: str,
    generation: int | None,
    target: "Target",
    operator: str | None,
    resume: bool,
    abort: bool,
    until: str,
    records: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let the primary serve again after a failover.

    It fences the primary, DELETES its old database (a final snapshot stays), and makes a replica of
    the DR stack's database in its place. Compare the old database first, after --until compare.
    Then it ends the DR stack's service, waits until the replica has everything, promotes it, and
    moves the customers back. Until `activate` begins, --abort lets the DR stack serve again.

    It stops after `verify`, with --resume --until clean-up when the primary has proved itself.
    Until then no other region can take over.

    The exit code is 0 when the named phases are done, 1 where one failed, and 6 where it is
    refused.
    """
    from arca.cli import dr_scene, render
    from arca.errors import ExitCode
    from arca.recovery import failback_checks, journal_entry
    from arca.recovery.failback import WHAT, Failback
    from arca.recovery.failover import require_secondary
    from arca.recovery.journal import Journal

    going_on = resume or abort
    made = dr_scene.make(primary, secondary, target=target, clock=clock, again=going_on, back=True)
    scene = replace(made, until=cast("PhaseName", until))
    require_secondary(scene)
    known = journal_entry.read(scene.standby)
    if dry_run:
        print_plan(scene, WHAT, known.entry if known else None, as_json=as_json)
        return ExitCode.DONE
    if known is not None and not going_on:
        raise journal_entry.refused(known, scene.standby)
    if known is None and not going_on:
        # Before anything is written: a fail-back of a primary that serves deletes its database.
        failback_checks.require_dr_serves(scene)
        number = failback_checks.next_generation(scene.primary)
        failback_checks.require_generation(scene, generation, number)
    who = operator or dr_scene.user()
    old = known is not None and going_on and known.silent > OLD
    if not yes or old:
        _confirm(scene, known, going_on=going_on, abort=abort)
    held = (Journal.resume if going_on else Journal.begin)(
        scene.standby, primary=primary, operator=who, clock=clock, kind="failback"
    )
    with held:
        run = Failback(scene, held, generation=generation)
        if abort:
            told = run.abort()
            held.end()
            return _print_aborted(scene, told, as_json=as_json)
        done_all = run.run(until=scene.until)
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
        _print_files(scene)
    else:
        _print_stopped(scene, entry)
    return ExitCode.DONE


def _confirm(scene: "Scene", known: "Held | None", *, going_on: bool, abort: bool) -> None:
    """Ask for a stack's name: of a fail-back that was left long ago, with --yes too."""
    from arca.cli import dr_scene

    if known is not None and going_on:
        entry = known.entry
        done = entry.phases[-1].name if entry.phases else "declare"
        hours = known.silent.total_seconds() / 3600
        click.echo(
            f"The fail-back of {entry.declared:%Y-%m-%d %H:%M:%SZ} by {entry.operator}; its last "
            f"phase was {done}, its last sign of life is {hours:,.1f} hours old.",
            err=True,
        )
    dr_scene.confirm(scene, resume=going_on, abort=abort)


def _print_aborted(scene: "Scene", told: str, *, as_json: bool) -> int:
    from arca.cli import render
    from arca.errors import ExitCode

    if as_json:
        render.print_json({"stack": scene.primary_name, "aborted": True, "seen": told})
    else:
        render.line(f"{told}. {scene.primary_name} is {scene.primary.outputs.phase}.")
        _print_files(scene)
    return ExitCode.DONE


def _print_stopped(scene: "Scene", entry: "Entry") -> None:
    """Say what comes next: after `verify` another phase must be named."""
    from arca.recovery.failback import WHAT

    left = [name for name in WHAT if not entry.done(name)]
    if left == ["clean-up"]:
        click.echo(f"{scene.primary_name} serves; {scene.standby_name} is fenced.", err=True)
        _print_files(scene, err=True)
        click.echo(
            f"No region can take over now. When {scene.primary_name} has proved itself: "
            f"`{scene.command('--resume', until='clean-up')}`",
            err=True,
        )
        return
    click.echo(
        f"Stopped after {scene.until}, before {left[0]}; go on with `{scene.command('--resume')}`",
        err=True,
    )


def _print_files(scene: "Scene", *, err: bool = False) -> None:
    """Say what CI would undo: its next update has the files that are committed."""
    click.echo(
        f"Commit `database` and `recovery` of Pulumi.{scene.primary_name}.yaml and "
        f"Pulumi.{scene.standby_name}.yaml before the next update of either.",
        err=err,
    )
