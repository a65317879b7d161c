"""Where the load balancer sends production traffic, as it says itself.

Sources: Elastic Load Balancing API Reference, DescribeRules and DescribeTargetHealth.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from arca.clients import client, explained
from arca.stack import Stack

GONE = frozenset({"draining", "unused"})
"""States of a target that gets no new request."""


def targets(stack: Stack) -> Iterator[Mapping[str, Any]]:
    """The targets that production requests go to, those of the group with the most of it first.

    Nothing where the rule or its groups do not exist.
    """
    elb = client(stack, "elbv2")
    with explained(stack, "The targets cannot be read"):
        shares = _shares(elb, stack.outputs.service.production_rule_arn)
        for group in sorted((arn for arn in shares if shares[arn] > 0), key=lambda a: -shares[a]):
            for found in _unless_missing(
                lambda arn=group: elb.describe_target_health(TargetGroupArn=arn)
            ).get("TargetHealthDescriptions", []):
                if found["TargetHealth"]["State"] not in GONE:
                    yield found


def _shares(elb: Any, rule: str) -> dict[str, int]:
    """The share of production traffic of each target group, in no unit."""
    found = _unless_missing(lambda: elb.describe_rules(RuleArns=[rule]))
    return {
        group["TargetGroupArn"]: group.get("Weight", 1)
        for described in found.get("Rules", [])
        for action in described["Actions"]
        for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
    }


def _unless_missing(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An answer, or nothing where what is asked for does not exist."""
    try:
        return call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "").endswith("NotFound"):
            return {}
        raise
