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
@click.option(
    "--gradual", is_flag=True, help="Deploy as the stack does: with canary, pause, bake, alarms."
)
@click.option("--contract-ran", is_flag=True, help="Go back though a contract migration ran since.")
@click.option("--reason", help="Why; --contract-ran needs it.")
@click.option("--timeout", default="2h", show_default=True, type=SPAN, help="How long to watch.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say where it would go, and whether it would be refused.",
)
@of_stack
def command(
    to: str | None,
    reason: str | None,
    timeout: timedelta,
    stack_name: str | None,
    target: "Target",
    *,
    gradual: bool,
    contract_ran: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Stop the deployment under way, or deploy the previous release where there is none.

    The previous release gets all customers at once: without canary, pause, bake and alarms. Then
    the service gets the stack's own deployment configuration again, as it does with every release.

    After a rollback that failed, the previous release is the one that the failed deployment
    replaced. It is refused (6) where the previous release serves already, so that a second
    rollback does not go too far. It is refused too where a contract migration ran since that
    release was live, because its code would miss what was dropped. To learn that, also with
    --dry-run, it starts a migration task of the image that serves. The task only reads.
    """
    from arca.cli import release_output
    from arca.clock import Clock
    from arca.release.rollback import Rollback
    from arca.stack import find

    if contract_ran and not reason:
        raise click.UsageError("--contract-ran needs --reason")
    stack = find(stack_name, target=target)
    progress = release_output.ReleaseProgress()
    rollback = Rollback(
        stack,
        timeout=timeout,
        say=progress.say,
        watch=progress.watch,
        clock=Clock(),
        to=to,
        gradual=gradual,
        past_contract=reason if contract_ran else None,
    )
    plan = rollback.plan()
    if dry_run:
        release_output.print_rollback_plan(stack, plan, rollback.refusal(plan), as_json=as_json)
        return
    release_output.print_outcome(stack, lambda: rollback.run(plan), as_json=as_json)
