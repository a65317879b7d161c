"""The quotas that the stacks of an account need together, for `arca bootstrap` and `arca verify`.

What they need follows from the stacks' files, so it is known before the account has any stack.
"""

import json
from fnmatch import fnmatchcase
from typing import Any

import click

from arca import checkout, stackfile
from arca.check import Check
from arca.ci import review_stack
from arca.cli import extras
from arca.clients import Account
from arca.errors import ArcaError, Refused
from arca.quotas.check import check_quotas
from arca.quotas.needs import Need, Total, needs, totals
from arca.stack import Stack
from arca.stackfile import PREFIX, StackFile

REVIEWED = "dev"
"""The stack whose settings review stacks have (arca/ci/review_stack.py)."""
EXAMPLE = 1
"""The number of the review stack that is recorded; all are alike."""


def quotas_of_stack(stack: Stack) -> list[Check]:
    """Check what a stack and the others of its account need, in the stack's regions.

    The other stacks are those whose files name the account. Raises ArcaError where a stack cannot
    be recorded, or where AWS cannot be asked.
    """
    outputs = stack.outputs
    # Pulumi takes organization/project/stack too.
    name = stack.name.rpartition("/")[2]
    found = [
        total
        for total in _totals(_stacks_of(outputs.account_id) | {name})
        if any(fnmatchcase(name, one) for one in total.stacks)
    ]
    return check_quotas(outputs.account_id, found, endpoint=stack.endpoint)


def quotas_of_account(account: Account) -> list[Check]:
    """Check what all stacks need whose files name an account; a reason for not checking is SKIPPED.

    Raises no ArcaError: the account is worth bootstrapping without it.
    """
    try:
        if account.endpoint is not None:
            return [_skipped("only AWS knows what it allows")]
        stacks = _stacks_of(account.account_id)
        if not stacks:
            return [
                _skipped(
                    f"no stack's file names the account {account.account_id}; fill in "
                    "owner.account_id, and run this again with --dry-run"
                )
            ]
        return check_quotas(account.account_id, _totals(stacks), endpoint=None)
    except ArcaError as error:
        what = " ".join(error.what.split()).rstrip(".")
        return [_skipped(f"{what}; to check them, {error.do}")]


def _skipped(why: str) -> Check:
    return Check("quotas", "SKIPPED", why)


def _stacks_of(account_id: str) -> set[str]:
    """Return the stacks of the checkout whose files name an account."""
    files = (stackfile.read(stackfile.path_of(name)) for name in checkout.stack_names())
    return {file.stack for file in files if _account_of(file) == account_id}


def _account_of(file: StackFile) -> str:
    try:
        owner: Any = json.loads(file.config.get(f"{PREFIX}owner", "{}"))
        return str(owner["account_id"])
    except (ValueError, TypeError, KeyError):
        # `arca check` tells what is wrong with it.
        return ""


def _totals(stacks: set[str]) -> list[Total]:
    """Record stacks, and return what they need together; raises ArcaError where one cannot be."""
    extras.require("moto", "pulumi", "pulumi_aws", "pulumi_cloudflare")
    from arca.cli.graphs import Recorder

    recorder = Recorder(serving=True)
    found: list[Need] = []
    review = _review_file() if REVIEWED in stacks else None
    if review is not None:
        # Those of the checkout are among the most that may be up.
        stacks = {stack for stack in stacks if not stack.startswith("review-")}
        click.echo("Recording a review stack", err=True)
        most = review_stack.MAX_REVIEW_STACKS
        found += [
            need.times(most, "review-*", f"up to {most} review stacks, each")
            for need in needs(recorder.graph_of(review))
        ]
    for stack in sorted(stacks):
        click.echo(f"Recording {stack}", err=True)
        found += needs(recorder.graph(stack))
    return totals(found)


def _review_file() -> StackFile | None:
    """Return the file of a review stack; None where dev allows none, or shares prod's account."""
    dev, prod = (stackfile.read(stackfile.path_of(name)) for name in (REVIEWED, "prod"))
    delivery: Any = json.loads(dev.config.get(f"{PREFIX}delivery", "{}"))
    if not delivery.get("review_stacks"):
        return None
    try:
        settings = review_stack.settings(_values(dev), _values(prod), EXAMPLE)
    except Refused:
        return None
    config = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }
    return StackFile(f"Pulumi.review-{EXAMPLE}.yaml", config)


def _values(file: StackFile) -> dict[str, Any]:
    """Return a file's settings with its sections as objects; texts stay as they are."""
    return {
        key: json.loads(value) if value.startswith(("{", "[")) else value
        for key, value in file.config.items()
    }
