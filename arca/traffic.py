"""Find the targets that the load balancer sends production traffic to.

Sources: Elastic Load Balancing API Reference, DescribeRules and DescribeTargetHealth.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from arca.clients import client, explained
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

WITHOUT_REQUESTS = frozenset({"draining", "unused"})
"""States of a target that gets no new request."""


def production_targets(stack: Stack) -> Iterator[Mapping[str, Any]]:
    """Yield the targets of production traffic, as DescribeTargetHealth describes them.

    The group with the largest share of the traffic comes first. Yields nothing where the rule or
    its groups do not exist. Raises ArcaError where AWS refuses the calls.
    """
    elb = client(stack, "elbv2")
    with explained(stack, "The targets cannot be read"):
        weights = _weights(elb, stack.outputs.service.production_rule_arn)
        groups = [group for group, weight in weights.items() if weight > 0]
        for group in sorted(groups, key=lambda group: -weights[group]):
            for found in _targets(elb, group):
                if found["TargetHealth"]["State"] not in WITHOUT_REQUESTS:
                    yield found


def _weights(elb: "ElasticLoadBalancingv2Client", rule: str) -> dict[str, int]:
    """Return the weight of each target group of a rule: a share, without a unit."""
    weights: dict[str, int] = {}
    with _nothing_if_missing():
        for described in elb.describe_rules(RuleArns=[rule])["Rules"]:
            for action in described.get("Actions", []):
                for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
                    if arn := group.get("TargetGroupArn"):
                        weights[arn] = group.get("Weight", 1)
    return weights


def _targets(elb: "ElasticLoadBalancingv2Client", group: str) -> Sequence[Mapping[str, Any]]:
    """Return the targets of a group; none where the group does not exist."""
    with _nothing_if_missing():
        return elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return []


@contextmanager
def _nothing_if_missing() -> Generator[None]:
    """Go on where AWS says that a resource does not exist."""
    try:
        yield
    except ClientError as error:
        if not error.response.get("Error", {}).get("Code", "").endswith("NotFound"):
            raise
