"""`arca rollback`: go back to the release that was live before."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack
from arca.cli.suggestions import complete_live_revision

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("rollback")
@click.option(
    "--to",
    shell_complete=complete_live_revision,
    help="Revision to go back to, as `arca history` shows it.",
)
@click.option("--contract-ran", is_flag=True, help="Go back though a contract migration ran since.")
@click.option("--reason", help="Why; --contract-ran needs it.")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option("--dry-run", is_flag=True, help="Say where it would go back to.")
@of_stack
def command(
    to: str | None,
    reason: str | None,
    timeout: timedelta,
    stack_name: str | None,
    target: "Target",
    *,
    contract_ran: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Stop the deployment under way, or deploy the previous release where there is none.

    After a rollback that failed, the previous release is the one that the failed deployment
    replaced. It is refused (6) where the previous release serves already, so that a second
    rollback does not go too far. It is refused too where a contract migration ran since that
    release was live, because its code would miss what was dropped.
    """
    from arca.cli import release_output, render
    from arca.clock import Clock
    from arca.release.rollback import Rollback
    from arca.stack import find

    if contract_ran and not reason:
        raise click.UsageError("--contract-ran needs --reason")
    stack = find(stack_name, target=target)
    progress = release_output.ReleaseProgress()
    rollback = Rollback(
        stack, timeout=timeout, say=progress.say, watch=progress.watch, clock=Clock(), to=to
    )
    plan = rollback.plan()
    if dry_run:
        if as_json:
            render.print_json({"stack": stack.name, "dry_run": True, **plan.as_json()})
        else:
            render.line(f"Would {plan}.")
        return
    release_output.print_outcome(
        stack,
        lambda: rollback.run(plan, past_contract=reason if contract_ran else None),
        as_json=as_json,
    )
