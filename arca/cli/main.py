"""`arca`, the operator's command line: it imports a command only when that command runs."""

import importlib
import sys
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import click

from arca.cli import extras
from arca.errors import ArcaError, ExitCode

COMMANDS: Mapping[str, str] = {
    "bootstrap": "Deploy what an account has before any stack.",
    "check": "Find what is wrong in the stacks' files.",
    "ci": "Run a step of the GitHub workflows (docs/pipeline.md).",
    "contract": "Check log lines of the service against the log contract.",
    "dashboard": "Draw the dashboards as pictures.",
    "deploy": "Deploy an image and report what runs afterwards.",
    "diff": "Compare what runs with what a deployment would run.",
    "exec": "Open a shell in a running task.",
    "history": "List the deployments: when each began and how it ended.",
    "local": "Start, show and stop the emulated cloud on this machine.",
    "logs": "Show the service's last log lines, or those of one request.",
    "maintenance": "Mute the alarms below SEV1 for a limited time.",
    "migrate": "Run the pending schema migrations, phase by phase.",
    "promote": "Let a paused deployment continue.",
    "ranges": "Update the list of Cloudflare's address ranges.",
    "rollback": "Return to the release that served before.",
    "run": "Run a one-off task and show its log lines and exit code.",
    "scale": "Set the number of tasks until the next `pulumi up`.",
    "slo": "Show, report and replay the objectives (SLOs).",
    "smoke": "Test from outside whether a stack serves.",
    "status": "Show what the service is doing now.",
    "stop": "Stop the deployment that is under way and roll it back.",
    "verify": "Check that everything a task refers to exists.",
    "why": "Explain why a deployment failed or rolled back.",
}
"""Each command's line in `arca --help`; the module arca.cli.<name> holds the command."""

EXIT_CODES_HELP = "\n".join(
    [
        "\b\nExit codes:",
        *(f"  {code:<5}{code.meaning}" for code in ExitCode),
        "",
        "\b\nWith --json, a failure is printed on stdout too, on one line:",
        '  {"error": {"what": ..., "where": ..., "wanted": ..., "do": ..., "exit_code": ...}}',
    ]
)
JSON = "arca.cli.main.json"
"""The key in click's context for whether the command prints JSON."""


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it, so that `--help` is fast."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether the command, which is not known yet, is to print JSON."""
        # The words after `--` belong to another program.
        ctx.meta[JSON] = "--json" in takewhile(lambda word: word != "--", args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print a known failure as JSON where the command prints JSON."""
        try:
            return self._invoke(ctx)
        except ArcaError as error:
            if ctx.meta[JSON]:
                _print_json(error)
            raise

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
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, epilog=EXIT_CODES_HELP)
@click.version_option(package_name="arca-infra")
def cli() -> None:
    """Operate ARCA API's infrastructure."""


def _print_json(error: ArcaError) -> None:
    from arca.cli import render

    render.print_json_line({"error": error.as_json()})


def main() -> None:
    """Run the command line and exit; a known failure becomes its message and exit code."""
    try:
        code = cli(standalone_mode=False)
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
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
