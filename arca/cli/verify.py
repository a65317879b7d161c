"""`arca verify`: check that all that a task refers to exists."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("verify")
@of_stack
def command(stack_name: str | None, target: "Target", *, as_json: bool) -> None:
    """Look up roles, images, secrets, parameters, log and target groups; 1 if one is missing.

    On AWS also ask whether it still offers each version that the settings pin.
    """
    from arca.cli import release_output, render
    from arca.clock import Clock
    from arca.errors import ExitCode
    from arca.release import gates
    from arca.release.pinned_versions import check_pins
    from arca.release.references import check_references
    from arca.release.service import EcsService
    from arca.stack import find

    stack = find(stack_name, target=target)
    click.echo("looking up every reference", err=True)
    found = check_references(EcsService(stack)) + check_pins(stack, now=Clock().now())
    failed = [check.name for check in gates.closed(found)]
    if as_json:
        checks = [check.as_json() for check in found]
        render.print_json({"stack": stack.name, "failed": failed, "checks": checks})
    else:
        release_output.print_checks(found)
    click.get_current_context().exit(ExitCode.FAILED if failed else ExitCode.DONE)
