"""What a stack needs of each quota at its most, and what the stacks of an account need together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from arca.graph import Graph, Resource
from arca.quotas.table import (
    ADDRESSES,
    LOG_POLICIES,
    ON_DEMAND_VCPU,
    QUOTAS,
    RULES,
    SPOT_VCPU,
    VPCS,
    Quota,
)

CPU_UNITS = 1024
"""CPU units of a virtual CPU (Amazon ECS API Reference, TaskDefinition)."""
PROVIDERS = {"FARGATE": ON_DEMAND_VCPU, "FARGATE_SPOT": SPOT_VCPU}
FOREIGN_LIST_RULES = 55
"""Rules that a prefix list of AWS's own counts for at most (Amazon VPC User Guide, "AWS-managed
prefix lists", weight); the graph does not say which list it is."""
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "cidrIpv4": ("IPv4",),
    "cidrIpv6": ("IPv6",),
    "referencedSecurityGroupId": ("IPv4", "IPv6"),
    "prefixListId": ("IPv4", "IPv6"),
}
"""The address families for which a rule counts, by the input that names its peer. AWS counts each
family on its own. It does not say whether a list of one family counts for the other too, so here it
does (Amazon VPC User Guide, "Amazon VPC quotas", Security groups)."""
DIRECTIONS = {
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "inbound",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "outbound",
}
COUNTED = {"aws:ec2/eip:Eip": ADDRESSES, "aws:ec2/vpc:Vpc": VPCS}
"""Quotas that are the number of a type's resources."""
LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"


@dataclass(frozen=True)
class Need:
    """What one stack needs of a quota in a region, in the quota's unit."""

    stack: str
    """Its name, or a pattern with `*` for several that are alike."""
    region: str
    quota: Quota
    amount: float
    why: str
    names: frozenset[str] = frozenset()
    """Physical names of what it counts, where they are known before AWS has them."""

    def times(self, count: int, stack: str, why: str) -> "Need":
        """Return what so many stacks like this one need.

        `stack` stands for all of them with `*`, in the names too: `review-*`.
        """
        names = frozenset(name.replace(self.stack, stack) for name in self.names)
        amount = self.amount * count if self.quota.shared else self.amount
        return replace(self, stack=stack, amount=amount, why=f"{why}: {self.why}", names=names)


@dataclass(frozen=True)
class Total:
    """What the stacks of an account need of a quota in a region."""

    quota: Quota
    region: str
    needs: tuple[Need, ...]

    @property
    def amount(self) -> float:
        """The sum of what the stacks need, or the most of it where nothing is shared."""
        amounts = [need.amount for need in self.needs]
        return sum(amounts) if self.quota.shared else max(amounts)

    @property
    def stacks(self) -> frozenset[str]:
        """The names of the stacks, and patterns with `*`."""
        return frozenset(need.stack for need in self.needs)

    @property
    def names(self) -> frozenset[str]:
        """The physical names of what the stacks count, and patterns with `*`."""
        return frozenset[str]().union(*(need.names for need in self.needs))


def needs(graph: Graph) -> list[Need]:
    """Return what a stack needs at its most, by quota and region; nothing that is 0."""
    found = [*_fargate(graph), *_counted(graph), *_rules(graph), *_log_policies(graph)]
    return sorted(
        (need for need in found if need.amount),
        key=lambda need: (QUOTAS.index(need.quota), need.region),
    )


def totals(found: Iterable[Need]) -> list[Total]:
    """Return what stacks of one account need together, in the order of QUOTAS."""
    grouped: dict[tuple[int, str], list[Need]] = {}
    for need in found:
        grouped.setdefault((QUOTAS.index(need.quota), need.region), []).append(need)
    return [
        Total(QUOTAS[place], region, tuple(sorted(grouped[place, region], key=lambda n: n.stack)))
        for place, region in sorted(grouped)
    ]


def _region(resource: Resource, graph: Graph) -> str:
    return resource.text("region") or graph.region


