"""`arca exec`: a shell in a running task."""

import os
import shlex
import shutil
from typing import Any

import click

from arca.cli.options import of_stack


@click.command("exec")
@click.argument("words", nargs=-1)
@click.option("--task", help="Id of the task; the newest otherwise.")
@click.option("--dry-run", is_flag=True, help="Print the command, and do not run it.")
@of_stack
def command(
    words: tuple[str, ...],
    task: str | None,
    stack_name: str,
    target: Any,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open /bin/sh, or run WORDS, in a task. What is done there is written to the audit log.

    Needs the AWS CLI and its session-manager-plugin, and `service.execute_command` in the stack.
    """
    from arca.cli import render
    from arca.errors import ArcaError
    from arca.release import shell
    from arca.stack import find

    stack = find(stack_name, target=target)
    arguments = shell.arguments(stack, task=task, words=words or ("/bin/sh",))
    if dry_run:
        if as_json:
            render.print_json({"stack": stack.name, "dry_run": True, "command": arguments})
        else:
            render.line(shlex.join(arguments))
        return
    for tool in ("aws", "session-manager-plugin"):
        if shutil.which(tool) is None:
            raise ArcaError(
                f"There is no `{tool}` on PATH.",
                where="arca exec",
                wanted="the AWS CLI v2 and its session-manager-plugin",
                do="install them (AWS documentation, 'Install the Session Manager plugin')",
            )
    os.execvp(arguments[0], arguments)  # noqa: S606 - the operator's own aws, no shell
