"""`arca stop`: roll a deployment under way back."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("stop")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be stopped.")
@of_stack
def command(
    timeout: timedelta,
    stack_name: str | None,
    target: "Target",
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Stop the deployment under way: ECS goes back to what ran before (3 when it has).

    Where none is under way, the journal of a release that was killed is closed.
    """
    from arca.cli import questions, release_output, render
    from arca.clock import Clock
    from arca.release.rollback import Rollback
    from arca.stack import find

    stack = find(stack_name, target=target)
    progress = release_output.ReleaseProgress()
    rollback = Rollback(
        stack, timeout=timeout, say=progress.say, watch=progress.watch, clock=Clock()
    )
    under_way = rollback.under_way()
    if dry_run or under_way is None:
        closed = under_way is None and not dry_run and rollback.close_dead_journal()
        if as_json:
            render.print_json(
                {
                    "stack": stack.name,
                    "dry_run": dry_run,
                    "under_way": under_way and under_way.arn,
                    "journal_closed": closed,
                }
            )
        elif under_way is not None:
            render.line(f"Would stop {release_output.deployment_line(under_way)}")
        else:
            ended = " The journal of a dead release is closed." if closed else ""
            render.line(f"Nothing is under way.{ended}")
        return
    if not yes:
        line = release_output.deployment_line(under_way)
        questions.confirm(f"Stop {line}?", where=stack.where)
    release_output.print_outcome(stack, lambda: rollback.stop(under_way), as_json=as_json)
