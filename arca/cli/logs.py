"""`arca logs`: find the log lines of one request in all log groups."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from arca.cli.options import SPAN, of_stack, span_text

if TYPE_CHECKING:
    from arca.stack import Target

CORRELATION_ID = re.compile(r"^[A-Za-z0-9-]{8,128}$")


@click.command("logs")
@click.option("--correlation-id", "identifier", required=True, help="The id of the request.")
@click.option("--since", default="1h", show_default=True, type=SPAN, help="How far back to search.")
@click.option("--follow", is_flag=True, help="Print new lines too, until Ctrl-C.")
@of_stack
def command(
    identifier: str,
    since: timedelta,
    stack_name: str,
    target: "Target",
    *,
    follow: bool,
    as_json: bool,
) -> None:
    """Find the lines of a request in every log group of a stack, in the order of time.

    With --json each line is one object. Ctrl-C ends --follow, with exit code 0.
    """
    from arca.cli import render
    from arca.clock import Clock
    from arca.monitoring.live.logs import LogSearch
    from arca.stack import find

    if not CORRELATION_ID.match(identifier):
        message = f"{identifier!r} is not a correlation id of 8 to 128 letters, digits and hyphens"
        raise click.BadParameter(message, param_hint="--correlation-id")
    stack = find(stack_name, target=target)
    groups = stack.outputs.observability.log_groups
    click.echo(f"searching {', '.join(groups.values())}", err=True)
    clock = Clock()
    search = LogSearch(stack, list(groups.values()), identifier, start=clock.now() - since)
    number = 0
    try:
        while True:
            for line in search.new():
                number += 1
                if as_json:
                    render.print_json_line(line.as_json())
                else:
                    render.line(str(line))
            if not follow:
                break
            clock.sleep(search.PAUSE_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    if not number:
        click.echo(f"No line of {identifier} was found in the last {span_text(since)}.", err=True)
