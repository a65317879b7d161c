"""`arca ranges`: update the committed snapshot of Cloudflare's address ranges."""

import json
import os
import tempfile
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import click

from arca.errors import ArcaError, Refused

RANGES_URL = "https://api.cloudflare.com/client/v4/ips"
SNAPSHOT = Path("components", "cloudflare_ranges.json")
FETCH_TIMEOUT_SECONDS = 10


@click.group("ranges")
def command() -> None:
    """Update Cloudflare's address ranges, which the load balancer lets in."""


@command.command("refresh")
@click.option(
    "--from",
    "source",
    default=RANGES_URL,
    show_default=True,
    help="The URL to read.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    help=f"The snapshot to write; by default the checkout's {SNAPSHOT}.",
)
@click.option("--force", is_flag=True, help="Accept a list less than half as long as before.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def refresh(source: str, path: Path | None, *, force: bool, dry_run: bool, as_json: bool) -> None:
    """Update the snapshot from Cloudflare's API.

    Commit the change afterwards. A list that lost more than half of its ranges is
    refused (exit code 6), because the load balancer would then refuse customers.
    """
    from arca import checkout
    from arca.cli import render
    from arca.clock import Clock

    path = path or checkout.root() / SNAPSHOT
    before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    now = fetch(source)
    changes = {
        family: {
            "added": sorted(set(now[family]) - set(before.get(family, []))),
            "removed": sorted(set(before.get(family, [])) - set(now[family])),
        }
        for family in ("ipv4", "ipv6")
    }
    # A snapshot without a day is a list that nobody has compared with Cloudflare's.
    changed = not before.get("taken_on") or any(
        change["added"] or change["removed"] for change in changes.values()
    )
    for family in changes:
        if not force and len(now[family]) * 2 < len(before.get(family, [])):
            raise Refused(
                f"The list of {family} ranges shrank from {len(before[family])} to "
                f"{len(now[family])}.",
                where=source,
                wanted="at least half of the ranges in the snapshot",
                do="compare the list with Cloudflare's; `--force` accepts it",
            )
    if changed and not dry_run:
        taken = Clock().now().date().isoformat()
        write(path, {"source": RANGES_URL, "taken_on": taken, **now})
    if as_json:
        render.print_json({"changed": changed, "written": changed and not dry_run, **changes})
        return
    for family, change in changes.items():
        for sign, ranges in (("+", change["added"]), ("-", change["removed"])):
            for cidr in ranges:
                render.line(f"{sign} {family} {cidr}")
    if not changed:
        render.line("The snapshot is up to date.")
    else:
        verb = "Would write" if dry_run else "Wrote"
        render.line(f"{verb} {path.name}. Preview the stacks and commit it.")


def fetch(source: str) -> dict[str, list[str]]:
    """Read the ranges of both families; raises ArcaError for any other content."""
    try:
        request = Request(source, headers={"Accept": "application/json"})  # noqa: S310 - the operator's own address
        with urlopen(request, timeout=FETCH_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            content = json.loads(answer.read())
    except (URLError, OSError, ValueError) as error:
        raise _malformed(source, f"{error}") from None
    return {family: _networks(source, content, family) for family in ("ipv4", "ipv6")}


def write(path: Path, snapshot: Mapping[str, object]) -> None:
    """Replace the snapshot in one step, so that no reader sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(snapshot, indent=2) + "\n")
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _networks(source: str, content: Any, family: str) -> list[str]:
    try:
        cidrs = [str(cidr) for cidr in content["result"][f"{family}_cidrs"]]
        networks = [ip_network(cidr) for cidr in cidrs]
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed(source, f"{family}: {error}") from None
    if not networks or any(network.version != int(family[-1]) for network in networks):
        raise _malformed(source, f"{family}: {len(networks)} networks, or some of another family")
    return sorted(cidrs)


def _malformed(source: str, what: str) -> ArcaError:
    return ArcaError(
        f"Cloudflare's ranges cannot be read: {what}.",
        where=source,
        wanted="JSON with result.ipv4_cidrs and result.ipv6_cidrs",
        do="run this again; the committed snapshot is unchanged",
    )
