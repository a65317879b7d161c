"""The routing table: a pure function of what ELBv2's API answers.

Source: Elastic Load Balancing User Guide, "Listener rules for your Application Load Balancer": the
rule with the lowest priority number that matches decides, and the default action comes last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arca.emulator.front.actions import Action, read_actions
from arca.emulator.front.conditions import (
    Condition,
    HttpRequest,
    UnsupportedRule,
    read_condition,
)

ROUND_ROBIN = "round_robin"
LEAST_OUTSTANDING = "least_outstanding_requests"
ALGORITHMS = (ROUND_ROBIN, LEAST_OUTSTANDING)
IDLE_SECONDS = 60.0
"""The default of `idle_timeout.timeout_seconds` (API Reference, LoadBalancerAttribute)."""

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class RegionAnswers:
    """What the API of a region answers about its load balancers."""

    region: str
    balancers: Sequence[Answer] = ()
    """DescribeLoadBalancers."""
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Any])
    """Attributes of load balancers and target groups, by ARN."""
    listeners: Sequence[Answer] = ()
    """DescribeListeners of all load balancers."""
    rules: Mapping[str, Sequence[Answer]] = field(default_factory=dict[str, Any])
    """DescribeRules by the listener's ARN."""
    health: Mapping[str, Sequence[Answer]] = field(default_factory=dict[str, Any])
    """DescribeTargetHealth by the target group's ARN."""


@dataclass(frozen=True, order=True)
class Target:
    """A target: an address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class TargetGroup:
    """A target group and those of its targets that get requests."""

    arn: str
    targets: tuple[Target, ...] = ()
    algorithm: str = ROUND_ROBIN

    @property
    def name(self) -> str:
        """The name, which is part of the ARN."""
        return self.arn.split("/")[1] if "/" in self.arn else self.arn


@dataclass(frozen=True)
class Rule:
    """A rule: its conditions must all hold."""

    arn: str
    priority: float
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True)
class Listener:
    """A listener of a load balancer."""

    arn: str
    port: int
    rules: tuple[Rule, ...]
    """The rules in the order in which they are tried; the last one matches every request."""
    problem: UnsupportedRule | None = None
    """Why the listener's requests cannot be routed; None if they can."""

    def rule(self, request: HttpRequest) -> Rule:
        """Return the rule that decides about a request; raises UnsupportedRule."""
        if self.problem is not None:
            raise self.problem
        return next(
            rule for rule in self.rules if all(one.holds(request) for one in rule.conditions)
        )


@dataclass(frozen=True)
class LoadBalancer:
    """An application load balancer."""

    arn: str
    name: str
    dns_name: str
    region: str
    listeners: tuple[Listener, ...]
    idle_seconds: float = IDLE_SECONDS
    drops_invalid_headers: bool = False

    def listener(self, port: int) -> Listener | None:
        """Return the listener on a port, or None."""
        return next((one for one in self.listeners if one.port == port), None)


@dataclass(frozen=True)
class RoutingTable:
    """All load balancers and target groups."""

    balancers: tuple[LoadBalancer, ...] = ()
    groups: Mapping[str, TargetGroup] = field(default_factory=dict[str, TargetGroup])

    def balancer(self, dns_name: str) -> LoadBalancer | None:
        """Return the load balancer with a DNS name, or None."""
        return next((one for one in self.balancers if one.dns_name == dns_name), None)


def routing_table(answers: Iterable[RegionAnswers]) -> RoutingTable:
    """Return the routing table that the API's answers describe.

    A rule that the front cannot follow is the `problem` of its listener; all others work.
    """
    balancers: list[LoadBalancer] = []
    groups: dict[str, TargetGroup] = {}
    for region in answers:
        for answer in region.balancers:
            arn = str(answer["LoadBalancerArn"])
            own = [one for one in region.listeners if one["LoadBalancerArn"] == arn]
            attributes = region.attributes.get(arn, {})
            balancers.append(
                LoadBalancer(
                    arn,
                    name=str(answer["LoadBalancerName"]),
                    dns_name=str(answer["DNSName"]).lower(),
                    region=region.region,
                    listeners=tuple(
                        sorted((_listener(region, one) for one in own), key=lambda one: one.port)
                    ),
                    idle_seconds=float(
                        attributes.get("idle_timeout.timeout_seconds", IDLE_SECONDS)
                    ),
                    drops_invalid_headers=attributes.get(
                        "routing.http.drop_invalid_header_fields.enabled"
                    )
                    == "true",
                )
            )
        for arn, found in region.health.items():
            groups[arn] = TargetGroup(
                arn, eligible(found), _algorithm(region.attributes.get(arn, {}))
            )
    return RoutingTable(tuple(balancers), groups)


def eligible(descriptions: Iterable[Answer]) -> tuple[Target, ...]:
    """Return the targets that get requests, in a fixed order.

    Source: Elastic Load Balancing User Guide, "Health checks for Application Load Balancer target
    groups": the healthy ones. Where all are unhealthy, all of them (fail open).
    """
    by_state: dict[str, list[Target]] = {}
    for one in descriptions:
        target = Target(str(one["Target"]["Id"]), int(one["Target"]["Port"]))
        by_state.setdefault(str(one["TargetHealth"]["State"]), []).append(target)
    only_unhealthy = set(by_state) == {"unhealthy"}
    return tuple(sorted(by_state.get("unhealthy" if only_unhealthy else "healthy", ())))


def _algorithm(attributes: Mapping[str, str]) -> str:
    found = attributes.get("load_balancing.algorithm.type", ROUND_ROBIN)
    return found if found in ALGORITHMS else ROUND_ROBIN


def _listener(region: RegionAnswers, answer: Answer) -> Listener:
    arn, port = str(answer["ListenerArn"]), int(answer["Port"])
    try:
        rules = [_rule(one) for one in region.rules.get(arn, ())]
        default = Rule(arn, float("inf"), (), read_actions(answer["DefaultActions"], rule=arn))
    except UnsupportedRule as problem:
        return Listener(arn, port, (), problem)
    # DescribeRules lists the default action as a rule of its own.
    numbered = [rule for rule in rules if rule.priority < default.priority]
    return Listener(arn, port, (*sorted(numbered, key=lambda rule: rule.priority), default))


def _rule(answer: Answer) -> Rule:
    arn, priority = str(answer["RuleArn"]), str(answer["Priority"])
    if answer.get("Transforms"):
        raise UnsupportedRule("it rewrites requests (Transforms)", rule=arn)
    return Rule(
        arn,
        priority=float("inf") if priority == "default" else int(priority),
        conditions=tuple(read_condition(one, rule=arn) for one in answer["Conditions"]),
        action=read_actions(answer["Actions"], rule=arn),
    )
