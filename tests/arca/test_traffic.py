"""Which listener rules come before ours, and what counts as a healthy share."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from arca import traffic
from arca.stack import Stack
from arca.traffic import read_production_traffic

RULE = "arn:aws:elasticloadbalancing:sa-east-1:1:listener-rule/app/lb/1/2/3"
LISTENER = "arn:aws:elasticloadbalancing:sa-east-1:1:listener/app/lb/1/2"
BLUE, GREEN = (f"arn:aws:elasticloadbalancing:sa-east-1:1:targetgroup/{name}/9" for name in "bg")


def condition(field: str, *values: str) -> Mapping[str, Any]:
    """Return a condition as DescribeRules describes it today."""
    key = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}.get(field, "X")
    return {"Field": field, key: {"Values": list(values)}}


def rule(priority: str, *conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a rule with a fixed response."""
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    return {
        "RuleArn": f"{RULE}{priority}",
        "Priority": priority,
        "Conditions": list(conditions),
        "Actions": [fixed],
    }


def own(blue: int, green: int) -> Mapping[str, Any]:
    """Return the stack's rule with its weights."""
    groups = [
        {"TargetGroupArn": BLUE, "Weight": blue},
        {"TargetGroupArn": GREEN, "Weight": green},
    ]
    return {
        "RuleArn": RULE,
        "Priority": "10",
        "Conditions": [condition("host-header", "api.acme.com", "sa.acme.com")],
        "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    }


class Balancer:
    """A load balancer whose rules come in pages of one."""

    def __init__(self, rules: list[Mapping[str, Any]], health: Mapping[str, list[str]]) -> None:
        self.rules, self.health = rules, health

    def describe_rules(self, *, ListenerArn: str, Marker: str = "0") -> Mapping[str, Any]:  # noqa: N803 - the API's names
        """Answer DescribeRules."""
        assert ListenerArn == LISTENER
        number = int(Marker)
        following = {"NextMarker": str(number + 1)} if number + 1 < len(self.rules) else {}
        return {"Rules": self.rules[number : number + 1], **following}

    def describe_target_health(self, *, TargetGroupArn: str) -> Mapping[str, Any]:  # noqa: N803 - the API's names
        """Answer DescribeTargetHealth."""
        states = self.health.get(TargetGroupArn, [])
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": one}} for one in states]}


def read(
    monkeypatch: pytest.MonkeyPatch,
    rules: list[Mapping[str, Any]],
    health: Mapping[str, list[str]] | None = None,
) -> traffic.ProductionTraffic:
    """Read the traffic of a stack with these rules; blue has one healthy target."""
    balancer = Balancer(rules, health or {BLUE: ["healthy"]})

    def found(_stack: Stack, _service: str) -> Balancer:
        return balancer

    monkeypatch.setattr(traffic, "client", found)
    outputs = SimpleNamespace(service=SimpleNamespace(production_rule_arn=RULE))
    return read_production_traffic(cast("Stack", SimpleNamespace(outputs=outputs)))


@pytest.mark.parametrize(
    ("other", "precedes"),
    [
        (rule("1"), True),
        (rule("1", condition("path-pattern", "/*")), True),
        (rule("1", condition("host-header", "*.acme.com")), True),
        (rule("1", condition("host-header", "API.acme.com"), condition("path-pattern", "*")), True),
        (rule("1", {"Field": "host-header", "Values": ["sa.acme.com"]}), True),
        (rule("11"), False),
        (rule("default"), False),
        (rule("1", condition("host-header", "www.acme.com")), False),
        (rule("1", condition("path-pattern", "/internal/*")), False),
        (rule("1", condition("source-ip", "192.0.2.0/24")), False),
    ],
)
def test_a_rule_that_takes_every_request_first(
    monkeypatch: pytest.MonkeyPatch, other: Mapping[str, Any], *, precedes: bool
) -> None:
    """A rule for every path of a host of ours precedes; one for some paths or clients does not."""
    found = read(monkeypatch, [own(100, 0), other])
    said = "the listener rule of priority 1 comes first: fixed-response 503"
    assert found.preceding == ((said,) if precedes else ())
    assert found.faults == found.preceding


def test_shares_and_their_health(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each positive weight is a share, and one without a healthy target is a fault."""
    health = {BLUE: ["healthy", "unhealthy", "draining"], GREEN: ["unhealthy", "unused"]}
    found = read(monkeypatch, [own(1, 3)], health)
    assert [str(share) for share in found.shares] == [
        "75% to target group g: 0 of 1 targets healthy",
        "25% to target group b: 1 of 2 targets healthy",
    ]
    assert found.faults == ("75% to target group g: 0 of 1 targets healthy",)
    assert (found.healthy, len(found.targets)) == (1, 3)


def test_no_rule_is_no_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is gone sends nobody anywhere."""
    found = read(monkeypatch, [rule("1")])
    assert (found.shares, found.healthy) == ((), 0)
