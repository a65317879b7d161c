"""`arca cost`: estimate what stacks cost a month."""

from typing import TYPE_CHECKING

import click

from arca.cli.suggestions import complete_stack

if TYPE_CHECKING:
    from arca.cost.estimate import Estimate
    from arca.cost.span import Span

NOT_PRICED = "not priced"


@click.command("cost")
@click.argument("stacks", metavar="[STACK]...", nargs=-1, shell_complete=complete_stack)
@click.option("--lines", is_flag=True, help="Print each charge of each resource too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(stacks: tuple[str, ...], *, lines: bool, as_json: bool) -> None:
    """Estimate what stacks, or all of them, cost a month, from list prices and their files.

    Nothing is asked of AWS. The figures are US dollars: low, expected and high by the settings
    `arca-api:traffic`. What has no known price is listed as not priced and is not in the sum.
    """
    from arca import checkout
    from arca.cli import extras, render
    from arca.cli.graphs import Recorder
    from arca.cost import price_table
    from arca.cost.estimate import as_json as estimate_as_json
    from arca.cost.estimate import estimate

    extras.require("moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    prices = price_table.read()
    recorder = Recorder()
    found: list[Estimate] = []
    for stack in stacks or checkout.stack_names():
        click.echo(f"Recording {stack}", err=True)
        found.append(estimate(recorder.graph(stack), prices))
    if as_json:
        render.print_json({"stacks": {one.stack: estimate_as_json(one) for one in found}})
        return
    for one in found:
        _print(one, lines=lines)


def _print(found: "Estimate", *, lines: bool) -> None:
    from arca.cli import render

    render.line(f"{found.stack} in {found.region}, US dollars a month:")
    rows = [
        (name, *_cells(cost), str(found.not_priced_in(name) or ""))
        for name, cost in found.components.items()
    ]
    total = ("total of what is priced", *_cells(found.total), str(len(found.not_priced) or ""))
    render.table(("component", "low", "expected", "high", NOT_PRICED), [*rows, total])
    if lines:
        render.table(
            ("component", "resource", "what", "low", "expected", "high"),
            [
                (line.component, line.resource, line.what, *_cells(line.cost))
                for line in found.lines
            ],
            folds=("resource", "what"),
        )
    elif found.not_priced:
        render.line(f"Not priced in {found.stack}, and not in its sum:")
        for what in sorted({f"{line.component}: {line.what}" for line in found.not_priced}):
            render.line(f"  {what}")
    render.line()


def _cells(cost: "Span | None") -> tuple[str, str, str]:
    if cost is None:
        return (NOT_PRICED, NOT_PRICED, NOT_PRICED)
    return (f"{cost.low:,.2f}", f"{cost.expected:,.2f}", f"{cost.high:,.2f}")
