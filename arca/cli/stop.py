"""`arca stop`: roll a deployment under way back."""

from datetime import timedelta
from typing import Any

import click

from arca.cli.options import SPAN, of_stack


@click.command("stop")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be stopped.")
@of_stack
def command(
    timeout: timedelta, stack_name: str, target: Any, *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Stop the deployment under way: ECS goes back to what ran before (3 when it has).

    With none under way, the journal of a release that was killed is closed.
    """
    from arca.cli import release_report as report
    from arca.cli import render
    from arca.release import journal
    from arca.release.rollback import Rollback
    from arca.stack import find

    stack = find(stack_name, target=target)
    live = report.Live()
    rollback = Rollback(stack, timeout=timeout, say=live.say, watch=live.watch)
    under_way = rollback.under_way()
    if dry_run or under_way is None:
        closed = under_way is None and not dry_run and journal.close_dead(stack)
        if as_json:
            render.print_json(
                {
                    "stack": stack.name,
                    "dry_run": dry_run,
                    "under_way": under_way and under_way.arn,
                    "journal_closed": closed,
                }
            )
        elif under_way is None:
            render.line("Nothing is under way." + " A dead release's journal is closed." * closed)
        else:
            render.line(f"Would stop {report.stage(under_way)}")
        return
    if not yes:
        click.confirm(f"Stop {report.stage(under_way)}?", abort=True, err=True)
    outcome = report.watched(stack, lambda: rollback.stop(under_way))
    report.end(stack, outcome, as_json=as_json)
