"""Read where the load balancer sends production traffic, and what it sends it to.

Sources: Elastic Load Balancing API Reference, DescribeRules and DescribeTargetHealth; Application
Load Balancers, "Listener rules": the rule with the lowest priority number that matches decides.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from arca.clients import client, explained
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

WITHOUT_REQUESTS = frozenset({"draining", "unused"})
"""States of a target that gets no new request."""
EVERY_PATH = frozenset({"*", "/*"})


@dataclass(frozen=True)
class TrafficShare:
    """A target group that gets a share of the production traffic."""

    group: str
    """The target group's ARN."""
    percent: float
    targets: tuple[Mapping[str, Any], ...]
    """The targets that may get requests, as DescribeTargetHealth describes them."""

    @property
    def healthy(self) -> int:
        """The number of healthy targets."""
        return sum(found["TargetHealth"]["State"] == "healthy" for found in self.targets)

    def __str__(self) -> str:
        """Describe the share for a person."""
        name = self.group.split("/")[1]
        counted = f"{self.healthy} of {len(self.targets)} targets healthy"
        return f"{self.percent:g}% to target group {name}: {counted}"


@dataclass(frozen=True)
class ProductionTraffic:
    """What decides about the production traffic."""

    shares: tuple[TrafficShare, ...]
    """The groups with a positive weight, the largest share first; none where the rule or its
    groups do not exist."""
    preceding: tuple[str, ...]
    """The rules that take every request before the stack's own rule sees it."""

    @property
    def targets(self) -> tuple[Mapping[str, Any], ...]:
        """The targets of all groups."""
        return tuple(target for share in self.shares for target in share.targets)

    @property
    def healthy(self) -> int:
        """The number of healthy targets of all groups."""
        return sum(share.healthy for share in self.shares)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why customers do not reach the tasks, whatever tasks there are."""
        deaf = (str(share) for share in self.shares if not share.healthy)
        return (*self.preceding, *deaf)


def read_production_traffic(stack: Stack) -> ProductionTraffic:
    """Ask the load balancer; raises ArcaError where AWS refuses the calls."""
    elb = client(stack, "elbv2")
    own_arn = stack.outputs.service.production_rule_arn
    with explained(stack, "The targets cannot be read"):
        rules = _rules(elb, own_arn.replace(":listener-rule/", ":listener/").rpartition("/")[0])
        own = next((rule for rule in rules if rule.get("RuleArn") == own_arn), None)
        if own is None:
            return ProductionTraffic((), ())
        weights = _weights(own)
        whole = sum(weights.values())
        shares = [
            TrafficShare(group, 100 * weight / whole, tuple(_targets(elb, group)))
            for group, weight in weights.items()
            if weight > 0
        ]
    return ProductionTraffic(
        shares=tuple(sorted(shares, key=lambda share: -share.percent)),
        preceding=tuple(
            f"the listener rule of priority {rule['Priority']} comes first: {_does(rule)}"
            for rule in rules
            if _number(rule) < _number(own) and _takes_all_of(rule, own)
        ),
    )


def _rules(elb: "ElasticLoadBalancingv2Client", listener: str) -> list[Mapping[str, Any]]:
    rules: list[Mapping[str, Any]] = []
    with _nothing_if_missing():
        page = elb.describe_rules(ListenerArn=listener)
        rules += page["Rules"]
        while marker := page.get("NextMarker"):
            page = elb.describe_rules(ListenerArn=listener, Marker=marker)
            rules += page["Rules"]
    return rules


def _number(rule: Mapping[str, Any]) -> float:
    priority = str(rule.get("Priority", ""))
    return int(priority) if priority.isdecimal() else float("inf")


def _takes_all_of(rule: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Return whether a rule matches every path of a host that our rule is for.

    A rule for some paths or for some clients is a decision of its own, and no fault.
    """
    hosts, paths = _values(rule, "host-header"), _values(rule, "path-pattern")
    fields = {condition.get("Field") for condition in rule.get("Conditions", [])}
    if fields - {"host-header", "path-pattern"} or (paths and not paths & EVERY_PATH):
        return False
    ours = _values(own, "host-header")
    return not hosts or not ours or any(fnmatchcase(a, b) for a, b in product(ours, hosts))


def _values(rule: Mapping[str, Any], field: str) -> set[str]:
    """Return a condition's values, which an older rule has outside of its configuration."""
    key = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}[field]
    return {
        value.lower()
        for condition in rule.get("Conditions", [])
        if condition.get("Field") == field
        for value in (*condition.get("Values", []), *condition.get(key, {}).get("Values", []))
    }


def _does(rule: Mapping[str, Any]) -> str:
    # The last action answers; what stands before it authenticates (CreateRule, Actions).
    *_, action = cast("Sequence[Mapping[str, Any]]", rule["Actions"])
    code = action.get("FixedResponseConfig", {}).get("StatusCode", "")
    return f"{action['Type']} {code}".strip()


def _weights(rule: Mapping[str, Any]) -> dict[str, int]:
    """Return the weight of each target group of a rule: a share, without a unit."""
    return {
        group["TargetGroupArn"]: group.get("Weight", 1)
        for action in rule.get("Actions", [])
        for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
        if "TargetGroupArn" in group
    }


def _targets(elb: "ElasticLoadBalancingv2Client", group: str) -> Iterator[Mapping[str, Any]]:
    """Yield the targets of a group that may get requests; none where it does not exist."""
    found: Sequence[Mapping[str, Any]] = []
    with _nothing_if_missing():
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    yield from (one for one in found if one["TargetHealth"]["State"] not in WITHOUT_REQUESTS)


@contextmanager
def _nothing_if_missing() -> Generator[None]:
    """Go on where AWS says that a resource does not exist."""
    try:
        yield
    except ClientError as error:
        if not error.response.get("Error", {}).get("Code", "").endswith("NotFound"):
            raise
