"""`arca promote`: let a paused deployment go on."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("promote")
@click.option("--dry-run", is_flag=True, help="Say what would go on.")
@of_stack
def command(stack_name: str | None, target: "Target", *, dry_run: bool, as_json: bool) -> None:
    """Answer the pause of the deployment under way: production traffic moves."""
    from arca.cli import render
    from arca.cli.release_output import deployment_line
    from arca.release.deployment import (
        answer_pause,
        paused_deployment,
        require_a_persons_answer,
    )
    from arca.release.service import EcsService
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = EcsService(stack)
    paused = paused_deployment(service)
    require_a_persons_answer(service, paused)
    if not dry_run:
        answer_pause(service, paused, proceed=True)
    if as_json:
        render.print_json({"stack": stack.name, "dry_run": dry_run, "promoted": paused.arn})
    else:
        line = deployment_line(paused if dry_run else replace(paused, paused_hook=None))
        render.line(f"{'Would go on' if dry_run else 'Goes on'}: {line}")
