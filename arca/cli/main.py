"""`arca`, the operator's command: finds a command when it is called, and not before."""

import importlib
import sys
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import click

from arca.errors import ArcaError, ExitCode

COMMANDS: Mapping[str, str] = {
    "bootstrap": "An empty account's first things: state, its key, GitHub's login, the boundary.",
    "ci": "Steps of the GitHub workflows; docs/pipeline.md describes them.",
    "contract": "What the service logs, held against its contract.",
    "dashboard": "The dashboards, as pictures.",
    "deploy": "Ship an image, to a verdict on what runs.",
    "diff": "What runs, against what a deployment would run.",
    "exec": "A shell in a running task.",
    "history": "What was deployed when, and how it ended.",
    "local": "The emulated cloud on this machine: up, down, status.",
    "logs": "A request's log lines, across all groups.",
    "maintenance": "Windows in which alarms below SEV1 do not notify.",
    "migrate": "The schema, phase by phase.",
    "promote": "Let a paused deployment go on.",
    "ranges": "Cloudflare's address ranges, which the load balancer lets in.",
    "rollback": "The release that was live before, again.",
    "run": "A one-off task: its log lines, its exit code.",
    "scale": "How many tasks run, until the next `pulumi up`.",
    "slo": "Objectives: status, report, replay of their alarms.",
    "smoke": "Whether a stack serves, asked from outside.",
    "status": "What the service is doing now.",
    "stop": "Roll a deployment under way back.",
    "verify": "Whether all that a task refers to is there.",
}
"""Each command's line in `arca --help`; the command itself is in arca/cli."""

EXIT_CODES = """\b
Exit codes:
  0    done
  1    failed; the message says what, where, what was wanted and what to do
  2    wrong usage
  3    rolled back: the release of before serves
  4    the rollback failed: somebody has to look now
  5    unknown: it goes on, or what runs is not what was said
  6    refused: somebody else is at work, or a gate is closed; nothing was done
  130  interrupted; a deployment that ECS works on goes on: see `arca status`

\b
With --json, a failure comes on stdout too, on one line:
  {"error": {"what": ..., "where": ..., "wanted": ..., "do": ..., "exit_code": ...}}
"""
JSON = "arca.cli.main.json"
"""In the context: whether a program reads stdout."""


class Lazy(click.Group):
    """A group that imports a command's module only to run it, so that help is instant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether the command, which is not known yet, is to print JSON."""
        # What comes after `--` is another program's.
        ctx.meta[JSON] = "--json" in takewhile(lambda word: word != "--", args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a program gets a known failure as JSON."""
        try:
            return super().invoke(ctx)
        except ArcaError as error:
            if ctx.meta[JSON]:
                _print_json(error)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"arca.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=Lazy, epilog=EXIT_CODES)
@click.version_option(package_name="arca-infra")
def cli() -> None:
    """Operate ARCA API's infrastructure."""


def _print_json(error: ArcaError) -> None:
    from arca.cli import render

    render.print_json_line(
        {
            "error": {
                "what": error.what,
                "where": error.where,
                "wanted": error.wanted,
                "do": error.do,
                "exit_code": error.exit_code,
            }
        }
    )


def main() -> None:
    """Run the command line; a known failure becomes its message and exit code."""
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "Interrupted. A deployment that ECS works on goes on: see `arca status`.", err=True
        )
        sys.exit(ExitCode.INTERRUPTED)
    except ArcaError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
