"""`arca exec`: open a shell in a running task."""

import os
import shlex
from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target


@click.command("exec")
@click.argument("words", nargs=-1)
@click.option("--task", help="Id of the task; the newest otherwise.")
@click.option("--dry-run", is_flag=True, help="Print the command, and do not run it.")
@of_stack
def command(
    words: tuple[str, ...],
    task: str | None,
    stack_name: str | None,
    target: "Target",
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open /bin/sh, or run WORDS, in a task. The audit log records what is done there.

    Needs the AWS CLI and its session-manager-plugin, and `service.execute_command` in the stack.
    """
    from arca.cli import render
    from arca.release.shell import require_tools, shell_command
    from arca.stack import find

    stack = find(stack_name, target=target)
    arguments = shell_command(stack, task=task, words=words or ("/bin/sh",))
    if dry_run:
        if as_json:
            render.print_json({"stack": stack.name, "dry_run": True, "command": arguments})
        else:
            render.line(shlex.join(arguments))
        return
    require_tools()
    os.execvp(arguments[0], arguments)  # noqa: S606 - the operator's own aws, no shell
