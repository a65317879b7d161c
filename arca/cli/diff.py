"""`arca diff`: what runs, against the template's latest, and against an image."""

from typing import Any

import click

from arca.cli.options import of_stack


@click.command("diff")
@click.argument("image", required=False)
@of_stack
def command(image: str | None, stack_name: str, target: Any, *, as_json: bool) -> None:
    """Where the running task differs from what a deployment (of IMAGE) would run.

    Exit code 0 either way: a difference is no failure. An IMAGE that is not in the registry is one.
    """
    from arca.cli import render
    from arca.release import difference
    from arca.release.definition import with_image
    from arca.release.service import Service, image_of, short
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = Service(stack)
    running = service.definition(str(service.describe()["taskDefinition"]))
    latest = service.definition(stack.outputs.service.task_family)
    wanted = difference.deployable(stack, image) if image else image_of(running)
    found = difference.between(running, with_image(latest, wanted))
    if as_json:
        render.print_json(
            {
                "stack": stack.name,
                "running": short(running["taskDefinitionArn"]),
                "template": short(latest["taskDefinitionArn"]),
                "image": wanted,
                "differences": [one.as_json() for one in found],
            }
        )
        return
    click.echo(
        f"{stack.where}: {short(running['taskDefinitionArn'])} runs; a deployment of {wanted} "
        f"would start from {short(latest['taskDefinitionArn'])}",
        err=True,
    )
    for one in found:
        render.line(f"{one.path}: {one.left!s} -> {one.right!s}")
    if not found:
        render.line("No difference.")
