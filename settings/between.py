"""Rules between the files of several stacks."""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, cast

from arca import checkout, stackfile
from arca.errors import ArcaError
from arca.stackfile import PREFIX, did_you_mean
from settings.model import Settings
from settings.problem import Problem


def problems_between(stack: str, s: Settings) -> Iterator[Problem]:
    """Yield what does not go with the files of the other stacks.

    What is wrong inside another file is that file's own problem.
    """
    others = [name for name in checkout.stack_names() if name != stack]
    ranges = {name: found for name in others if (found := _range(name)) is not None}
    primary = s.recovery.primary_stack
    if s.secondary and primary is not None:
        if primary not in others:
            wanted = f"the name of another stack{did_you_mean(primary, others)}"
            yield Problem("recovery.primary_stack", primary, wanted)
        elif primary in ranges and s.recovery.primary_cidr not in (None, ranges[primary]):
            wanted = f"network.cidr of Pulumi.{primary}.yaml, {ranges[primary]}"
            yield Problem("recovery.primary_cidr", str(s.recovery.primary_cidr), wanted)
    for name, other in ranges.items():
        if s.network.cidr.overlaps(other) and s.recovery.primary_cidr != other:
            wanted = f"a range that does not overlap {other}, that of Pulumi.{name}.yaml"
            yield Problem("network.cidr", str(s.network.cidr), wanted)


def _range(stack: str) -> IPv4Network | None:
    try:
        network = stackfile.stack_config(stack).get(f"{PREFIX}network", "{}")
        return IPv4Network(cast("Mapping[str, Any]", json.loads(network))["cidr"])
    except (ArcaError, ValueError, KeyError, TypeError):
        return None
