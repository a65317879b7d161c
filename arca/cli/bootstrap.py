"""`arca bootstrap`: from an empty account to one that a stack can be brought up in."""

import re
import sys
from typing import Any

import click


def _account_id(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise click.BadParameter("an account has twelve digits")
    return value


def _organization(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}", value):
        raise click.BadParameter("a GitHub organization has letters, digits and hyphens")
    return value


@click.command("bootstrap")
@click.option("--account", required=True, callback=_account_id, help="The account that is meant.")
@click.option(
    "--organization", required=True, callback=_organization, help="GitHub's name of the owner."
)
@click.option(
    "--region",
    type=click.Choice(["us-east-1", "sa-east-1"]),
    default="us-east-1",
    show_default=True,
    help="Where the state is: the DR region, so that it outlives the primary one.",
)
@click.option(
    "--monthly-budget",
    type=click.IntRange(min=1),
    help="US dollars of the whole account; review stacks need one.",
)
@click.option("--contact", help="The address that hears of the budget.")
@click.option("--endpoint-url", help="An emulated AWS instead of AWS.")
@click.option("--yes", is_flag=True, help="Do not ask before something is changed.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    account: str,
    organization: str,
    region: str,
    endpoint_url: str | None,
    *,
    monthly_budget: int | None,
    contact: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make what an account has before any stack; run it again whenever you like.

    The state's bucket and key, GitHub's identity provider, the permissions boundary of every
    role, and the month's budget where one is named. Each is made, found as it should be, or
    repaired. Another account's credentials, and a region that the state is not in, are refused
    with exit code 6 before anything is changed.
    """
    from arca.bootstrap import bootstrap, spending, statestore
    from arca.bootstrap.pieces import converge
    from arca.cli import render
    from arca.clients import Account

    if (monthly_budget is None) != (contact is None):
        raise click.UsageError("--monthly-budget and --contact go together")
    here = Account(account, region, endpoint_url)
    bootstrap.require_account(here)
    statestore.require_region(here)
    made = bootstrap.pieces(here)
    if monthly_budget is not None and contact is not None:
        made.append(spending.budget(here, monthly_budget, contact))
    planned = [converge(piece, here, dry_run=True) for piece in made]
    if not dry_run:
        if any(done.outcome != "already there" for done in planned) and not yes:
            _agree(here.where, planned)
        planned.clear()
        for piece in made:
            click.echo(f"{piece.name} ...", err=True)
            planned.append(converge(piece, here, dry_run=False))
    following = _next_steps(account, organization, region)
    if as_json:
        render.print_json(
            {
                "account": account,
                "region": region,
                "dry_run": dry_run,
                "pieces": [vars(done) for done in planned],
                "next": following,
            }
        )
        return
    render.table(
        ("what", "outcome", "changed"),
        ((done.name, done.outcome, ", ".join(done.changes)) for done in planned),
    )
    for name, value in following.items():
        render.line(f"{name}: {value}")


def _agree(where: str, planned: list[Any]) -> None:
    from arca.errors import ArcaError

    for done in planned:
        click.echo(f"{done.outcome}: {done.name} {', '.join(done.changes)}", err=True)
    if not sys.stdin.isatty():
        raise ArcaError(
            "Nobody is here to agree; nothing was changed.",
            where=where,
            wanted="a yes",
            do="look at what `--dry-run` says, then add --yes",
        )
    click.confirm(f"Change this in {where}?", abort=True, err=True)


def _next_steps(account: str, organization: str, region: str) -> dict[str, str]:
    """What the stack's file and the shell need now."""
    from arca.bootstrap.boundary import STATE_KEY_ALIAS, state_bucket

    return {
        "PULUMI_BACKEND_URL": f"s3://{state_bucket(account)}?region={region}&awssdk=v2",
        "secrets provider": f"awskms://{STATE_KEY_ALIAS}?region={region}",
        "delivery.infra_repository": f"{organization}/arca-infra",
        "delivery.application_repository": f"{organization}/arca-api",
    }
