"""`arca run`: run a command as a one-off task."""

import shlex
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("run")
@click.argument("words", nargs=-1, required=True)
@click.option("--timeout", default="1h", show_default=True, type=SPAN, help="How long it may take.")
@click.option("--dry-run", is_flag=True, help="Say what would run.")
@of_stack
def command(
    words: tuple[str, ...],
    timeout: timedelta,
    stack_name: str | None,
    target: "Target",
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run WORDS (after `--`) in a new task of what the service runs, and end with its exit code.

    Its log lines come on stdout, or on stderr with --json. Ctrl-C stops the task.
    """
    from arca.cli import render
    from arca.clock import Clock
    from arca.release.service import EcsService, short
    from arca.release.tasks import OneOffTask
    from arca.stack import find

    stack = find(stack_name, target=target)
    service = EcsService(stack)
    definition = service.current_definition()
    name = short(definition["taskDefinitionArn"])
    if dry_run:
        content = {"stack": stack.name, "dry_run": True, "task_definition": name}
        if as_json:
            render.print_json({**content, "command": list(words)})
        else:
            render.line(f"Would run in a new task of {name}: {shlex.join(words)}")
        return
    click.echo(f"{name}: {shlex.join(words)}", err=True)
    show = partial(click.echo, err=as_json)
    result = OneOffTask(service, definition, Clock()).run(words, show=show, timeout=timeout)
    if as_json:
        render.print_json({"stack": stack.name, **result.as_json()})
    if result.exit_code is None:
        click.echo(f"It never ran: {result.reason}", err=True)
    click.get_current_context().exit(result.process_exit_code)
