"""Options and option types that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from arca.cli.suggestions import complete_stack
from arca.clock import Clock

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
SPAN_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Span(click.ParamType[timedelta]):
    """A span of time such as 30m, 1h or 7d."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Parse a span; any other text is a usage error."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a span of time such as 30m, 1h or 7d", param, ctx)
        return timedelta(**{SPAN_UNITS[found[2]]: int(found[1])})


SPAN = Span()


def span_text(span: timedelta) -> str:
    """Return a span as `--since` takes it: 90m, 24h or 7d."""
    minutes = round(span.total_seconds() / 60)
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes and minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


pass_clock = click.make_pass_decorator(Clock, ensure=True)
"""Give a command the clock of its context; a test passes one as `obj`."""


TARGET = click.option(
    "--target",
    type=click.Choice(["auto", "aws", "emulated"]),
    default="auto",
    show_default=True,
    help="Where the stack is; auto: in the emulated cloud if it is up there, else on AWS.",
)


def of_stack(function: Decorated) -> Decorated:
    """Add the options `--stack`, `--target` and `--json` to a command."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
        TARGET,
        click.option(
            "--stack",
            "stack_name",
            shell_complete=complete_stack,
            help="The stack. Without it: the one that is up in the emulated cloud, or prod if "
            "several are. A stack on AWS is always named.",
        ),
    ):
        function = option(function)
    return function
