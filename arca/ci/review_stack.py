"""A pull request's own stack: its settings, whether it may come up, and when it must go.

Two limits bound the cost. The account's monthly budget is the agreed amount, but AWS reports what
is spent with a delay of hours. The number of review stacks takes effect at once.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from arca.errors import Refused

MAX_REVIEW_STACKS = 3
"""Review stacks that may be up at the same time."""
MAX_AGE = timedelta(hours=72)
"""Since a review stack's last update."""
FIRST_RANGE = 100
RANGES = 100
"""Review stacks take 10.100.0.0/16 to 10.199.0.0/16; the four stacks' ranges are below."""
PLACEHOLDER_ACCOUNT = "0" * 12
PREFIX = "arca-api:"


def settings(dev: Mapping[str, Any], prod: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return dev's settings, changed so that the stack is small, separate and disposable.

    Raises Refused where dev and prod share an account: a review stack runs code that nobody has
    merged, and must not run it beside customers' data.
    """
    owner = dict(dev[f"{PREFIX}owner"])
    account = owner["account_id"]
    if account != PLACEHOLDER_ACCOUNT and account == prod[f"{PREFIX}owner"]["account_id"]:
        raise Refused(
            f"dev and prod share the account {account}.",
            where="owner.account_id of Pulumi.dev.yaml and Pulumi.prod.yaml",
            wanted="an account for dev that does not hold prod",
            do="move dev to an account of its own before you use review stacks",
        )
    block = FIRST_RANGE + number % RANGES

    def changed(section: str, **values: object) -> dict[str, object]:
        return {**dev.get(f"{PREFIX}{section}", {}), **values}

    kept = {key: value for key, value in dev.items() if key != f"{PREFIX}delivery"}
    return {
        **kept,
        f"{PREFIX}owner": {**owner, "domain": f"review-{number}.{owner['domain']}"},
        f"{PREFIX}protected": False,
        f"{PREFIX}disposable": True,
        f"{PREFIX}network": changed("network", cidr=f"10.{block}.0.0/16"),
        f"{PREFIX}service": changed("service", scaling={"min_tasks": 1, "max_tasks": 1}),
        f"{PREFIX}edge": changed("edge", owns_zone=False, health_notifications=False),
        f"{PREFIX}load_balancer": changed("load_balancer", mutual_tls=False),
        f"{PREFIX}storage": changed("storage", audit_lock_days=1, logs_days=1),
    }


def generate(number: int, root: Path) -> Path:
    """Write the review stack's file beside the other stacks' files; returns its path.

    Raises Refused where `settings` does.
    """
    dev, prod = (
        cast("dict[str, Any]", yaml.safe_load((root / f"Pulumi.{name}.yaml").read_text("utf-8")))
        for name in ("dev", "prod")
    )
    path = root / f"Pulumi.review-{number}.yaml"
    content = {"config": settings(dev["config"], prod["config"], number)}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def last_updates(stacks: Sequence[Mapping[str, Any]]) -> dict[int, datetime | None]:
    """Return the number of each review stack, and when it was last updated, if ever.

    `stacks` is what `pulumi stack ls --json` prints.
    """
    found: dict[int, datetime | None] = {}
    for stack in stacks:
        name = re.fullmatch(r"(?:.*/)?review-([1-9][0-9]*)", str(stack["name"]))
        if name:
            last = stack.get("lastUpdate")
            found[int(name[1])] = datetime.fromisoformat(last) if last else None
    return found


def removable(
    stacks: Sequence[Mapping[str, Any]], requested: Collection[int], now: datetime
) -> list[int]:
    """Return the numbers of the review stacks to destroy.

    Those are the stacks that no open pull request requests, those that are too old, and those
    that were never updated and so hold no resources.
    """
    return sorted(
        number
        for number, last in last_updates(stacks).items()
        if number not in requested or last is None or now - last >= MAX_AGE
    )


def admit(stacks: Sequence[Mapping[str, Any]], number: int, budget: Mapping[str, Any]) -> None:
    """Check that the review stack may come up; raises Refused where a limit is reached.

    `budget` is what `aws budgets describe-budget` prints. The number of stacks never refuses a
    stack that has been up before; the budget does.
    """
    money = budget["Budget"]
    limit = float(money["BudgetLimit"]["Amount"])
    spent = float(money["CalculatedSpend"]["ActualSpend"]["Amount"])
    if spent >= limit:
        raise Refused(
            f"{spent:.2f} of the month's {limit:.2f} US dollars are spent.",
            where=f"the account's budget {money.get('BudgetName', '')}".strip(),
            wanted="a part of the budget that is left",
            do="wait for the next month, or raise it with `arca bootstrap --monthly-budget`",
        )
    others = last_updates(stacks)
    last = others.pop(number, None)
    if last is None and len(others) >= MAX_REVIEW_STACKS:
        names = ", ".join(f"review-{other}" for other in sorted(others))
        raise Refused(
            f"{len(others)} review stacks are up or requested already.",
            where=names,
            wanted=f"at most {MAX_REVIEW_STACKS} review stacks at a time",
            do="take the label `review-stack` from another pull request first",
        )
