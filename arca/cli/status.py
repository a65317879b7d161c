"""`arca status`: show what the service is doing now."""

from typing import TYPE_CHECKING, Any

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("status")
@of_stack
def command(stack_name: str | None, target: "Target", *, as_json: bool) -> None:
    """Show the revision, tasks, latest deployment, reasons of failed tasks, and alarms."""
    from arca.cli import render
    from arca.release import status
    from arca.stack import find

    stack = find(stack_name, target=target)
    found = status.read_status(stack)
    if as_json:
        render.print_json({"stack": stack.name, **found.as_json()})
        return
    render.line(f"runs        {found.revision}  {found.image}")
    render.line(f"tasks       {found.running} of {found.desired}, {found.pending} pending")
    for share in found.traffic:
        render.line(f"traffic     {share}")
    for fault in found.faults:
        render.line(f"problem     {fault}", verdicts=True)
    for name in found.undeclared:
        render.line(f"undeclared  {name}; `arca deploy` and `arca rollback` restore it")
    if found.deployment is not None:
        _print_deployment(found.deployment)
    for reason in found.stop_reasons:
        render.line(f"stopped     {reason}")
    for name, state in sorted(found.alarms.items()):
        render.line(f"alarm       {state:18}{name}", verdicts=True)
    if found.release:
        render.line(f"release     {found.release}")


def _print_deployment(latest: dict[str, Any]) -> None:
    from arca.cli import render

    why = f": {latest['reason']}" if latest["reason"] else ""
    render.line(
        f"deployment  {latest['id']}  {latest['status']}  {latest['stage'] or ''}{why}",
        verdicts=True,
    )
    for said in (latest["noted"], latest["pause"]):
        if said is not None:
            render.line(f"            {said}")
