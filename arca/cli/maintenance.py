"""`arca maintenance`: mute the alarms below SEV1 for a limited time."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.group("maintenance")
def command() -> None:
    """Mute every alarm that notifies, but SEV1's, for a limited time.

    The window ends by itself. An alarm that still fires then notifies then: let the window last
    half an hour longer than the work, which is as far back as pages look.
    """


@command.command("start")
@click.option("--for", "length", required=True, type=SPAN, help="The length, 8h at most.")
@click.option("--reason", required=True, help="The reason, which `arca maintenance status` prints.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@of_stack
def start(
    length: timedelta,
    reason: str,
    stack_name: str | None,
    target: "Target",
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open a maintenance window that begins with the next minute, in place of an open one."""
    from arca.cli import render
    from arca.clock import Clock
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    window = maintenance.Window.plan(length, reason, now=Clock().now())
    if not dry_run:
        maintenance.open_window(stack, window)
    if as_json:
        render.print_json({"dry_run": dry_run, **window.as_json()})
        return
    verb = "Would mute" if dry_run else "Muted"
    render.line(f"{verb} {stack.where} until {window.end:%Y-%m-%d %H:%M} UTC: {reason}")


@command.command("end")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@of_stack
def end(stack_name: str | None, target: "Target", *, dry_run: bool, as_json: bool) -> None:
    """End the open window now."""
    from arca.cli import render
    from arca.clock import Clock
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    ended = maintenance.open_now(stack, now=Clock().now()) is not None
    if ended and not dry_run:
        maintenance.close_window(stack)
    if as_json:
        render.print_json({"dry_run": dry_run, "was_open": ended})
    elif not ended:
        render.line("No window is open.")
    else:
        render.line("Would end the window." if dry_run else "Ended the window.")


@command.command("status")
@of_stack
def status(stack_name: str | None, target: "Target", *, as_json: bool) -> None:
    """Print whether a window is open, until when, and why."""
    from arca.cli import render
    from arca.clock import Clock
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    window = maintenance.open_now(stack, now=Clock().now())
    if as_json:
        render.print_json(
            {
                "open": window is not None,
                "until": window and window.end.isoformat(),
                "reason": window.reason if window else "",
            }
        )
    elif window is None:
        render.line("No window is open.")
    else:
        render.line(f"Open until {window.end:%Y-%m-%d %H:%M} UTC: {window.reason}")
