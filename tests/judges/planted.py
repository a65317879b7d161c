"""Faults that are planted into the graph of prod, one at a time, and who finds each."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import takewhile
from typing import Any, NamedTuple, cast

from arca.emulator.judges.finding import Finding
from arca.emulator.judges.refusals import MadeCall
from arca.emulator.program.engine import Registration
from arca.zone_plans import Plan
from tests.graph import Graph
from tests.judges import (
    calls,
    cfn_lint,
    cloudflare_plans,
    cloudflare_types,
    collector,
    metrics,
    roles,
)
from tests.judges.expected import EXPECTED, place
from tests.stacks import settings_of

PLAN = settings_of("prod").edge.plan
"""The plan of the zone that faults are planted into; a fault may name another."""


SAME_NAME = "cfn-lint E3019"
"""The rule against two resources of one name; several faults are planted into one resource."""


class Fault(NamedTuple):
    """A change of one declared resource, and the judges that speak up."""

    what: str
    kind: str
    name: str
    changes: Mapping[str, Any]
    """Values by dotted paths; a number is a position in a list, `@` reads a text as JSON."""
    found_by: frozenset[str]
    item: int = 0
    """The item of issue 14 that was this fault; 0 for others."""
    plan: Plan = PLAN


def planted(graph: Graph, fault: Fault) -> tuple[Graph, Registration]:
    """Return the graph with the fault in it, and the changed resource."""
    node = graph.one(fault.kind, fault.name)
    inputs = deepcopy(dict(node.inputs))
    for path, value in fault.changes.items():
        inputs = _with(inputs, path.split("."), value)
    changed = replace(node, inputs=inputs)
    nodes = {**graph.nodes, node.urn: changed}
    states = {**graph.states, node.urn: {**graph.states[node.urn], **inputs}}
    return replace(graph, nodes=nodes, states=states), changed


def _with(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if step == "@":
        return json.dumps(_with(json.loads(value), rest, new))
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_with(one, rest, new) if str(n) == step else one for n, one in enumerate(items)]
    inner = cast("Mapping[str, Any]", value)
    if new is None and not rest:
        return {key: one for key, one in inner.items() if key != step}
    return {**inner, step: _with(inner.get(step, {}), rest, new)}


def found(graph: Graph, faults: Sequence[Fault], *, by_cfn_lint: bool) -> list[list[Finding]]:
    """Return for each fault what all judges say of it, and would not say without it.

    cfn-lint is slow, and is asked only on demand.
    """
    changed = [planted(graph, fault) for fault in faults]
    linted = _by_cfn_lint(changed) if by_cfn_lint else {}
    made = list(calls.planned(graph))
    return [
        [
            *(one for one in linted.get(number, []) if place(one) not in EXPECTED),
            *_new(graph, with_fault, node, faults[number].plan, made),
        ]
        for number, (with_fault, node) in enumerate(changed)
    ]


def _by_cfn_lint(changed: Sequence[tuple[Graph, Registration]]) -> dict[int, list[Finding]]:
    """Lint all changed resources in one template for each region, because a run takes a while."""
    together: dict[str, list[cfn_lint.Whole]] = defaultdict(list)
    for number, (graph, node) in enumerate(changed):
        for region, wholes in cfn_lint.templates(graph, [node]).items():
            # The number of the fault in the place of the URN: several faults are in one resource.
            owners = [dict.fromkeys(whole.owners, f"{number}::{node.name}") for whole in wholes]
            together[region] += [
                replace(whole, urn=f"{number}::{node.name}", owners=mine)
                for whole, mine in zip(wholes, owners, strict=True)
            ]
    said: dict[int, list[Finding]] = defaultdict(list)
    for region, wholes in together.items():
        for finding in cfn_lint.lint(region, wholes):
            if finding.judge != SAME_NAME:
                said[int(finding.resource.partition("::")[0])].append(finding)
    return said


def _new(
    graph: Graph, changed: Graph, node: Registration, plan: Plan, made: Sequence[calls.Planned]
) -> list[Finding]:
    before = [one.made for one in takewhile(lambda one: one.urn != node.urn, made)]
    said = _others(changed, node, plan, before)
    if all(place(one) not in EXPECTED for one in said):
        return said
    today = _others(graph, graph.nodes[node.urn], PLAN, before)
    return [one for one in said if one not in today]


def _others(
    graph: Graph, node: Registration, plan: Plan, before: Sequence[MadeCall]
) -> list[Finding]:
    """Return what all judges but cfn-lint say of one resource."""
    one = [node]
    return [
        *calls.judge_constraints(graph, one),
        *calls.judge_refusals(graph, one, before),
        *cloudflare_types.judge(graph, one),
        *cloudflare_plans.judge(graph, plan, one),
        *(metrics.judge(graph, one) if node.type in (metrics.ALARM, metrics.DASHBOARD) else []),
        *(_of_role(graph, node) if node.type in (POLICY, ROLE) else []),
        *(collector.judge(graph) if (node.type, node.name) == CONFIGURATION else []),
    ]


def _of_role(graph: Graph, node: Registration) -> list[Finding]:
    """Return what is said of a role, or of the role of a policy, which has its name."""
    return [one for one in roles.judge(graph) if one.resource.rpartition("::")[2] == node.name]


def names(said: list[Finding]) -> frozenset[str]:
    """Return the judges without their rules."""
    return frozenset(finding.judge.partition(" ")[0] for finding in said)


CFN, BOTOCORE, REFUSALS = "cfn-lint", "botocore", "refusals"
CLOUDFLARE, ON_PLAN, METRICS = "cloudflare", "plan", "metrics"
ROLES, COLLECTOR = "roles", "collector"
DATABASE = ("aws:rds/instance:Instance", "database")
CACHE = ("aws:elasticache/replicationGroup:ReplicationGroup", "cache")
CANARY = ("aws:synthetics/canary:Canary", "probe")
SERVICE = ("aws:ecs/service:Service", "service")
TASK = ("aws:ecs/taskDefinition:TaskDefinition", "service")
LIMITS = ("cloudflare:index/ruleset:Ruleset", "edge-ratelimit")
CHECK = ("cloudflare:index/healthcheck:Healthcheck", "edge-region")
ALARM = ("aws:cloudwatch/metricAlarm:MetricAlarm", "observability-arca-latency")
BOARD = ("aws:cloudwatch/dashboard:Dashboard", "observability-infrastructure")
CONFIGURATION = ("aws:ssm/parameter:Parameter", "service-collector")
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"


def fault(
    what: str, at: tuple[str, str], changes: Mapping[str, Any], *found_by: str, **more: Any
) -> Fault:
    """Return a fault; `more` holds its item and its plan."""
    return Fault(what, *at, changes, frozenset(found_by), **more)
