"""The flows that the platform needs, those that are open besides, and the verdict on each pair."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from arca.graph import Graph
from arca.reach.answer import Answer
from arca.reach.hosts import CACHE, PROXY
from arca.reach.places import CANARY, SOURCES, TARGETS
from arca.reach.reach import matrix
from arca.reach.requests import ORIGIN_PULLS

Expected = Literal["needed", "open", "refused"]
RETURNING = {("primary", "following"), ("primary", "promoting")}
"""Role and phase of a primary that fails back, and is fenced meanwhile."""
CLOUDFLARE_CHECK = "cloudflare:index/healthcheck:Healthcheck"


@dataclass(frozen=True)
class Flow:
    """A connection that a stack of some kind must, or may, let through."""

    source: str
    target: str
    why: str
    when: Callable[[Graph], bool] = lambda _: True
    """Whether a stack is of the kind."""


def _serving(graph: Graph) -> bool:
    """Whether customers are sent here: a standby is not, nor a fenced primary."""
    return graph.exports["phase"] == "active"


def _answering(graph: Graph) -> bool:
    """Whether the region answers: a standby does, to its health checks, and a fenced one not."""
    role, phase = graph.exports["role"], graph.exports["phase"]
    return phase != "fenced" and (role, phase) not in RETURNING


def _pausing(graph: Graph) -> bool:
    """Whether a release has new tasks beside the old ones, which are tested before customers."""
    return graph.exports["service"]["strategy"] != "rolling"


def _has(kind: str) -> Callable[[Graph], bool]:
    return lambda graph: next(graph.of(kind), None) is not None


def _without_proxy(graph: Graph) -> bool:
    return not _has(PROXY)(graph)


def _probed(graph: Graph) -> bool:
    return _has(CANARY)(graph) and _serving(graph)


def _checked_by_cloudflare(graph: Graph) -> bool:
    return _has(CLOUDFLARE_CHECK)(graph) and _answering(graph)


def _shares_a_zone(graph: Graph) -> bool:
    """Whether Cloudflare's zone belongs to another stack, which is not this one's primary."""
    return not any(_has(ORIGIN_PULLS)(one) for one in (graph, graph.primary) if one)


def _asked(target: str) -> Callable[[Graph], bool]:
    return TARGETS[target].there


STARTS = {
    "ecr": "its image",
    "s3": "the layers of its image, and documents",
    "secretsmanager": "its secrets",
    "ssm": "its parameters, and the collector's configuration",
    "logs": "its log lines, and the collector's metrics",
    "xray": "its traces",
    "public-ecr": "the collector's image",
}
"""What every task asks, whatever it runs: a smoke test runs with the service's definition."""
NEEDED: tuple[Flow, ...] = (
    Flow("customer", "api", "invoices", _serving),
    Flow("cloudflare", "production-listener", "what customers ask", _answering),
    Flow("cloudflare", "regional-api", "Cloudflare's check of the region", _checked_by_cloudflare),
    Flow("route53-health-checker", "regional-api", "the health of the region", _answering),
    Flow("probe", "api", "the objectives seen from outside", _probed),
    Flow("load-balancer", "service", "requests and health checks"),
    Flow("service", "database-proxy", "queries", _has(PROXY)),
    Flow("service", "database", "queries", _without_proxy),
    Flow("service", "cache", "tokens, idempotency keys, rate limits", _has(CACHE)),
    Flow("service", "tax-agency", "the authorization of invoices"),
    Flow("service", "ssmmessages", "ECS Exec", _asked("ssmmessages")),
    Flow("job", "database", "migrations, which need a session of their own"),
    Flow("job", "test-listener", "smoke tests before customers", _pausing),
    Flow("database-proxy", "database", "the pool of the proxy", _has(PROXY)),
    *(
        Flow(source, target, why, _asked(target))
        for source in ("service", "job")
        for target, why in STARTS.items()
    ),
)
"""What fails where a flow is refused; each holds for the stacks of its kind."""
PUBLIC = "the API is public"
OPEN: tuple[Flow, ...] = (
    *(
        Flow(source.name, target, PUBLIC)
        for source in SOURCES.values()
        for target in ("api", "regional-api")
        if source.name not in ("load-balancer", "database-proxy", "database", "cache")
    ),
    Flow(
        "other-cloudflare-zone",
        "production-listener",
        "a review stack has no zone of its own, and its listener no client's certificate",
        _shares_a_zone,
    ),
    Flow("service", "database", "the rule for read replicas names the instance's group too"),
    Flow("job", "tax-agency", "AWS's addresses are as public as the agency's, so 443 is open"),
    Flow("job", "ssmmessages", "likewise", _asked("ssmmessages")),
)
"""What nobody needs and is let through all the same, and why; it may also be refused."""


@dataclass(frozen=True)
class Verdict:
    """A pair of places: what is expected of it, why, and the answer of the graph."""

    expected: Expected
    why: str
    answer: Answer

    @property
    def kept(self) -> bool:
        """True where the graph does what is expected; an open flow may be refused."""
        return self.expected == "open" or self.answer.reached == (self.expected == "needed")


def verdicts(graph: Graph) -> Mapping[tuple[str, str], Verdict]:
    """Return the verdict on each pair that the graph decides; raises what `matrix` raises."""
    needed, tolerated = (dict(_of(flows, graph)) for flows in (NEEDED, OPEN))
    found: dict[tuple[str, str], Verdict] = {}
    for pair, answer in matrix(graph).items():
        if pair in needed:
            found[pair] = Verdict("needed", needed[pair], answer)
        elif pair in tolerated:
            found[pair] = Verdict("open", tolerated[pair], answer)
        else:
            found[pair] = Verdict("refused", "", answer)
    return found


def _of(flows: tuple[Flow, ...], graph: Graph) -> Iterator[tuple[tuple[str, str], str]]:
    for flow in flows:
        if flow.when(graph):
            yield (flow.source, flow.target), flow.why
