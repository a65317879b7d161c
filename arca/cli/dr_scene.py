"""The scene of what `arca dr` changes: how stacks are found, updated and tested."""

import getpass
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arca import checkout
from arca.clock import Clock
from arca.errors import ArcaError

if TYPE_CHECKING:
    from arca.recovery.journal_entry import Entry
    from arca.recovery.scene import Scene
    from arca.smoke.suite import SmokeReport
    from arca.stack import Stack, Target

SMOKE_TIMEOUT_SECONDS = 5.0


def make(
    primary: str,
    secondary: str,
    *,
    target: "Target",
    clock: Clock,
    again: bool = False,
    back: bool = False,
) -> "Scene":
    """Return the scene of two stacks.

    `again` says that an update may have been interrupted; `back` that it is a fail-back.
    """
    from arca.cli import pulumi_update
    from arca.recovery.scene import Scene, move
    from arca.smoke import suite
    from arca.stack import find

    first = find(primary, target=target)

    def quiet(name: str) -> "Stack":
        return find(name, target=target, quiet=True)

    find(secondary, target=target)
    smoke = partial(suite.run, url=None, timeout=SMOKE_TIMEOUT_SECONDS, clock=clock)
    return Scene(
        primary,
        secondary,
        find=quiet,
        update=_emulated_update()
        if first.endpoint
        else pulumi_update.updater(
            refresh=again, resume=f"{move(primary, secondary, back=back)} --resume"
        ),
        smoke=smoke,
        smoke_as_customer=partial(_as_customer, clock=clock),
        leads_elsewhere=leads_elsewhere,
        clock=clock,
        say=lambda text: click.echo(f"{clock.now():%H:%M:%SZ} {text}", err=True),
        back=back,
    )


def _as_customer(stack: "Stack", *, clock: Clock) -> "SmokeReport":
    """Test what the customers' name leads to; in the emulated cloud, by its front."""
    from arca.smoke import suite

    return suite.run(stack, url=customers_url(stack), timeout=SMOKE_TIMEOUT_SECONDS, clock=clock)


def customers_url(stack: "Stack") -> str:
    """Return the URL that the customers use; raises ArcaError where the front is not up."""
    if stack.endpoint is None:
        return stack.outputs.edge.url
    from arca.emulator.live import report
    from arca.emulator.state import State

    found = report.read(State())
    if found is None or found.customers is None:
        raise ArcaError(
            "No customer reaches the emulated cloud: its front does not run.",
            where=stack.where,
            wanted="the living cloud",
            do="run `make demo` first",
        )
    return found.customers


def _emulated_update() -> Callable[[str, Mapping[str, Any]], None]:
    from arca.emulator import update as updates
    from arca.emulator.state import State
    from arca.emulator.up import Progress

    kept: dict[str, dict[str, Any]] = {}

    def update(stack: str, settings: Mapping[str, Any]) -> None:
        def watch(progress: Progress) -> None:
            if not progress.done:
                click.echo(f"  {progress.step}", err=True)

        wanted = {**kept.get(stack, {}), **settings}
        kept[stack] = {key: value for key, value in wanted.items() if value is not None}
        updates.update(stack, kept[stack], state=State(), watch=watch)

    return update


def user() -> str:
    """Return the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def confirm(scene: "Scene", *, resume: bool, abort: bool = False) -> None:
    """Ask for the name of the stack that is to serve; raises click.Abort for another answer.

    Raises NobodyAnswers where there is no terminal and no answer on stdin.
    """
    from arca.cli import questions

    stacks = (scene.primary, scene.standby)
    served, serves = stacks[::-1] if scene.back else stacks
    move = "fail-back" if scene.back else "failover"
    what = f"Go on with the {move}" if resume else ("Fail back" if scene.back else "Fail over")
    if abort:
        serves = served
        click.echo(f"{serves.where} is to serve again.", err=True)
    else:
        click.echo(f"{what} from {served.where}, to {serves.where}.", err=True)
    if scene.back and not abort:
        click.echo(f"The old database of {serves.name} is deleted; a snapshot stays.", err=True)
    asked = f"Type {serves.name} to confirm"
    if questions.text(asked, where=serves.where) != serves.name:
        click.echo("That is another name: nothing was changed.", err=True)
        raise click.Abort


def leads_elsewhere(primary: "Stack", standby: "Stack") -> str | None:
    """Say where the name of the customers' origin leads, unless it is the standby's load balancer.

    Nothing else tells who answers: both regions serve the same names. Both names have the addresses
    of one load balancer (Route 53 Developer Guide, "Choosing between alias and non-alias records").
    """
    if standby.endpoint is not None:
        return None  # The emulated front follows the lever alone.
    origin, balancer = primary.outputs.edge.origin_name, standby.outputs.service
    wanted = addresses(balancer.load_balancer_dns_name)
    found = addresses(origin)
    if found & wanted:
        return None
    return (
        f"{origin} leads to {', '.join(sorted(found)) or 'nothing'}, and the load balancer of "
        f"{standby.name} is at {', '.join(sorted(wanted)) or 'no address'}"
    )


def addresses(name: str) -> frozenset[str]:
    """Return the addresses of a name; none where it cannot be resolved."""
    try:
        found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(one[4][0]) for one in found)


def versions() -> dict[str, Any]:
    """Return what ran, for a record."""

    def git(*words: str) -> str:
        # A record without its commit is better than a failover that does not end.
        with suppress(OSError):
            done = subprocess.run(  # noqa: S603 - no shell, and our own words
                ["git", *words],  # noqa: S607 - git of PATH
                cwd=checkout.root(),
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout.strip()
        return ""

    return {
        "commit": git("rev-parse", "HEAD") or "0000000",
        "dirty": bool(git("status", "--porcelain")),
        "programs": {"arca-infra": version("arca-infra"), "python": sys.version.split()[0]},
    }


def write_record(scene: "Scene", entry: "Entry", directory: Path | None) -> Path:
    """Write the record of a failover that ended; returns its path."""
    from arca.recovery import records
    from arca.recovery.record import Record

    standby = scene.standby
    record = Record.model_validate(
        {
            "kind": entry.kind,
            "primary": entry.primary,
            "secondary": entry.secondary,
            "operator": entry.operator,
            "environment": "emulated" if standby.endpoint else "aws",
            "endpoint": standby.endpoint,
            "declared": entry.declared,
            "failed": entry.failed,
            "phases": entry.phases,
            "first_good_smoke": entry.first_good_smoke,
            "customers_served": entry.served,
            "alarms_green": entry.alarms_green,
            "versions": versions(),
        }
    )
    place = directory or checkout.root() / "docs" / "drills"
    path = place / f"{record.name}.json"
    # A run that was killed after this and before the end of its journal is done again, maybe by
    # another operator and with another commit.
    if path.is_file():
        known = records.read(path)
        if any(one.phases == record.phases[: len(one.phases)] for one in known):
            return path
    return records.write(record, place)
