"""`arca verify`: whether all that a task refers to is there."""

from typing import Any

import click

from arca.cli.options import of_stack


@click.command("verify")
@of_stack
def command(stack_name: str, target: Any, *, as_json: bool) -> None:
    """Roles, images, secrets, parameters, log groups, target groups; 1 where one is missing."""
    from arca.cli import release_report as report
    from arca.cli import render
    from arca.release import references
    from arca.release.service import Service
    from arca.stack import find

    stack = find(stack_name, target=target)
    click.echo("looking up every reference", err=True)
    found = references.tree(Service(stack))
    failed = [check.name for check in found if check.verdict == "FAILED"]
    if as_json:
        checks = [check.as_json() for check in found]
        render.print_json({"stack": stack.name, "failed": failed, "checks": checks})
    else:
        report.checks(found)
    click.get_current_context().exit(1 if failed else 0)
