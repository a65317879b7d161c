"""`arca local region`: lose a region of the emulated cloud, and give it back."""

import click

from arca.emulator import client
from arca.emulator import state as states
from arca.errors import ArcaError

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Print the result, and change nothing.")


@click.group("region")
def command() -> None:
    """Lose a region of the emulated cloud, and give it back."""


@command.command("lose")
@click.argument("region")
@DRY_RUN
@JSON
def lose(region: str, *, dry_run: bool, as_json: bool) -> None:
    """Lose REGION: no API in it answers, and its tasks, databases and caches are killed.

    What the databases held stays on their disks, and nothing else.
    """
    _change(region, lost=True, dry_run=dry_run, as_json=as_json)


@command.command("restore")
@click.argument("region")
@DRY_RUN
@JSON
def restore(region: str, *, dry_run: bool, as_json: bool) -> None:
    """Give REGION back: its databases recover, its caches are empty, and its tasks start again."""
    _change(region, lost=False, dry_run=dry_run, as_json=as_json)


def _change(region: str, *, lost: bool, dry_run: bool, as_json: bool) -> None:
    from arca.cli import render

    state = states.State()
    asked = client.EmulatorClient(state)
    record = state.read()
    known = sorted({str(state.exports(one)["region"]) for one in (record.stacks if record else ())})
    if region not in known:
        raise ArcaError(
            f"No stack that is up is in {region!r}.",
            where="REGION",
            wanted=" or ".join(known) or "a stack that is up",
            do="name such a region",
        )
    before = asked.lost_regions()
    after = before | {region} if lost else before - {region}
    if not dry_run:
        asked.lose(after)
    if as_json:
        render.print_json({"dry_run": dry_run, "lost": sorted(after)})
    else:
        verb = "Would be lost" if dry_run else "Lost"
        render.line(f"{verb}: {', '.join(sorted(after)) or 'no region'}")
