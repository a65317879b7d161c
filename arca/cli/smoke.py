"""`arca smoke`: test from outside whether a stack serves."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import of_stack

if TYPE_CHECKING:
    from arca.stack import Target

SMOKE_EXIT_CODES = {"OK": 0, "FAILED": 1, "SKIPPED": 5}


@click.command("smoke")
@click.option("--url", help="Test this URL instead of the stack's own: https://host[:port].")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=120),
    default=10.0,
    show_default=True,
    help="Seconds that each check may take; all run at once.",
)
@of_stack
def command(
    stack_name: str | None, target: "Target", *, url: str | None, timeout: float, as_json: bool
) -> None:
    """Test health, database, cache, TLS, headers, the origin's lock and a read-only path.

    The exit code is 0 if no check failed, 1 if one failed, and 5 if none was carried out.
    """
    from arca.cli import render
    from arca.errors import ArcaError
    from arca.smoke import suite
    from arca.smoke.request import Address
    from arca.stack import find

    if url is not None:
        try:
            Address.parse(url)
        except ArcaError as error:
            raise click.BadParameter(f"{error.what} Wanted {error.wanted}.") from None
    stack = find(stack_name, target=target)
    with render.ProgressLine() as progress:
        progress.show(f"testing {url or stack.name}", 0)
        report = suite.run(
            stack,
            url=url,
            timeout=timeout,
            watch=lambda check: progress.show(f"{check.name}: {check.verdict}", 0),
        )
    if as_json:
        render.print_json(report.as_json())
    else:
        render.table(
            ("check", "verdict", "ms", "reason"),
            [
                (check.name, check.verdict, str(check.milliseconds), check.detail)
                for check in report.checks
            ],
            folds=("reason",),
        )
        render.line(
            {
                "OK": f"{report.url}: all is well.",
                "FAILED": f"{report.url}: failed: "
                + ", ".join(check.name for check in report.failed),
                "SKIPPED": "Nothing was checked.",
            }[report.verdict]
        )
    click.get_current_context().exit(SMOKE_EXIT_CODES[report.verdict])
