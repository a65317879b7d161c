"""What each plan of Cloudflare allows a zone.

The settings of the edge refuse what the plan does not allow, and so does the emulated Cloudflare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Plan = Literal["free", "pro", "business", "enterprise"]
DEFAULT_PLAN: Plan = "pro"
"""The plan of a stack whose file names none."""


@dataclass(frozen=True)
class PlanLimits:
    """The limits of a zone on one plan, in numbers of rules and in seconds."""

    rate_limits: int
    longest_period: int
    longest_timeout: int
    shortest_cache: int
    custom_rules: int
    managed_ruleset: bool
    health_checks: bool


PLANS: Mapping[Plan, PlanLimits] = {
    "free": PlanLimits(1, 10, 10, 7200, 5, managed_ruleset=False, health_checks=False),
    "pro": PlanLimits(2, 60, 3600, 3600, 20, managed_ruleset=True, health_checks=True),
    "business": PlanLimits(5, 600, 86400, 1, 100, managed_ruleset=True, health_checks=True),
    "enterprise": PlanLimits(100, 65535, 86400, 1, 1000, managed_ruleset=True, health_checks=True),
}
"""Checked on 2026-11-28. Cloudflare WAF documentation, "Rate limiting rules", "WAF custom rules"
and "WAF Managed Rules", Availability; Cloudflare Cache documentation, "Edge and Browser Cache TTL";
Cloudflare Health Checks documentation. An enterprise
contract may allow fewer rate limits than 100."""

Period = Literal[10, 15, 20, 30, 40, 45, 60, 90, 120, 180, 240, 300, 480, 600, 900, 1800, 3600]
Timeout = Literal[Period, 86400]
"""Seconds that Cloudflare supports ("Rate limiting rules", Availability, footnote 3), except for
some above ten minutes."""
