"""`arca dr restore-test`: restore a backup, check it, and delete it again."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arca.cli.options import TARGET, pass_clock
from arca.cli.suggestions import complete_stack
from arca.clock import Clock
from arca.recovery.backup_point import BACKUP_KINDS

if TYPE_CHECKING:
    from arca.recovery.backup_point import BackupKind
    from arca.recovery.record import Record
    from arca.recovery.restore_test import Planned
    from arca.stack import Stack, Target


@click.command("restore-test")
@click.option(
    "--stack",
    "primary",
    default="prod",
    show_default=True,
    shell_complete=complete_stack,
    help="The stack whose backup is restored.",
)
@click.option(
    "--from",
    "kind",
    type=click.Choice(BACKUP_KINDS),
    default="snapshot",
    show_default=True,
    help="The newest automated snapshot, the latest restorable moment, or the newest recovery "
    "point of AWS Backup.",
)
@TARGET
@click.option("--operator", help="Who does it; by default the user of this machine.")
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the record is written; by default docs/drills in the checkout.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be restored; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@pass_clock
def command(
    clock: Clock,
    *,
    primary: str,
    kind: str,
    target: "Target",
    operator: str | None,
    records: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Restore the newest backup into isolated subnets, check it, and delete it.

    A task inside the VPC checks it: every row can be read, tables and indexes agree, the schema is
    the primary's, no invoice number is missing, and the newest row is there. Nothing else reaches
    it. It takes about an hour, and writes a record.

    The restored instance is always deleted, also after Ctrl-C. What a killed test leaves, the next
    one removes. No other instance is touched.

    The exit code is 0 when the backup is good, 1 where it is not or the test failed, and 6 while
    another restore test is under way.
    """
    from arca import checkout
    from arca.cli import dr_scene, questions
    from arca.errors import ExitCode
    from arca.recovery import records as files
    from arca.recovery.restore_test import RestoreTest, plan
    from arca.recovery.restored_instance import RestoredInstance
    from arca.stack import find

    def say(text: str) -> None:
        click.echo(f"{clock.now():%H:%M:%SZ} {text}", err=True)

    stack = find(primary, target=target)
    planned = plan(stack, cast("BackupKind", kind))
    who = operator or dr_scene.user()
    instance = RestoredInstance(stack, planned.settings, who, clock, say)
    left = instance.require_free()
    if dry_run:
        _print_plan(stack, planned, left=left is not None, as_json=as_json)
        return ExitCode.DONE
    click.echo(f"This will {planned.sentence}. {_cost(stack, planned)}", err=True)
    if not yes:
        questions.confirm("Restore it", where=stack.where)
    test = RestoreTest(stack, planned, instance, clock, say)
    written: tuple[Record, Path] | None = None
    with _ended_by_sigterm(), instance:
        try:
            test.run()
        finally:
            if test.phases:
                record = test.record(operator=who, versions=dr_scene.versions())
                directory = records or checkout.root() / "docs" / "drills"
                written = record, files.write(record, directory)
                say(f"record: {written[1]}")
    return _print(*written, as_json=as_json) if written else ExitCode.FAILED


@contextmanager
def _ended_by_sigterm() -> Generator[None]:
    """Let SIGTERM end the test as Ctrl-C does; a second one does not disturb the clean-up."""

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _cost(stack: "Stack", planned: "Planned") -> str:
    from arca.cost import price_table

    usage = f"InstanceUsage:{planned.settings.instance_class}"
    key = price_table.Key(stack.outputs.region, "AmazonRDS", usage, "databaseEngine=PostgreSQL")
    row = price_table.read().find(key)
    if row is None or row.price is None:
        return "It costs that instance and its storage for about an hour."
    return f"It costs {row.price:.2f} USD an hour, and its storage, for about an hour."


def _print_plan(stack: "Stack", planned: "Planned", *, left: bool, as_json: bool) -> None:
    from arca.cli import render

    lines = [f"remove {planned.settings.name}, which a killed test left"] if left else []
    lines += [
        planned.sentence,
        "check it in a task inside the VPC",
        f"delete {planned.settings.name} without a final snapshot, and write a record",
    ]
    cost = _cost(stack, planned)
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": True, "plan": lines, "cost": cost})
        return
    for line in lines:
        render.line(f"would: {line}")
    render.line(cost)


def _print(record: "Record", path: Path, *, as_json: bool) -> int:
    from arca.cli import render
    from arca.errors import ExitCode
    from arca.recovery import records as files
    from arca.recovery.verdict import judge

    verdict = judge(record)
    if as_json:
        render.print_json({"record": str(path), **files.as_json(record)})
    else:
        for one in record.invariants:
            render.line(f"{one.outcome} {one.name}: {one.seen}", verdicts=True)
        took = (record.ended - record.declared).total_seconds()
        said = "; ".join(verdict.reasons) or f"the backup is good; {took:,.0f} s"
        render.line(f"{'OK' if verdict.passed else 'FAILED'} {said}", verdicts=True)
        render.line(f"Record: {path}")
    return ExitCode.DONE if verdict.passed else ExitCode.FAILED
