"""`arca logs`: show the service's last log lines, or the lines of one request."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack, span_text

if TYPE_CHECKING:
    from arca.stack import Stack, Target

CORRELATION_ID = re.compile(r"^[A-Za-z0-9-]{8,128}$")
DEFAULT_LINES = 50


@click.command("logs")
@click.option(
    "--correlation-id", "identifier", help="Find the lines of this request in all log groups."
)
@click.option("--since", default="1h", show_default=True, type=SPAN, help="How far back to search.")
@click.option(
    "--level",
    type=click.Choice(["DEBUG", "INFO", "WARN", "ERROR"], case_sensitive=False),
    help="Print only lines of this level or a higher one; lines without a level are left out.",
)
@click.option(
    "--lines",
    type=click.IntRange(1, 10_000),
    help=f"Print only the last lines: {DEFAULT_LINES} by default, all with --correlation-id.",
)
@click.option("--follow", is_flag=True, help="Print new lines too, until Ctrl-C.")
@of_stack
def command(
    stack_name: str | None,
    target: "Target",
    *,
    identifier: str | None,
    since: timedelta,
    level: str | None,
    lines: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Show the service's last log lines, or the lines of one request in the order of time.

    With --json each line is one object. Ctrl-C ends --follow, with exit code 0.
    """
    from arca.cli import render
    from arca.clock import Clock
    from arca.monitoring.live.logs import LogFilter, LogSearch
    from arca.stack import find

    if identifier is not None and not CORRELATION_ID.match(identifier):
        message = f"{identifier!r} is not a correlation id of 8 to 128 letters, digits and hyphens"
        raise click.BadParameter(message, param_hint="--correlation-id")
    stack = find(stack_name, target=target)
    outputs = stack.outputs
    groups = (
        [outputs.service.log_group]
        if identifier is None
        else list(outputs.observability.log_groups.values())
    )
    click.echo(f"searching {', '.join(groups)}", err=True)
    clock = Clock()
    start = clock.now() - since
    search = LogSearch(stack, groups, LogFilter(identifier, level), start=start)
    most = lines or (DEFAULT_LINES if identifier is None else None)
    number = 0
    try:
        found = search.new() if most is None else search.tail(most, now=clock.now())
        while True:
            for line in found:
                number += 1
                if as_json:
                    render.print_json_line(line.as_json())
                else:
                    render.line(str(line) if len(groups) > 1 else line.shown())
            if not follow:
                break
            clock.sleep(search.PAUSE_SECONDS)
            found = search.new()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    if not number:
        wanted = f" of {identifier}" if identifier else ""
        above = f" at level {level} or above" if level else ""
        click.echo(f"No line{wanted}{above} was found in the last {span_text(since)}.", err=True)
        click.echo(_hint(stack), err=True)


def _hint(stack: "Stack") -> str:
    """Return what to do where no line was found."""
    longer = "Search further back with `--since 24h`"
    if stack.endpoint is None:
        return (
            f"{longer}, or see whether tasks run at all: `arca status --stack {stack.name}`. "
            "A task that could not start wrote nothing: "
            f"`arca why --stack {stack.name}` says why it stopped."
        )
    return (
        f"{longer}. In the emulated AWS a task writes lines only with a stand-in: give "
        f"its image one with `arca local stand-in IMAGE --stack {stack.name} -- COMMAND`, "
        "and deploy the image."
    )
