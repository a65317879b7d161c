"""`arca bootstrap`: deploy what an account has before any stack, as one CloudFormation stack."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from arca.bootstrap.deploy import ResourceOutcome


def _account_id(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise click.BadParameter("an account has twelve digits")
    return value


def _organization(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}", value):
        raise click.BadParameter("a GitHub organization has letters, digits and hyphens")
    return value


def _print_template(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click passes it by position
    if value:
        from arca.bootstrap.template import template_text

        click.echo(template_text(), nl=False)
        context.exit()


@click.command("bootstrap")
@click.option(
    "--account",
    required=True,
    callback=_account_id,
    help="The AWS account; another one that you are logged in to is refused.",
)
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
@click.option("--contact", help="The email address that receives the budget's warnings.")
@click.option("--endpoint-url", help="An emulated AWS instead of AWS.")
@click.option("--yes", is_flag=True, help="Do not ask before something is changed.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@click.option(
    "--template",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_template,
    help="Print the CloudFormation template and do nothing else.",
)
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
    """Deploy what an account has before any stack; you can run it again at any time.

    One CloudFormation stack has the state's bucket and key, GitHub's identity provider, the
    permissions boundary of every role and, where you name one, the monthly budget. A bucket and a
    key of an earlier bootstrap are imported, never replaced. The command refuses with exit code 6,
    before it changes anything, the credentials of another account, a region that the state is not
    in, and a change that would replace or lose a resource.

    Last, it compares the account's quotas with what the stacks need whose files name the account.
    A quota that is too low is a warning, with the command that asks for more.
    """
    from arca.bootstrap.deploy import Deployer, MonthlyBudget, deploy_bootstrap
    from arca.bootstrap.template import STACK_NAME, template_version
    from arca.cli import release_output, render
    from arca.cli.account_quotas import quotas_of_account
    from arca.clients import Account
    from arca.clock import Clock

    if (monthly_budget is None) != (contact is None):
        raise click.UsageError("--monthly-budget and --contact go together")
    budget = MonthlyBudget(monthly_budget, contact) if monthly_budget and contact else None
    here = Account(account, region, endpoint_url)
    outcomes = deploy_bootstrap(
        here,
        budget,
        Deployer(Clock(), _agreement(here.where, yes=yes), _progress),
        dry_run=dry_run,
    )
    following = _next_steps(account, organization, region)
    if as_json:
        render.print_json(
            {
                "account": account,
                "region": region,
                "dry_run": dry_run,
                "stack": STACK_NAME,
                "template_version": template_version(),
                "pieces": [vars(outcome) for outcome in outcomes],
                "next": following,
                "quotas": [check.as_json() for check in quotas_of_account(here)],
            }
        )
        return
    render.table(
        ("what", "outcome", "changed"),
        ((one.name, one.outcome, ", ".join(one.changes)) for one in outcomes),
        folds=("changed",),
    )
    for name, value in following.items():
        render.line(f"{name}: {value}")
    # What was done is printed before AWS is asked again.
    render.line("Quotas that the stacks of this account need:")
    release_output.print_checks(quotas_of_account(here))


def _progress(text: str) -> None:
    click.echo(text, err=True)


def _agreement(where: str, *, yes: bool) -> Callable[[Sequence["ResourceOutcome"]], None]:
    """Return a function that shows a plan and asks; it raises ArcaError where nobody can answer."""
    from arca.cli import questions

    def agree(plan: Sequence["ResourceOutcome"]) -> None:
        for one in plan:
            changes = f" ({', '.join(one.changes)})" if one.changes else ""
            click.echo(f"{one.outcome}: {one.name}{changes}", err=True)
        if yes:
            return
        questions.confirm(f"Change this in {where}?", where=where)

    return agree


def _next_steps(account: str, organization: str, region: str) -> dict[str, str]:
    """Return what the stack's file and the shell need next."""
    from arca.naming import STATE_KEY_ALIAS, state_bucket

    return {
        "PULUMI_BACKEND_URL": f"s3://{state_bucket(account)}?region={region}&awssdk=v2",
        "secrets provider": f"awskms://{STATE_KEY_ALIAS}?region={region}",
        "delivery.infra_repository": f"{organization}/arca-infra",
        "delivery.application_repository": f"{organization}/arca-api",
    }
