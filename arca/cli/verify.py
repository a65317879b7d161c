"""`arca verify`: check that all that a task refers to exists."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("verify")
@click.option(
    "--versions", is_flag=True, help="Also ask AWS whether it offers what the settings pin."
)
@click.option(
    "--quotas",
    is_flag=True,
    help="Also ask AWS whether the account may have what the stacks' files need at their most.",
)
@of_stack
def command(
    stack_name: str | None, target: "Target", *, versions: bool, quotas: bool, as_json: bool
) -> None:
    """Look up roles, images, secrets, parameters, log and target groups; 1 if one is missing.

    With --quotas, it is also 1 where a quota is too low for the stacks of the account together. DR
    counts as if it served, and each service as in a release at its highest load.
    """
    from arca.cli import release_output, render
    from arca.clock import Clock
    from arca.errors import ExitCode
    from arca.offered import check_pins
    from arca.release import gates
    from arca.release.references import check_references
    from arca.release.service import EcsService
    from arca.stack import find

    stack = find(stack_name, target=target)
    click.echo("looking up every reference", err=True)
    found = check_references(EcsService(stack))
    if versions:
        found += check_pins(stack, now=Clock().now())
    if quotas:
        from arca.cli.account_quotas import quotas_of_stack

        found += quotas_of_stack(stack)
    failed = [check.name for check in gates.closed(found)]
    if as_json:
        checks = [check.as_json() for check in found]
        render.print_json({"stack": stack.name, "failed": failed, "checks": checks})
    else:
        release_output.print_checks(found)
    click.get_current_context().exit(ExitCode.FAILED if failed else ExitCode.DONE)
