"""`arca promote`: let a paused deployment go on."""

from typing import Any

import click

from arca.cli.options import of_stack


@click.command("promote")
@click.option("--dry-run", is_flag=True, help="Say what would go on.")
@of_stack
def command(stack_name: str, target: Any, *, dry_run: bool, as_json: bool) -> None:
    """Answer the pause of the deployment under way: production traffic moves."""
    from arca.cli import render
    from arca.cli.release_report import stage
    from arca.release import follow
    from arca.release.service import Service
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = Service(stack)
    latest = service.deployments(most=1)
    waiting = [one for one in latest if one.paused_hook is not None]
    if not waiting:
        follow.refuse_unpaused(service, latest[0] if latest else None)
    if not dry_run:
        follow.answer(service, waiting[0], proceed=True)
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": dry_run, "promoted": waiting[0].arn})
    else:
        render.line(f"{'Would go on' if dry_run else 'Goes on'}: {stage(waiting[0])}")
