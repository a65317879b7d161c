"""`arca`, the operator's command line: it imports a command only when that command runs."""

import importlib
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import click

from arca.cli import extras, streams
from arca.errors import ArcaError, ExitCode

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Look at a stack; these commands change nothing": {
        "dashboard": "Record the dashboards and draw them as pictures.",
        "diff": "Compare what runs with what a deployment would run.",
        "history": "List the deployments: when each began and how it ended.",
        "logs": "Show the service's last log lines, or those of one request.",
        "smoke": "Test from outside whether a stack serves.",
        "status": "Show what the service is doing now.",
        "verify": "Check that everything a task refers to exists.",
        "why": "Explain why a deployment failed or rolled back.",
    },
    "Release an image": {
        "deploy": "Deploy an image and report what runs afterwards.",
        "promote": "Let a paused deployment continue.",
        "stop": "Stop the deployment that is under way and roll it back.",
    },
    "Change the database's schema": {
        "migrate": "Run the pending schema migrations, phase by phase.",
    },
    "Measure the objectives": {
        "contract": "Check log lines of the service against the log contract.",
        "slo": "Show, report and replay the objectives (SLOs).",
    },
    "Recover from trouble": {
        "dr": "Disaster recovery: check the standby, estimate, report on drills.",
        "exec": "Open a shell in a running task.",
        "maintenance": "Mute the alarms below SEV1 for a limited time.",
        "rollback": "Return to the release that served before.",
        "run": "Run a one-off task and show its log lines and exit code.",
        "scale": "Set the number of tasks until the next `pulumi up`.",
    },
    "Work on this machine": {
        "check": "Find what is wrong in the stacks' files.",
        "cost": "Estimate what stacks cost a month, from list prices.",
        "explain": "Explain who reaches whom in a stack, from its file.",
        "completion": "Print the script that completes `arca` in your shell.",
        "local": "Start, show and stop the emulated cloud on this machine.",
    },
    "Set up accounts and the pipeline": {
        "bootstrap": "Deploy what an account has before any stack.",
        "ci": "Run a step of the GitHub workflows (docs/pipeline.md).",
        "prices": "Update the table of list prices.",
        "ranges": "Update the list of Cloudflare's address ranges.",
    },
}
"""The sections of `arca --help`, and each command's line in it; arca.cli.<name> has the command."""

COMMANDS: Mapping[str, str] = {
    name: text for commands in GROUPS.values() for name, text in commands.items()
}

EXIT_CODES_HELP = "\n".join(
    [
        "\b\nExit codes:",
        *(f"  {code:<5}{code.meaning}" for code in ExitCode),
        "",
        "\b\nWith --json, a failure is printed on stdout too, on one line:",
        '  {"error": {"what": ..., "where": ..., "wanted": ..., "do": ..., "exit_code": ...}}',
    ]
)
PROGRAM = "arca"
COMPLETION_VARIABLE = "_ARCA_COMPLETE"
"""The variable by which the shell asks for completions; click makes it of the program's name."""
JSON = "arca.cli.main.json"
"""The key in click's context for whether the command prints JSON."""


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it, so that `--help` is fast."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether the command, which is not known yet, is to print JSON."""
        # The words after `--` belong to another program.
        ctx.meta[JSON] = "--json" in takewhile(lambda word: word != "--", args)
        with _failures_as_json(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print a known failure as JSON where the command prints JSON."""
        with _failures_as_json(ctx):
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        """Run the command; a module of an extra that is not installed is a known failure."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            known = extras.explain_missing_module(error)
            if known is None:
                raise
            raise known from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is no command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"arca.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by groups without importing them."""
        del ctx
        longest = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                # Names of equal length align the texts of all sections.
                formatter.write_dl([(name.ljust(longest), commands[name]) for name in commands])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete the commands without importing them, and the options."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, text in sorted(COMMANDS.items())
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(
    cls=LazyGroup,
    epilog=EXIT_CODES_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="arca-infra")
def cli() -> None:
    """Operate ARCA API's infrastructure.

    Without --stack, a command works on the stack that is up in the emulated cloud. A stack on AWS
    is always named. Run `arca COMMAND -h` for the options of a command.
    """


@contextmanager
def _failures_as_json(ctx: click.Context) -> Generator[None]:
    """Print a known failure, also of usage, on stdout where JSON is asked for; it is raised on."""
    try:
        yield
    except (ArcaError, click.ClickException) as error:
        if ctx.meta[JSON]:
            from arca.cli import render

            known = error if isinstance(error, ArcaError) else _as_arca_error(error)
            content = {**known.as_json(), "exit_code": int(error.exit_code)}
            render.print_json_line({"error": content})
        raise


def _as_arca_error(error: click.ClickException) -> ArcaError:
    """Return an error of click with the four texts of every other error."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    command = ctx.command_path if ctx else PROGRAM
    usage = " ".join(ctx.get_usage().split()) if ctx else f"Usage: {PROGRAM} COMMAND"
    return ArcaError(
        error.format_message(),
        where=command,
        wanted=usage.removeprefix("Usage: "),
        do=f"see its arguments and options: `{command} --help`",
    )


def main() -> None:
    """Run the command line and exit; a known failure becomes its message and exit code.

    What cannot be written on stdout or stderr is dropped, and the command goes on.
    """
    streams.drop_failed_writes()
    try:
        # The name decides the variable of shell completion, also for `python -m arca`.
        code = cli(prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "Interrupted. A deployment that ECS works on continues: see `arca status`.", err=True
        )
        sys.exit(ExitCode.INTERRUPTED)
    except ArcaError as error:
        click.echo(f"Error: {error}", err=True)
        if error.details:
            click.echo(f"\n{error.details}", err=True, nl=False)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