def _fargate(graph: Graph) -> Iterator[Need]:
    """Yield the virtual CPUs of a release at the highest load, and of a one-off task beside it.

    The exports say how releases deploy. Every task counts for each provider that may get one,
    because a person moves all of them on demand when Spot has no capacity. Migrations and other
    one-off tasks are always on demand (arca/release/tasks.py).
    """
    service: Mapping[str, Any] | None = graph.exports.get("service")
    if service is None:
        return
    sizes = {
        one.text("family"): one.number("cpu") / CPU_UNITS
        for one in graph.of("aws:ecs/taskDefinition:TaskDefinition")
    }
    size, one_off = sizes[service["task_family"]], max(sizes.values())
    most = _most_tasks(graph, f"service/{service['cluster']}/{service['name']}")
    tasks, how = _in_a_release(most, service["deployment_configuration"])
    why = f"{most} {'task' if most == 1 else 'tasks'} of {size:g} vCPU, {how}"
    chosen = {
        one["capacityProvider"]: bool(one.get("base") or one.get("weight"))
        for one in service["capacity_provider_strategy"]
    }
    for provider, quota in PROVIDERS.items():
        amount = tasks * size if chosen.get(provider, False) else 0
        if quota is ON_DEMAND_VCPU:
            beside = f"a one-off task of {one_off:g} vCPU"
            reason = f"{why}, and {beside}" if amount else beside
            yield Need(graph.stack, graph.region, quota, amount + one_off, reason)
        else:
            yield Need(graph.stack, graph.region, quota, amount, why)


def _most_tasks(graph: Graph, resource_id: str) -> int:
    """Return the highest number of tasks by load or schedule, or the number that does not vary."""
    limits = [
        *(one for one in graph.of("aws:appautoscaling/target:Target")),
        *(one for one in graph.of("aws:appautoscaling/scheduledAction:ScheduledAction")),
    ]
    found: list[float] = []
    for one in limits:
        if one.text("resourceId") == resource_id:
            inputs = {**one.inputs, **one.below("scalableTargetAction")}
            found += [float(inputs.get(key) or 0) for key in ("minCapacity", "maxCapacity")]
    if not found:
        found = [one.number("desiredCount") for one in graph.of("aws:ecs/service:Service")]
    return int(max(found, default=0))


def _in_a_release(most: int, configuration: Mapping[str, Any]) -> tuple[int, str]:
    """Return the tasks that run at once during a release, and how that comes about.

    Source: Amazon ECS API Reference, DeploymentConfiguration. The other strategies start the new
    revision's tasks beside all of those that serve.
    """
    if configuration.get("strategy", "ROLLING") != "ROLLING":
        return most * 2, "twice during a release"
    percent = int(configuration.get("maximumPercent") or 200)
    return most * percent // 100, f"up to {percent}% during a release"


def _counted(graph: Graph) -> Iterator[Need]:
    for kind, quota in COUNTED.items():
        found = Counter(_region(one, graph) for one in graph.of(kind))
        for region, count in found.items():
            yield Need(graph.stack, region, quota, count, f"{count} declared")


def _rules(graph: Graph) -> Iterator[Need]:
    """Yield the rules of the fullest group, direction and address family, in each region."""
    groups = {one.id: one.name for one in graph.of("aws:ec2/securityGroup:SecurityGroup")}
    lists = {
        one.id: int(one.number("maxEntries"))
        for one in graph.of("aws:ec2/managedPrefixList:ManagedPrefixList")
    }
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for kind, direction in DIRECTIONS.items():
        for rule in graph.of(kind):
            group = groups.get(rule.text("securityGroupId"), rule.text("securityGroupId"))
            for peer, families in FAMILIES.items():
                if not rule.text(peer):
                    continue
                # A list counts as many rules as it may have entries, not as it has.
                weight = (
                    lists.get(rule.text(peer), FOREIGN_LIST_RULES) if peer == "prefixListId" else 1
                )
                for family in families:
                    counts[_region(rule, graph), group, direction, family] += weight
    # Sorted, so that the same group is named in each run where two are equally full.
    fullest = {
        region: (count, f"{direction} of {group}, {family}")
        for (region, group, direction, family), count in sorted(
            counts.items(), key=lambda one: (one[1], one[0])
        )
    }
    for region, (count, why) in fullest.items():
        yield Need(graph.stack, region, RULES, count, why)


def _log_policies(graph: Graph) -> Iterator[Need]:
    """Yield the policies of the account; one for a single log group has a quota of its own."""
    names: dict[str, set[str]] = {}
    for one in graph.of(LOG_POLICY):
        if not one.text("resourceArn"):
            names.setdefault(_region(one, graph), set()).add(one.text("policyName"))
    for region, found in names.items():
        why = ", ".join(sorted(found))
        yield Need(graph.stack, region, LOG_POLICIES, len(found), why, frozenset(found))
