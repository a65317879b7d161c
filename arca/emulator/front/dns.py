"""The emulated Route 53's answer to a name: pure functions of its records and health checks.

Source: Amazon Route 53 Developer Guide, "How Amazon Route 53 chooses records when health checking
is configured" and API Reference, HealthCheckConfig.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arca.emulator.front.conditions import section
from arca.errors import ArcaError

Answer = Mapping[str, Any]
CACHE_SECONDS = 0.5
"""Seconds for which an answer is kept. On AWS, an alias to a load balancer has 60 (Amazon Route 53
Developer Guide, "Choosing between alias and non-alias records")."""


class UnresolvedName(ArcaError):
    """Route 53 has no answer for a name, or one that the front cannot find."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{name} has no address: {what}.",
            where="the emulated Route 53",
            wanted="a record of type A with a load balancer as its alias",
            do="see which records `make up` declared, and arca/emulator/front/README.md",
        )


@dataclass(frozen=True)
class Records:
    """The records and health checks as the API returns them."""

    sets: Sequence[Answer] = ()
    """ListResourceRecordSets of all zones."""
    checks: Mapping[str, Answer] = field(default_factory=dict[str, Any])
    """HealthCheckConfig by the health check's id."""


def resolve(name: str, records: Records) -> str:
    """Return the DNS name of the load balancer that a name leads to; raises UnresolvedName."""
    found = [
        one for one in records.sets if one["Type"] == "A" and plain(one["Name"]) == plain(name)
    ]
    if not found:
        raise UnresolvedName(name, "it has no record of type A")
    chosen = _chosen(name, found, records.checks)
    if "AliasTarget" not in chosen:
        raise UnresolvedName(name, "its record is no alias")
    return plain(chosen["AliasTarget"]["DNSName"])


def plain(name: str) -> str:
    """Return a DNS name in lower case, without the last dot and a load balancer's `dualstack.`."""
    return name.lower().removesuffix(".").removeprefix("dualstack.")


def _chosen(name: str, found: Sequence[Answer], checks: Mapping[str, Answer]) -> Answer:
    if len(found) == 1 and "Failover" not in found[0]:
        # A single record answers whatever its health.
        return found[0]
    halves = {str(one.get("Failover")): one for one in found}
    if not set(halves) <= {"PRIMARY", "SECONDARY"} or len(halves) != len(found):
        raise UnresolvedName(name, "its records are no failover pair")
    for half in ("PRIMARY", "SECONDARY"):
        if half in halves and _healthy(name, halves[half], checks):
            return halves[half]
    # If all are unhealthy, Route 53 answers as if all were healthy.
    return halves.get("PRIMARY") or halves["SECONDARY"]


def _healthy(name: str, record: Answer, checks: Mapping[str, Answer]) -> bool:
    if section(record, "AliasTarget").get("EvaluateTargetHealth"):
        raise UnresolvedName(name, "its failover pair asks for the load balancer's health")
    check = record.get("HealthCheckId")
    return check is None or _passes(name, str(check), checks)


def _passes(name: str, check: str, checks: Mapping[str, Answer]) -> bool:
    """Return whether a health check is healthy.

    A calculated one with a threshold of 0 always is, a disabled one too, and an inverted one says
    the opposite. Any other check would need Route 53's checkers, which the emulator lacks.
    """
    config = checks.get(check)
    if config is None:
        raise UnresolvedName(name, f"its health check {check} does not exist")
    always = config["Type"] == "CALCULATED" and int(config.get("HealthThreshold", 1)) == 0
    if not always and not config.get("Disabled"):
        raise UnresolvedName(name, f"nobody runs its health check {check} ({config['Type']})")
    return not config.get("Inverted")


class Resolver:
    """Answers names, and keeps each answer for a while, as Cloudflare does."""

    def __init__(self, *, cache_seconds: float, monotonic: Callable[[], float]) -> None:
        self.records = Records()
        self._cache_seconds, self._monotonic = cache_seconds, monotonic
        self._cache: dict[str, tuple[float, str]] = {}

    def resolve(self, name: str) -> str:
        """Return the DNS name of a load balancer, at most `cache_seconds` old."""
        now = self._monotonic()
        until, answer = self._cache.get(name, (0.0, ""))
        if not answer or now >= until:
            answer = resolve(name, self.records)
            self._cache[name] = (now + self._cache_seconds, answer)
        return answer
