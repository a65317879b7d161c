"""`arca history`: show what was deployed when, and how it ended."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("history")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 20), help="How many.")
@of_stack
def command(last: int, stack_name: str | None, target: "Target", *, as_json: bool) -> None:
    """Show the latest deployments, newest first; ECS keeps them for 90 days.

    The reason is what `arca` noted, else why tasks failed, else what ECS says. `arca why` has the
    evidence.
    """
    from arca.cli import render
    from arca.release import causes, history
    from arca.release.service import EcsService, short
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = EcsService(stack)
    found = history.read_history(service, most=last)
    reasons = causes.reasons(service, found)
    if as_json:
        deployments = [
            {
                **past.as_json(),
                "reason": reasons[past.deployment.arn],
                "ecs_reason": past.deployment.reason,
            }
            for past in found
        ]
        render.print_json({"stack": stack.name, "deployments": deployments})
        return
    render.table(
        ("begun (UTC)", "id", "status", "revision", "image", "reason"),
        [
            (
                f"{past.deployment.created:%Y-%m-%d %H:%M:%S}",
                short(past.deployment.arn),
                past.deployment.status,
                short(past.task_definition),
                past.tag,
                reasons[past.deployment.arn],
            )
            for past in found
        ],
        folds=("reason",),
    )
