"""`arca dr status`: whether a standby can take over now."""

from typing import TYPE_CHECKING

import click

from arca.cli.options import TARGET, pass_clock
from arca.cli.suggestions import complete_stack
from arca.clock import Clock

if TYPE_CHECKING:
    from arca.check import Check as NamedCheck
    from arca.recovery.facts import NotAsked
    from arca.stack import Stack, Target


@click.command("status")
@click.argument("standby_name", metavar="[STACK]", default="dr", shell_complete=complete_stack)
@TARGET
@click.option("--quotas", is_flag=True, help="Also compare the account's quotas; takes longer.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@pass_clock
def command(
    clock: Clock, standby_name: str, target: "Target", *, quotas: bool, as_json: bool
) -> int:
    """Check whether STACK, dr without one, is ready to take over; nothing is changed.

    Only the standby's region is asked, so this works while the primary's is lost. The exit code is
    1 where a check FAILED. A check is SKIPPED where only AWS, or an option, could tell.
    """
    from arca import checkout
    from arca.cli import render
    from arca.errors import ArcaError, ExitCode
    from arca.recovery.gather import gather
    from arca.recovery.readiness import readiness
    from arca.stack import find

    standby = find(standby_name, target=target)
    if standby.outputs.role != "secondary":
        raise ArcaError(
            f"{standby_name} is a primary.",
            where=standby.where,
            wanted="a stack with the role secondary, which takes over for a primary",
            do="name the DR stack: `arca dr status dr`",
        )
    primary = _primary(standby, target)
    click.echo(f"Asking {standby.outputs.region}", err=True)
    facts = gather(
        standby,
        primary,
        now=clock.now(),
        drills=checkout.root() / "docs" / "drills",
        quotas=(lambda: _quotas(standby)) if quotas else None,
    )
    tree = readiness(facts)
    if as_json:
        render.print_json({"stack": standby.name, "readiness": tree.as_json()})
    else:
        render.tree(tree)
    return ExitCode.DONE if tree.outcome == "OK" else ExitCode.FAILED


def _primary(standby: "Stack", target: "Target") -> "Stack | NotAsked":
    """Return the primary with its exports, or why they cannot be read.

    On AWS, they are in Pulumi's state, which is not in the primary's region.
    """
    import json

    from arca import stackfile
    from arca.errors import ArcaError
    from arca.recovery.facts import NotAsked
    from arca.stack import find

    path, _, name = standby.name.rpartition("/")
    try:
        config = stackfile.read(stackfile.path_of(name)).config
        primary = str(json.loads(config[f"{stackfile.PREFIX}recovery"])["primary_stack"])
        return find(f"{path}/{primary}" if path else primary, target=target)
    except ArcaError as error:
        return NotAsked(" ".join(error.what.split()), error.do)


def _quotas(standby: "Stack") -> "list[NamedCheck]":
    from arca.cli.account_quotas import quotas_of_stack

    return quotas_of_stack(standby)
