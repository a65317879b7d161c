"""The judge of Cloudflare's plans: what a zone of a plan refuses of the declared resources."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from components.edge.plans import PLANS, Period, Plan, PlanLimits
from tests.graph import Graph

JUDGE = "plan"
HEALTHCHECK = "cloudflare:index/healthcheck:Healthcheck"
RULESET = "cloudflare:index/ruleset:Ruleset"


def judge(graph: Graph, plan: Plan, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what a zone of a plan refuses of a stack's resources, or of some."""
    chosen = graph.custom() if nodes is None else nodes
    return [finding for node in chosen for finding in _judge(node, PLANS[plan])]


def _judge(node: Registration, limits: PlanLimits) -> Iterator[Finding]:
    if node.type == HEALTHCHECK and not limits.health_checks:
        yield Finding(JUDGE, node.urn, "type", "the plan has no health checks")
    if node.type != RULESET:
        return
    rules: list[dict[str, Any]] = node.inputs.get("rules", [])
    phase = node.inputs["phase"]
    most = {
        "http_ratelimit": limits.rate_limits,
        "http_request_firewall_custom": limits.custom_rules,
        "http_request_firewall_managed": 1 if limits.managed_ruleset else 0,
    }
    if phase in most and len(rules) > most[phase]:
        yield Finding(JUDGE, node.urn, "rules", f"{len(rules)} rules, at most {most[phase]}")
    for number, rule in enumerate(rules):
        limit = rule.get("ratelimit", {})
        path = f"rules[{number}].ratelimit"
        if limit and limit["period"] not in get_args(Period):
            yield Finding(JUDGE, node.urn, f"{path}.period", f"{limit['period']:g} is none")
        if limit.get("period", 0) > limits.longest_period:
            says = f"{limit['period']:g} s, at most {limits.longest_period}"
            yield Finding(JUDGE, node.urn, f"{path}.period", says)
        if limit.get("mitigationTimeout", 0) > limits.longest_timeout:
            says = f"{limit['mitigationTimeout']:g} s, at most {limits.longest_timeout}"
            yield Finding(JUDGE, node.urn, f"{path}.mitigationTimeout", says)
