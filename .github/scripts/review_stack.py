"""A pull request's own stack: its file, whether there is room for it, and which ones are old.

Two things bound what they cost. The account's budget is what somebody has agreed to, but AWS
hears of a bill hours later; the number of stacks acts at once.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parents[2]
MOST = 3
"""Review stacks at a time."""
EXPIRY = timedelta(hours=72)
"""Since its last update."""
SLOTS = 100
FIRST_SLOT = 100
"""Ranges from 10.100.0.0/16 on; the four stacks' are below 10.100."""
NOT_SHARED = "0" * 12
FULL = 6
PREFIX = "arca-api:"


def settings(dev: Mapping[str, Any], prod: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Dev's settings, made small, apart and disposable.

    Raises ValueError where dev has no account of its own: a review stack runs what nobody has
    approved yet, and must not run it beside customers' data.
    """
    owner = dict(dev[f"{PREFIX}owner"])
    account = owner["account_id"]
    if account != NOT_SHARED and account == prod[f"{PREFIX}owner"]["account_id"]:
        message = f"dev and prod share the account {account}; review stacks need one without prod"
        raise ValueError(message)
    slot = FIRST_SLOT + number % SLOTS

    def changed(section: str, **values: object) -> dict[str, object]:
        return {**dev.get(f"{PREFIX}{section}", {}), **values}

    kept = {key: value for key, value in dev.items() if key != f"{PREFIX}delivery"}
    return {
        **kept,
        f"{PREFIX}owner": {**owner, "domain": f"review-{number}.{owner['domain']}"},
        f"{PREFIX}protected": False,
        f"{PREFIX}disposable": True,
        f"{PREFIX}network": changed("network", cidr=f"10.{slot}.0.0/16"),
        f"{PREFIX}service": changed("service", scaling={"min_tasks": 1, "max_tasks": 1}),
        f"{PREFIX}edge": changed("edge", owns_zone=False, health_notifications=False),
        f"{PREFIX}load_balancer": changed("load_balancer", mutual_tls=False),
        f"{PREFIX}storage": changed("storage", audit_lock_days=1, logs_days=1),
    }


def numbers(stacks: Sequence[Mapping[str, Any]]) -> dict[int, datetime | None]:
    """Review stacks of `pulumi stack ls --json`, and when each was last updated."""
    found: dict[int, datetime | None] = {}
    for stack in stacks:
        name = re.fullmatch(r"(?:.*/)?review-([1-9][0-9]*)", str(stack["name"]))
        if name:
            last = stack.get("lastUpdate")
            found[int(name[1])] = datetime.fromisoformat(last) if last else None
    return found


def over(stacks: Sequence[Mapping[str, Any]], asked: frozenset[int], now: datetime) -> list[int]:
    """Stacks that no open pull request asks for, and those whose time is over.

    One that was never brought up has nothing to lose.
    """
    return sorted(
        number
        for number, last in numbers(stacks).items()
        if number not in asked or last is None or now - last >= EXPIRY
    )


def no_room(
    stacks: Sequence[Mapping[str, Any]], number: int, budget: Mapping[str, Any]
) -> str | None:
    """Why this one may not be brought up; None where it may.

    The budget is what `aws budgets describe-budget` answers. A stack that has been up before
    needs no place, but money it needs too.
    """
    money = budget["Budget"]
    limit = float(money["BudgetLimit"]["Amount"])
    spent = float(money["CalculatedSpend"]["ActualSpend"]["Amount"])
    if spent >= limit:
        return f"{spent:.2f} of the month's {limit:.2f} US dollars are spent; wait, or raise it."
    found = numbers(stacks)
    last = found.pop(number, None)
    if last is None and len(found) >= MOST:
        return (
            f"{MOST} review stacks are up, which are the most at a time.\n"
            "Take the label `review-stack` from another pull request first."
        )
    return None


def generate(number: int, root: Path) -> Path:
    """Write the stack's file beside the others."""
    dev, prod = (
        cast("dict[str, Any]", yaml.safe_load((root / f"Pulumi.{name}.yaml").read_text("utf-8")))
        for name in ("dev", "prod")
    )
    path = root / f"Pulumi.review-{number}.yaml"
    content = {"config": settings(dev["config"], prod["config"], number)}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def _numbers(text: str) -> frozenset[int]:
    """Numbers of pull requests with commas between; none where it is empty."""
    return frozenset(int(word) for word in text.split(",") if word)


def main(words: Sequence[str]) -> int:
    """Run one of the three verbs; the list of stacks comes on stdin."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("generate", "room"):
        verbs.add_parser(verb).add_argument("number", type=int)
    verbs.choices["room"].add_argument("--budget", type=Path, required=True)
    verbs.add_parser("over").add_argument("--asked", type=_numbers, required=True)
    arguments = parser.parse_args(words)
    if arguments.verb == "generate":
        try:
            sys.stdout.write(f"{generate(arguments.number, ROOT).name}\n")
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            return FULL
        return 0
    stacks = json.load(sys.stdin)
    if arguments.verb == "over":
        found = over(stacks, arguments.asked, datetime.now(UTC))
        sys.stdout.write("".join(f"{number}\n" for number in found))
        return 0
    refused = no_room(stacks, arguments.number, json.loads(arguments.budget.read_text("utf-8")))
    if refused is None:
        return 0
    sys.stderr.write(f"{refused}\n")
    return FULL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
