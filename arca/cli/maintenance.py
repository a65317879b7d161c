"""`arca maintenance`: windows in which alarms below SEV1 do not notify."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from arca.cli.options import SPAN, of_stack


@click.group("maintenance")
def command() -> None:
    """Windows in which alarms below SEV1 that a deployment may trip do not notify.

    A window is visible: its own alarm fires, every channel hears of it, the system dashboard
    shows it. It ends by itself.
    """


@command.command("start")
@click.option("--for", "length", required=True, type=SPAN, help="How long, 110m at most.")
@click.option("--reason", required=True, help="Why; whoever asks reads it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@of_stack
def start(
    length: timedelta,
    reason: str,
    stack_name: str,
    target: Any,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open a window from now on."""
    from arca.cli import render
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    window = maintenance.Window.plan(length, reason, now=datetime.now(UTC))
    if not dry_run:
        maintenance.open_window(stack, window)
    if as_json:
        render.print_json({"dry_run": dry_run, **window.as_json()})
        return
    verb = "Would mute" if dry_run else "Muted"
    render.line(f"{verb} {stack.where} until {window.end:%Y-%m-%d %H:%M} UTC: {reason}")


@command.command("end")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@of_stack
def end(stack_name: str, target: Any, *, dry_run: bool, as_json: bool) -> None:
    """End the window that is open, before its time."""
    from arca.cli import render
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    open_until = maintenance.open_until(stack, now=datetime.now(UTC))
    if open_until is not None and not dry_run:
        maintenance.close_window(stack, until=open_until, now=datetime.now(UTC))
    ended = open_until is not None
    if as_json:
        render.print_json({"dry_run": dry_run, "was_open": ended})
    elif not ended:
        render.line("No window is open.")
    else:
        render.line("Would end the window." if dry_run else "Ended the window.")


@command.command("status")
@of_stack
def status(stack_name: str, target: Any, *, as_json: bool) -> None:
    """Say whether a window is open, until when, and why."""
    from arca.cli import render
    from arca.monitoring.live import maintenance
    from arca.stack import find

    stack = find(stack_name, target=target)
    now = datetime.now(UTC)
    until = maintenance.open_until(stack, now=now)
    reason = maintenance.window_reason(stack) if until else ""
    if as_json:
        render.print_json({"open": until is not None, "until": until and until.isoformat(),
                           "reason": reason})  # fmt: skip # one call
    elif until is None:
        render.line("No window is open.")
    else:
        render.line(f"Open until {until:%Y-%m-%d %H:%M} UTC: {reason}")
