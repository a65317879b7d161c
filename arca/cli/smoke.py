"""`arca smoke`: whether a stack serves, asked from outside."""

from typing import Any

import click

from arca.cli.options import of_stack

EXIT_CODES = {"OK": 0, "FAILED": 1, "SKIPPED": 5}


@click.command("smoke")
@click.option("--url", help="Ask this instead of the stack's own URL, https://host[:port].")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=120),
    default=10.0,
    show_default=True,
    help="Seconds that each check may take; they run at once.",
)
@of_stack
def command(
    stack_name: str, target: Any, *, url: str | None, timeout: float, as_json: bool
) -> None:
    """Health, database, cache, TLS, headers, the origin's lock, and the read-only business path.

    Exit code: 0 all is well, 1 a check failed, 5 nothing was checked.
    """
    from arca.cli import render
    from arca.errors import ArcaError
    from arca.smoke import smoke
    from arca.smoke.web import Address
    from arca.stack import find

    if url is not None:
        try:
            Address.parse(url)
        except ArcaError as error:
            raise click.BadParameter(f"{error.what} Wanted {error.wanted}.") from None
    stack = find(stack_name, target=target)
    with render.ProgressLine() as progress:
        progress.show(f"asking {url or stack.name}", 0)
        report = smoke.run(
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
        )
        render.line(
            {
                "OK": f"{report.url}: all is well.",
                "FAILED": f"{report.url}: failed: "
                + ", ".join(check.name for check in report.failed),
                "SKIPPED": "Nothing was checked.",
            }[report.verdict]
        )
    click.get_current_context().exit(EXIT_CODES[report.verdict])
