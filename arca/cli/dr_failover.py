"""`arca dr failover`: let the standby take over, phase by phase."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.options import pass_clock
from arca.cli.suggestions import complete_stack
from arca.clock import Clock

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.recovery.journal import Journal
    from arca.recovery.journal_entry import Entry
    from arca.recovery.scene import Scene
    from arca.stack import Target

NAMES = ("declare", "fence", "lag", "promote", "activate", "smoke", "switch", "verify")
"""The phases of arca.recovery.failover, whose import takes long."""


@click.command("failover")
@click.option(
    "--stack",
    "primary",
    default="prod",
    show_default=True,
    shell_complete=complete_stack,
    help="The primary.",
)
@click.option(
    "--to",
    "secondary",
    default="dr",
    show_default=True,
    shell_complete=complete_stack,
    help="The standby that takes over.",
)
@click.option(
    "--target",
    type=click.Choice(["auto", "aws", "emulated"]),
    default="auto",
    show_default=True,
    help="Where the stacks are; auto: in the emulated cloud if they are up there, else on AWS.",
)
@click.option("--operator", help="Who decides it; by default the user of this machine.")
@click.option("--resume", is_flag=True, help="Go on with a failover that was interrupted.")
@click.option("--until", type=click.Choice(NAMES), default="verify", help="Stop after this phase.")
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
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the record is written; by default docs/drills in the checkout.",
)
@click.option("--yes", is_flag=True, help="Do not ask for the standby's name.")
@click.option("--dry-run", is_flag=True, help="Say what is done and what is left; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@pass_clock
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
    from arca.recovery.failover import Failover, require_secondary, serves_already
    from arca.recovery.journal import Journal

    scene = dr_scene.make(primary, secondary, target=target, clock=clock, again=resume)
    require_secondary(scene)
    left = journal_entry.read(scene.standby)
    if left is None and serves_already(scene):
        _print_served(scene, as_json=as_json)
        return ExitCode.DONE
    if dry_run:
        _print_plan(scene, left.entry if left else None, as_json=as_json)
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


def _print_plan(scene: "Scene", entry: "Entry | None", *, as_json: bool) -> None:
    from arca.cli import render
    from arca.recovery.failover import PHASES, WHAT

    done = [name for name in PHASES if entry is not None and entry.done(name)]
    if as_json:
        left = [name for name in PHASES if name not in done]
        render.print_json({"dry_run": True, "done": done, "left": left})
        return
    if entry is not None:
        render.line(f"Under way since {entry.declared:%Y-%m-%d %H:%M:%SZ}, by {entry.operator}")
    for name in PHASES:
        render.line(f"{'done ' if name in done else 'would'} {name}: {WHAT[name]}")
    render.line(f"Primary: {scene.primary.where}. Standby: {scene.standby.where}.")
