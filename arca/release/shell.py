"""The command that opens a shell in a task of the service."""

import shlex
import shutil
from collections.abc import Sequence

from arca.errors import ArcaError, Refused
from arca.release.service import EcsService, short
from arca.stack import Stack

TOOLS = ("aws", "session-manager-plugin")


def shell_command(stack: Stack, *, task: str | None, words: Sequence[str]) -> list[str]:
    """Return the AWS CLI's command that runs `words` in a task, the newest one for None.

    Raises Refused where the stack forbids shells, ArcaError where no such task runs.
    """
    if stack.endpoint is not None:
        raise Refused(
            "The emulated cloud has no shell to open.",
            where=stack.where,
            wanted="a stack on AWS",
            do=f"run a command as a task: `arca run --stack {stack.name} -- CMD`",
        )
    service = EcsService(stack)
    if not service.describe().get("enableExecuteCommand"):
        raise Refused(
            f"The stack {stack.name} does not allow shells in tasks.",
            where=f"service {service.names['service']}: enableExecuteCommand is false",
            wanted="`service.execute_command: true`, which prod refuses with a read-only root",
            do=f"run a command as a task instead: `arca run --stack {stack.name} -- CMD`",
        )
    running = sorted(service.tasks(), key=lambda one: str(one.get("startedAt", "")))
    ids = [short(one["taskArn"]) for one in running]
    chosen = task or (ids[-1] if ids else None)
    if chosen not in ids:
        raise ArcaError(
            f"There is no running task {task or ''}.".replace(" .", "."),
            where=stack.where,
            wanted=f"one of {', '.join(ids) or 'none that runs'}",
            do=f"see `arca status --stack {stack.name}`",
        )
    return [
        *("aws", "ecs", "execute-command", "--interactive", "--region", stack.outputs.region),
        *("--cluster", service.names["cluster"], "--task", str(chosen), "--container", "api"),
        *("--command", shlex.join(words)),
    ]


def require_tools() -> None:
    """Raise ArcaError where a tool that opens the shell is not on PATH."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise ArcaError(
                f"There is no `{tool}` on PATH.",
                where="arca exec",
                wanted="the AWS CLI v2 and its session-manager-plugin",
                do="install them (AWS documentation, 'Install the Session Manager plugin')",
            )
