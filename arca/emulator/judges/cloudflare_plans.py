"""The judge of Cloudflare's plans: what the API refuses of a zone's rules and health checks.

The limits are those of arca/zone_plans.py, which names Cloudflare's pages. A message that ends with
`(simulated)` has our words, because no page and no published answer of the API shows Cloudflare's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from arca.zone_plans import Period, PlanLimits

RULES_PAGE = "Cloudflare WAF documentation, Rate limiting rules, Availability"
CUSTOM_PAGE = "Cloudflare WAF documentation, Custom rules, Availability"
MANAGED_PAGE = "Cloudflare WAF documentation, Managed Rules, Availability"
CACHE_PAGE = "Cloudflare Cache documentation, Edge and Browser Cache TTL"
CHECKS_PAGE = "Cloudflare Health Checks documentation, Availability"
COLO = "cf.colo.id"
TOO_MANY_RULES = 50001
MISSING_COLO = 20155
NOT_ENTITLED = 20120
"""The code of an action that the zone's plan does not have. That Cloudflare uses it for periods,
timeouts and cache times too was not seen."""
NO_HEALTH_CHECKS = 1002


class PlanFault(NamedTuple):
    """What the API answers to a parameter that the zone's plan does not allow."""

    code: int
    path: str
    says: str
    page: str


def judge_ruleset(ruleset: Mapping[str, Any], limits: PlanLimits) -> Iterator[PlanFault]:
    """Yield what a plan refuses of a ruleset, in the words of the API's parameters."""
    rules: list[dict[str, Any]] = ruleset.get("rules", [])
    phase = str(ruleset.get("phase", ""))
    most = {
        "http_ratelimit": (limits.rate_limits, RULES_PAGE),
        "http_request_firewall_custom": (limits.custom_rules, CUSTOM_PAGE),
        "http_request_firewall_managed": (1 if limits.managed_ruleset else 0, MANAGED_PAGE),
    }
    if phase in most and len(rules) > most[phase][0]:
        number, page = most[phase]
        says = f"exceeded the maximum number of rules in the phase {phase}: {len(rules)} out of "
        yield PlanFault(TOO_MANY_RULES, "rules", f"{says}{number}", page)
    for number, rule in enumerate(rules):
        yield from _judge_rate(rule.get("ratelimit", {}), f"rules[{number}].ratelimit", limits)
        yield from _judge_cache(rule.get("action_parameters", {}), f"rules[{number}]", limits)


def judge_healthcheck(limits: PlanLimits) -> Iterator[PlanFault]:
    """Yield the refusal of any health check, where the plan has none."""
    if not limits.health_checks:
        yield PlanFault(NO_HEALTH_CHECKS, "type", "health checks disabled for zone", CHECKS_PAGE)


def _judge_rate(limit: Mapping[str, Any], path: str, limits: PlanLimits) -> Iterator[PlanFault]:
    if not limit:
        return
    if COLO not in limit.get("characteristics", []):
        says = (
            f"characteristics field is missing '{COLO}', this is required as ratelimiting "
            "counting is processed at colocation level only"
        )
        yield PlanFault(MISSING_COLO, f"{path}.characteristics", says, RULES_PAGE)
    periods = [one for one in get_args(Period) if one <= limits.longest_period]
    if limit.get("period") not in periods:
        says = (
            f"not entitled to use the period {limit.get('period')}, can only use a period among "
            f"[{' '.join(map(str, periods))}]"
        )
        yield PlanFault(NOT_ENTITLED, f"{path}.period", says, RULES_PAGE)
    if limit.get("mitigation_timeout", 0) > limits.longest_timeout:
        says = f"not entitled to use a mitigation timeout different from {limits.longest_timeout}"
        if limits.longest_timeout > min(periods):
            says = (
                f"not entitled to use a mitigation timeout of {limit['mitigation_timeout']}, "
                f"at most {limits.longest_timeout} (simulated)"
            )
        yield PlanFault(NOT_ENTITLED, f"{path}.mitigation_timeout", says, RULES_PAGE)


def _judge_cache(action: Mapping[str, Any], path: str, limits: PlanLimits) -> Iterator[PlanFault]:
    ttl = action.get("edge_ttl", {})
    if ttl.get("mode") == "override_origin" and ttl.get("default", 0) < limits.shortest_cache:
        says = (
            f"not entitled to use an edge cache TTL of {ttl.get('default')}, at least "
            f"{limits.shortest_cache} (simulated)"
        )
        yield PlanFault(
            NOT_ENTITLED, f"{path}.action_parameters.edge_ttl.default", says, CACHE_PAGE
        )
