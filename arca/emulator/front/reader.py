"""Reads the emulated cloud by its API: load balancers, rules, targets, DNS records.

Only what moves often is read each time: the rules' actions and the targets' health.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from arca.emulator.front.conditions import section
from arca.emulator.front.dns import Records
from arca.emulator.front.table import Answer, RegionAnswers

Client = Callable[[str, str], Any]
"""Returns a boto3 client by service and region."""
DNS_REGION = "us-east-1"
"""Where Route 53's control plane is (Amazon Route 53 Developer Guide, "Disaster recovery")."""
MOST_READINGS = 5
"""Readings of rules and targets until two agree; a deployment cannot shift faster for long."""


def read_structure(client: Client, region: str) -> RegionAnswers:
    """Read all about a region's load balancers; raises ClientError or BotoCoreError."""
    elb = client("elbv2", region)
    balancers = [
        one
        for one in _pages(elb, "describe_load_balancers", "LoadBalancers")
        if one["Type"] == "application"
    ]
    listeners = [
        listener
        for one in balancers
        for listener in _pages(
            elb, "describe_listeners", "Listeners", LoadBalancerArn=one["LoadBalancerArn"]
        )
    ]
    rules = {
        str(one["ListenerArn"]): list(
            _pages(elb, "describe_rules", "Rules", ListenerArn=one["ListenerArn"])
        )
        for one in listeners
    }
    attributes = {
        str(one["LoadBalancerArn"]): _attributes(
            elb.describe_load_balancer_attributes(LoadBalancerArn=one["LoadBalancerArn"])
        )
        for one in balancers
    }
    for group in target_groups(rules.values(), listeners):
        attributes[group] = _attributes(elb.describe_target_group_attributes(TargetGroupArn=group))
    found = RegionAnswers(region, balancers, attributes, listeners, rules)
    return replace(found, health=_health(elb, found))


def read_moving(client: Client, known: RegionAnswers) -> RegionAnswers:
    """Read the rules and the targets anew; raises ClientError or BotoCoreError.

    A deployment shifts the weights between two calls. The rules count once a second reading after
    the targets' agrees: else a group would seem to have the traffic and no targets.
    """
    elb = client("elbv2", known.region)
    now = replace(known, rules=_rules(elb, known.rules))
    for _ in range(MOST_READINGS):
        health = _health(elb, now)
        if health == known.health:
            return replace(now, health=health)
        again = _rules(elb, known.rules)
        if again == now.rules:
            return replace(now, health=health)
        known, now = replace(known, health=health), replace(now, rules=again)
    return replace(now, health=_health(elb, now))


def read_records(client: Client) -> Records:
    """Read all records and health checks; raises ClientError or BotoCoreError."""
    route53 = client("route53", DNS_REGION)
    zones = route53.get_paginator("list_hosted_zones").paginate()
    sets = [
        record
        for page in zones
        for zone in page["HostedZones"]
        for records in route53.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=zone["Id"]
        )
        for record in records["ResourceRecordSets"]
    ]
    checks = {
        str(check["Id"]): check["HealthCheckConfig"]
        for page in route53.get_paginator("list_health_checks").paginate()
        for check in page["HealthChecks"]
    }
    return Records(sets, checks)


def target_groups(rules: Iterable[Iterable[Answer]], listeners: Iterable[Answer]) -> list[str]:
    """Return the ARNs of all target groups that rules and default actions name."""
    actions = [
        action
        for actions in (
            *(rule["Actions"] for own in rules for rule in own),
            *(one["DefaultActions"] for one in listeners),
        )
        for action in actions
    ]
    named = [action["TargetGroupArn"] for action in actions if "TargetGroupArn" in action]
    listed = [
        group["TargetGroupArn"]
        for action in actions
        for group in section(action, "ForwardConfig").get("TargetGroups", ())
    ]
    return sorted({str(one) for one in (*named, *listed)})


def _rules(elb: Any, known: Mapping[str, Iterable[Answer]]) -> dict[str, list[Answer]]:
    """Read the known rules, all in one call."""
    arns = [rule["RuleArn"] for own in known.values() for rule in own if not rule["IsDefault"]]
    if not arns:
        return {listener: list(own) for listener, own in known.items()}
    fresh = {one["RuleArn"]: one for one in elb.describe_rules(RuleArns=arns)["Rules"]}
    return {
        listener: [
            fresh.get(rule["RuleArn"], rule)
            for rule in own
            if rule["IsDefault"] or rule["RuleArn"] in fresh
        ]
        for listener, own in known.items()
    }


def _health(elb: Any, known: RegionAnswers) -> dict[str, list[Answer]]:
    return {
        group: elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        for group in target_groups(known.rules.values(), known.listeners)
    }


def _attributes(answer: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in answer["Attributes"]}


def _pages(elb: Any, call: str, key: str, **given: str) -> Iterator[Answer]:
    page = getattr(elb, call)(**given)
    yield from page[key]
    while marker := page.get("NextMarker"):
        page = getattr(elb, call)(**given, Marker=marker)
        yield from page[key]
