"""The judge of Cloudflare's plans: what a zone of a plan refuses of the declared resources."""

from collections.abc import Iterable, Iterator

from arca.emulator.judges.cloudflare_plans import judge_healthcheck, judge_ruleset
from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from arca.emulator.provider.cloudflare_api import to_cloudflare
from arca.zone_plans import PLANS, Plan, PlanLimits
from tests.graph import Graph

JUDGE = "plan"
HEALTHCHECK = "cloudflare:index/healthcheck:Healthcheck"
RULESET = "cloudflare:index/ruleset:Ruleset"


def judge(graph: Graph, plan: Plan, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what a zone of a plan refuses of a stack's resources, or of some."""
    chosen = graph.custom() if nodes is None else nodes
    return [finding for node in chosen for finding in _judge(node, PLANS[plan])]


def _judge(node: Registration, limits: PlanLimits) -> Iterator[Finding]:
    faults = {
        HEALTHCHECK: lambda: judge_healthcheck(limits),
        RULESET: lambda: judge_ruleset(to_cloudflare(node.inputs), limits),
    }
    if node.type in faults:
        for fault in faults[node.type]():
            yield Finding(JUDGE, node.urn, fault.path, f"{fault.says} ({fault.page})")
