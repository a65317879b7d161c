"""`arca dr failover`: let the standby take over, phase by phase."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.dr_options import of_move, print_plan
from arca.clock import Clock
from arca.recovery.budgets import TO_RTO

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.recovery.journal import Journal
    from arca.recovery.scene import Scene
    from arca.stack import Target


@click.command("failover")
@of_move(
    primary="The primary.", other="--to", secondary="The standby that takes over.", named="standby"
)
@click.option("--until", type=click.Choice(TO_RTO), default="verify", help="Stop after this phase.")
@click.option(
    "--accept-data-loss",
    "accepted",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Fail over though the replica is so far behind, or its lag is unknown.",
)
@click.option(
    "--without-fence",
    is_flag=True,
    help="Leave the primary as it is: its region answers in part, and its update does not end.",
)
def command(
    clock: Clock,
    *,
    primary: str,
    secondary: str,
    target: "Target",
    operator: str | None,
    resume: bool,
    until: str,
    accepted: float | None,
    without_fence: bool,
    records: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let the standby take over from the primary.

    It declares the failover, fences the primary if its region answers, judges the lag, promotes
    the database, activates the stack, tests it, moves the customers and verifies. Each phase is in
    a journal in the standby's region. A failover that was interrupted goes on with --resume, from
    any machine.

    The exit code is 0 when the standby serves, 1 where a phase failed, and 6 where the failover is
    refused: two writable databases, a lag above 300 s, or another operator.
    """
    from typing import cast

    from arca.cli import dr_scene, render
    from arca.errors import ExitCode
    from arca.recovery import journal_entry, promotion
    from arca.recovery.failover import (
        WHAT,
        Failover,
        require_secondary,
        require_standby,
        serves_already,
    )
    from arca.recovery.journal import Journal

    scene = dr_scene.make(primary, secondary, target=target, clock=clock, again=resume)
    require_secondary(scene)
    left = journal_entry.read(scene.standby)
    if left is not None and left.entry.kind == "failback":
        raise journal_entry.returning(left, scene.standby)
    require_standby(scene)
    if left is None and serves_already(scene):
        _print_served(scene, as_json=as_json)
        return ExitCode.DONE
    if dry_run:
        print_plan(scene, WHAT, left.entry if left else None, as_json=as_json)
        return ExitCode.DONE
    if left is not None and not resume:
        raise journal_entry.refused(left, scene.standby)
    if left is None and not resume:
        promotion.require_one_writer(scene, promoted=False)
    who = operator or dr_scene.user()
    if not yes:
        dr_scene.confirm(scene, resume=resume)
    held = (
        Journal.resume(scene.standby, primary=primary, operator=who, clock=clock)
        if resume
        else Journal.begin(scene.standby, primary=primary, operator=who, clock=clock)
    )
    with held:
        _note_decisions(held, accepted, without_fence=without_fence)
        done = Failover(scene, held).run(until=cast("PhaseName", until))
        entry = held.entry
        if not done:
            click.echo(f"Stopped after {until}; go on with `{scene.resume}`", err=True)
            written = None
        else:
            written = dr_scene.write_record(scene, entry, records)
            held.end()
    if as_json:
        render.print_json(
            {
                "stack": primary,
                "to": secondary,
                "done": done,
                "journal": entry.model_dump(mode="json"),
                "record": str(written) if written else None,
            }
        )
    elif written:
        seconds = (entry.first_good_smoke or entry.declared) - entry.declared
        render.line(f"{secondary} serves; RTO {seconds.total_seconds():,.0f} s. Record: {written}")
        render.line(f"Commit `phase: active` in Pulumi.{secondary}.yaml, and `phase: fenced` in")
        render.line(f"Pulumi.{primary}.yaml, before the next update of either.")
    return ExitCode.DONE


def _note_decisions(held: "Journal", accepted: float | None, *, without_fence: bool) -> None:
    """Keep what the operator decides, for whoever resumes."""
    if accepted is not None:
        held.note(accepted_loss_seconds=accepted)
    if without_fence:
        held.note(without_fence=True)


def _print_served(scene: "Scene", *, as_json: bool) -> None:
    from arca.cli import render

    phase = scene.primary.outputs.phase
    if as_json:
        render.print_json({"to": scene.standby_name, "serves": True, "primary": phase})
        return
    render.line(f"{scene.standby_name} serves already: it is active, and the lever is pulled.")
    if phase != "fenced":
        render.line(f"{scene.primary_name} is NOT fenced. When its region answers, set `phase: ")
        render.line(f"fenced` in Pulumi.{scene.primary_name}.yaml, and run `pulumi up` there.")
