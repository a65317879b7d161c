"""`arca logs`: a request's log lines, across all groups."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from arca.cli.options import SPAN, of_stack

ID = re.compile(r"^[A-Za-z0-9-]{8,128}$")


@click.command("logs")
@click.option("--correlation-id", "identifier", required=True, help="The request's id.")
@click.option("--since", default="1h", show_default=True, type=SPAN, help="How far back.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@of_stack
def command(
    identifier: str,
    since: timedelta,
    stack_name: str,
    target: Any,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    """Find a request's lines in every log group of a stack, in order.

    With --json one object a line, as it comes. Ctrl-C ends --follow, with exit code 0.
    """
    from arca.cli import render
    from arca.monitoring.live.logs import LogSearch
    from arca.stack import find

    if not ID.match(identifier):
        message = f"{identifier!r} is no correlation id: 8 to 128 letters, digits and hyphens"
        raise click.BadParameter(message, param_hint="--correlation-id")
    stack = find(stack_name, target=target)
    groups = stack.outputs.observability.log_groups
    click.echo(f"searching {', '.join(groups.values())}", err=True)
    search = LogSearch(stack, list(groups.values()), identifier, start=datetime.now(UTC) - since)
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
            time.sleep(search.PAUSE_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    if not number:
        click.echo(f"No line of {identifier} in the last {since}.", err=True)
