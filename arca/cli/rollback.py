"""`arca rollback`: the release that was live before, again."""

from datetime import timedelta
from typing import Any

import click

from arca.cli.options import SPAN, of_stack


@click.command("rollback")
@click.option("--to", help="Revision to go back to, as `arca history` shows it.")
@click.option("--contract-ran", is_flag=True, help="Go back though a contract migration ran since.")
@click.option("--reason", help="Why, where --contract-ran is given.")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option("--dry-run", is_flag=True, help="Say where it would go back to.")
@of_stack
def command(
    to: str | None,
    reason: str | None,
    timeout: timedelta,
    stack_name: str,
    target: Any,
    *,
    contract_ran: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Roll back: a deployment under way is stopped, else the release of before is deployed.

    After a rollback that failed, it is the release that the failed deployment came from. Refused
    (6) where the release of before serves already, so that twice is not once too far; and where a
    contract migration ran since that release was live: its code would miss what was dropped.
    """
    from arca.cli import release_report as report
    from arca.cli import render
    from arca.release.rollback import Rollback
    from arca.stack import find

    if contract_ran and not reason:
        raise click.UsageError("--contract-ran wants --reason")
    stack = find(stack_name, target=target)
    live = report.Live()
    rollback = Rollback(stack, timeout=timeout, say=live.say, watch=live.watch, to=to)
    plan = rollback.plan()
    if dry_run:
        if as_json:
            render.print_json({"stack": stack.name, "dry_run": True, **plan.as_json()})
        else:
            render.line(f"Would {plan}.")
        return
    outcome = report.watched(
        stack, lambda: rollback.run(plan, past_contract=reason if contract_ran else None)
    )
    report.end(stack, outcome, as_json=as_json)
