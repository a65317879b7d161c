"""`arca prices`: update the table of list prices."""

from pathlib import Path

import click


@click.group("prices")
def command() -> None:
    """Update the list prices from which `arca cost` estimates (docs/cost.md)."""


@command.command("refresh")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table to read and to write; by default arca/cost/prices.csv.",
)
@click.option("--force", is_flag=True, help="Accept prices that change by more than ten times.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def refresh(path: Path | None, *, force: bool, dry_run: bool, as_json: bool) -> None:
    """Ask AWS's Price List API for every price of the table, and for what the stacks use.

    It needs AWS credentials with `pricing:GetProducts`. A usage type that does not match exactly
    one product becomes "not priced". A price that changes by more than ten times is refused (exit
    code 6), because its unit has probably changed. Commit the new table and run `make fresh`.
    """
    from arca import checkout, files
    from arca.cli import extras, render
    from arca.cli.graphs import Recorder
    from arca.clients import Account, account_client, explained
    from arca.clock import Clock
    from arca.cost import price_table
    from arca.cost.estimate import keys_of
    from arca.cost.refresh import REGION
    from arca.cost.refresh import refresh as ask
    from arca.errors import Refused

    extras.require("moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    path = path or price_table.PATH
    prices = price_table.read(path)
    if not dry_run:
        files.check(path)
    click.echo("Recording what the stacks use", err=True)
    recorder = Recorder()
    wanted = keys_of(recorder.graph(stack) for stack in checkout.stack_names())
    account = Account("of these credentials", REGION, None)
    click.echo(f"Asking the Price List API for {len(prices.rows)} prices", err=True)
    with explained(account, "The prices cannot be read"):
        api = account_client(account, "pricing")
        found = ask(prices, wanted, api, today=Clock().now().date())
    doubtful = [one for one in found.changes if one.suspicious]
    if doubtful and not force:
        first = doubtful[0]
        raise Refused(
            f"The price of {first.key} changes from {first.before} to {first.after}.",
            where="; ".join(str(one.key) for one in doubtful),
            wanted="a price in the unit of the table, which no list changes ten times at once",
            do="compare it with AWS's pricing page; `--force` accepts it",
        )
    if not dry_run:
        with files.writing(path):
            path.write_text(price_table.written(found.prices), encoding="utf-8")
    if as_json:
        render.print_json(
            {
                "written": not dry_run,
                "changes": [
                    {"key": str(one.key), "before": one.before, "after": one.after}
                    for one in found.changes
                ],
                "not_priced": [{"key": str(one.key), "why": one.why} for one in found.not_priced],
            }
        )
        return
    for one in found.changes:
        shown = (f"{price:g}" if price else "not priced" for price in (one.before, one.after))
        render.line(f"{one.key}: {' -> '.join(shown)}")
    for one in found.not_priced:
        render.line(f"not priced: {one.key}: {one.why}")
    verb = "Would write" if dry_run else "Wrote"
    render.line(f"{verb} {path.name}: {len(found.changes)} prices changed. Run `make fresh`.")
