"""Answers of ELBv2's API, as the tests of the pure functions need them."""

from collections.abc import Mapping, Sequence
from typing import Any

from arca.emulator.front.table import RegionAnswers, RoutingTable, routing_table

BALANCER = "arn:aws:elasticloadbalancing:sa-east-1:1:loadbalancer/app/b/1"
LISTENER = "arn:aws:elasticloadbalancing:sa-east-1:1:listener/app/b/1/2"
BLUE = "arn:aws:elasticloadbalancing:sa-east-1:1:targetgroup/blue/1"
GREEN = "arn:aws:elasticloadbalancing:sa-east-1:1:targetgroup/green/1"
MISDIRECTED = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "421", "ContentType": "text/plain"},
}


def forward(**weights: int) -> dict[str, Any]:
    """Return an action that forwards to groups by their weights."""
    arns = {"blue": BLUE, "green": GREEN}
    groups = [{"TargetGroupArn": arns[name], "Weight": n} for name, n in weights.items()]
    return {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": groups,
            "TargetGroupStickinessConfig": {"Enabled": False},
        },
    }


def host(*values: str) -> dict[str, Any]:
    """Return a condition on the host."""
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}


def path(*values: str) -> dict[str, Any]:
    """Return a condition on the path."""
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def rule(priority: int | str, *conditions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a rule; by default it answers itself."""
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "299"}}
    return {
        "RuleArn": f"{LISTENER}/rule-{priority}",
        "Priority": str(priority),
        "Conditions": list(conditions),
        "Actions": [answer],
        "IsDefault": priority == "default",
        **more,
    }


def health(**states: str) -> list[dict[str, Any]]:
    """Return targets on loopback by port, such as `p80="healthy"`."""
    return [
        {
            "Target": {"Id": "127.0.0.1", "Port": int(name.removeprefix("p"))},
            "TargetHealth": {"State": state},
        }
        for name, state in states.items()
    ]


def table(
    rules: Sequence[Mapping[str, Any]] = (),
    targets: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
) -> RoutingTable:
    """Return the routing table of one load balancer with one listener on port 443."""
    return routing_table(
        [
            RegionAnswers(
                "sa-east-1",
                balancers=[
                    {
                        "LoadBalancerArn": BALANCER,
                        "LoadBalancerName": "b",
                        "DNSName": "B.elb.amazonaws.com",
                    }
                ],
                attributes=attributes or {},
                listeners=[
                    {
                        "ListenerArn": LISTENER,
                        "LoadBalancerArn": BALANCER,
                        "Port": 443,
                        "DefaultActions": [MISDIRECTED],
                    }
                ],
                rules={LISTENER: rules},
                health=targets or {},
            )
        ]
    )
