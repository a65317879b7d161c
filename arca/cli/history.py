"""`arca history`: show what was deployed when, and how it ended."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("history")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 20), help="How many.")
@of_stack
def command(last: int, stack_name: str, target: "Target", *, as_json: bool) -> None:
    """Show the latest deployments, newest first; ECS keeps them for 90 days."""
    from arca.cli import render
    from arca.release import history
    from arca.release.service import EcsService, short
    from arca.stack import find

    stack = find(stack_name, target=target)
    found = history.read_history(EcsService(stack), most=last)
    if as_json:
        deployments = [past.as_json() for past in found]
        render.print_json({"stack": stack.name, "deployments": deployments})
        return
    render.table(
        ("begun (UTC)", "status", "revision", "image", "reason"),
        [
            (
                f"{past.deployment.created:%Y-%m-%d %H:%M:%S}",
                past.deployment.status,
                short(past.task_definition),
                past.tag,
                past.deployment.reason,
            )
            for past in found
        ],
    )
