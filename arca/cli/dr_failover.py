"""`arca dr failover`: let the standby take over, phase by phase."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arca.cli.dr_options import OLD, of_move, print_plan
from arca.clock import Clock
from arca.recovery.budgets import TO_RTO

if TYPE_CHECKING:
    from arca.recovery.budgets import PhaseName
    from arca.recovery.journal import Journal
    from arca.recovery.journal_entry import Entry, Held
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
    help="Do not fence the primary, whose region answers in part or not here, though it lives; "
    "its customers are sent away before anything else.",
)
@click.option(
    "--failed-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"]),
    metavar="TIME",
    help="When the primary was lost, in UTC, as 2026-03-01T12:00Z; nothing later can be lost.",
)
@click.option(
    "--abort",
    is_flag=True,
    help="Give the primary back, and forget the failover; until `promote` begins.",
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
    failed_at: datetime | None,
    abort: bool,
    records: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Let the standby take over from the primary.

    It declares the failover, fences the primary (or sends its customers away if its region is
    lost), judges the lag, promotes the database, activates the stack, tests it, moves the customers
    and verifies. Each phase is in a journal in the standby's region. A failover that was
    interrupted goes on with --resume, from any machine. Until `promote` begins, --abort gives the
    primary back.

    The exit code is 0 when the standby serves, 1 where a phase failed, and 6 where the failover is
    refused: two writable databases, too much that is lost, a primary that lives though its region
    does not answer, or another operator.
    """
    from typing import cast

    from arca.cli import dr_scene
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

    going_on = resume or abort
    scene = dr_scene.make(primary, secondary, target=target, clock=clock, again=going_on)
    require_secondary(scene)
    left = journal_entry.read(scene.standby)
    if left is not None and left.entry.kind == "failback":
        raise journal_entry.returning(left, scene.standby)
    require_standby(scene)
    if left is None and serves_already(scene):
        return _print_served(scene, as_json=as_json)
    if left is None and not going_on:
        promotion.require_one_writer(scene, promoted=False)
    if dry_run:
        print_plan(scene, WHAT, left.entry if left else None, as_json=as_json)
        return ExitCode.DONE
    if left is not None and not going_on:
        raise journal_entry.refused(left, scene.standby)
    who, declared = operator or dr_scene.user(), clock.now()
    if _is_old(left) or not yes:
        dr_scene.confirm(scene, resume=resume, abort=abort)
    held = (
        Journal.resume(scene.standby, primary=primary, operator=who, clock=clock)
        if going_on
        else Journal.begin(
            scene.standby, primary=primary, operator=who, clock=clock, declared=declared
        )
    )
    with held:
        if abort:
            told = Failover(scene, held).abort()
            held.end()
            return _print_aborted(scene, told, as_json=as_json)
        _note_decisions(held, accepted, without_fence=without_fence, failed_at=failed_at)
        done = Failover(scene, held).run(until=cast("PhaseName", until))
        entry = held.entry
        if not done:
            click.echo(_stopped(scene, until), err=True)
            written = None
        else:
            written = dr_scene.write_record(scene, entry, records)
            held.end()
    _print_end(scene, entry, done=done, written=written, as_json=as_json)
    return ExitCode.DONE


def _print_end(
    scene: "Scene", entry: "Entry", *, done: bool, written: Path | None, as_json: bool
) -> None:
    from arca.cli import render

    primary, secondary = scene.primary_name, scene.standby_name
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
        render.line(f"{entry.phases[-1].seen}.")
        render.line(f"Commit `phase: active` in Pulumi.{secondary}.yaml, and `phase: fenced` in")
        render.line(f"Pulumi.{primary}.yaml, before the next update of either.")


def _note_decisions(
    held: "Journal", accepted: float | None, *, without_fence: bool, failed_at: datetime | None
) -> None:
    """Keep what the operator decides, for whoever resumes."""
    if failed_at is not None:
        at = failed_at.replace(tzinfo=UTC)
        held.note(failed_at=at, failed=at)
    if accepted is not None:
        held.note(accepted_loss_seconds=accepted)
    if without_fence:
        held.note(without_fence=True)


def _stopped(scene: "Scene", until: str) -> str:
    told = f"Stopped after {until}; go on with `{scene.resume}`"
    if until not in ("fence", "lag"):
        return told
    back = scene.resume.replace("--resume", "--abort")
    return f"{told}. {scene.primary_name} does not serve; `{back}` gives it back"


def _is_old(left: "Held | None") -> bool:
    """Return whether a failover was left long ago, and say whose it is."""
    if left is None or left.silent <= OLD:
        return False
    entry, hours = left.entry, left.silent.total_seconds() / 3600
    click.echo(
        f"The failover of {entry.declared:%Y-%m-%d %H:%M:%SZ} by {entry.operator} was left "
        f"{hours:,.1f} hours ago; --yes does not confirm that.",
        err=True,
    )
    return True


def _print_aborted(scene: "Scene", told: str, *, as_json: bool) -> int:
    from arca.cli import render
    from arca.errors import ExitCode

    if as_json:
        render.print_json({"stack": scene.primary_name, "aborted": True, "seen": told})
    else:
        render.line(f"{told}. The failover is forgotten.")
        render.line(f"Commit `recovery.phase` of Pulumi.{scene.primary_name}.yaml.")
    return ExitCode.DONE


def _print_served(scene: "Scene", *, as_json: bool) -> int:
    """Say that there is nothing to fail over, after a test as a customer."""
    from arca.cli import render
    from arca.errors import ExitCode

    phase, report = scene.primary.outputs.phase, scene.smoke_as_customer(scene.standby)
    good = report.verdict == "OK"
    code = ExitCode.DONE if good else ExitCode.FAILED
    if as_json:
        render.print_json({"to": scene.standby_name, "serves": good, "primary": phase})
        return code
    if good:
        render.line(f"{scene.standby_name} serves already: it is active, and the lever is pulled.")
    else:
        wrong = "; ".join(f"{one.name}: {one.detail}" for one in report.failed)
        render.line(f"{scene.standby_name} is active with the lever pulled, and does not serve:")
        render.line(f"{wrong or report.verdict}. `arca why --stack {scene.standby_name}`")
    if phase != "fenced":
        render.line(f"{scene.primary_name} is NOT fenced. When its region answers, set `phase: ")
        render.line(f"fenced` in Pulumi.{scene.primary_name}.yaml, and run `pulumi up` there.")
    return code
