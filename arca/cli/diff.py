"""`arca diff`: compare what runs with what a deployment would run."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("diff")
@click.argument("image", required=False)
@of_stack
def command(image: str | None, stack_name: str | None, target: "Target", *, as_json: bool) -> None:
    """Show where the running task differs from what a deployment (of IMAGE) would run.

    The exit code is 0 either way, for a difference is not a failure. It is 1 for an IMAGE that is
    not in the registry.
    """
    from arca.cli import render
    from arca.release.difference import compare
    from arca.release.service import EcsService
    from arca.stack import find

    stack = find(stack_name, target=target)
    found = compare(EcsService(stack), image)
    if as_json:
        render.print_json(
            {
                "stack": stack.name,
                "running": found.running,
                "template": found.template,
                "image": found.image,
                "differences": [one.as_json() for one in found.differences],
            }
        )
        return
    click.echo(
        f"{stack.where}: {found.running} runs; a deployment of {found.image} would start from "
        f"{found.template}",
        err=True,
    )
    for one in found.differences:
        render.line(f"{one.path}: {one.left!s} -> {one.right!s}")
    if not found.differences:
        render.line("No difference.")
