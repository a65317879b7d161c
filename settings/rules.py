"""Rules between sections of the settings.

A rule runs when every section that it needs is valid on its own, so that one run reports as
many problems as possible.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from components.database.spec import Replica
from components.service.spec import PausedSpec
from components.spec import ZONES
from components.windows import overlap, overlap_daily
from settings.model import LIVE_PATH, Settings
from settings.problem import Problem

RESERVED_CONNECTIONS = 15
"""Connections reserved for superusers, rdsadmin, migrations and an operator."""
ECR = re.compile(r"^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/")
"""An image in a private registry; the group is its region (Amazon ECR User Guide, "Amazon ECR
private registries")."""
TARGETS_PER_GROUP = 1000
"""Elastic Load Balancing User Guide, "Quotas for your Application Load Balancers"."""
DEPLOYMENT_OVERLAP = 2
"""Task sets that run side by side during a deployment, whatever the strategy."""
PRODUCTION_BACKUP_DAYS = 14
BACKUP_LEAD_MINUTES = 60
API_ROOT = "/v1"
LOGIN_PATH = "/v1/auth"
HEALTH_PATHS = (LIVE_PATH, "/health/ready")
"""Paths of the health checks (docs/service-contract.md)."""
NEEDED_WITHOUT_NAT = (
    "ecr.api",
    "ecr.dkr",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "ssm",
    "sts",
)


@dataclass(frozen=True)
class Rule:
    """A check over the sections that it needs."""

    needs: tuple[str, ...]
    check: Callable[[Settings], Iterator[Problem]]
    only_aws: bool = False
    """Whether the emulated cloud accepts what the rule refuses."""


def production_database(s: Settings) -> Iterator[Problem]:
    """Production has a standby database and enough days of backups."""
    if s.stage == "prod":
        if not s.database.multi_az:
            yield Problem("database.multi_az", False, "true in stage prod")
        if s.database.backup_days < PRODUCTION_BACKUP_DAYS:
            wanted = f"at least {PRODUCTION_BACKUP_DAYS} in stage prod"
            yield Problem("database.backup_days", s.database.backup_days, wanted)


def production_cache(s: Settings) -> Iterator[Problem]:
    """Production's cache survives the loss of a zone."""
    if s.stage == "prod" and not s.cache.multi_az:
        yield Problem("cache.multi_az", False, "true in stage prod")


def production_nat(s: Settings) -> Iterator[Problem]:
    """Production's NAT survives the loss of a zone."""
    if s.stage == "prod" and s.network.nat == "single":
        yield Problem("network.nat", s.network.nat, "per-zone or regional in stage prod")


def production_protection(s: Settings) -> Iterator[Problem]:
    """Production cannot be destroyed by mistake; what stands by can be made again."""
    standby = s.secondary and s.recovery.phase == "standby"
    if s.stage == "prod" and not s.protected and not standby:
        wanted = "true in stage prod, except in a DR stack on standby that is to be made again"
        yield Problem("protected", False, wanted)


def production_capacity(s: Settings) -> Iterator[Problem]:
    """Production's minimum of tasks runs on demand, so that AWS cannot reclaim it."""
    mix, fewest = s.service.fargate, s.service.scaling.min_tasks
    if s.stage == "prod" and mix.spot_weight and mix.on_demand_base < fewest:
        wanted = f"at least service.scaling.min_tasks, {fewest}, in stage prod with Spot"
        yield Problem("service.fargate.on_demand_base", mix.on_demand_base, wanted)


def production_alarms(s: Settings) -> Iterator[Problem]:
    """Production notices its own failures."""
    if s.stage == "prod" and not s.observability.alarms:
        yield Problem("observability.alarms", False, "true in stage prod")


def production_audit(s: Settings) -> Iterator[Problem]:
    """Production keeps audit records for at least a fiscal year."""
    if s.stage == "prod" and s.storage.audit_lock_days < 365:
        yield Problem(
            "storage.audit_lock_days", s.storage.audit_lock_days, "at least 365 in stage prod"
        )


def production_backups(s: Settings) -> Iterator[Problem]:
    """Production's backups outlive RDS's own, and nobody's mistake deletes them."""
    if s.stage == "prod" and not s.backups.enabled:
        yield Problem("backups.enabled", False, "true in stage prod")


def backup_windows(s: Settings) -> Iterator[Problem]:
    """AWS Backup stays away from the database's own windows, or its backup fails.

    Source: AWS Backup Developer Guide, "Amazon RDS backups": none may begin during the maintenance
    window or the automated backup window, nor in the hour before.
    """
    if not s.backups.enabled:
        return
    window, lead = s.backups.window, BACKUP_LEAD_MINUTES
    own, weekly = s.database.backup_window, s.database.maintenance_window
    if overlap_daily(window, own, before=lead):
        wanted = f"a window apart from database.backup_window, {own}, and from the hour before it"
        yield Problem("backups.window", window, wanted)
    if overlap(window, weekly, before=lead):
        wanted = (
            f"a window apart from database.maintenance_window, {weekly}, and from the hour before "
            "it"
        )
        yield Problem("backups.window", window, wanted)


def backups_stay(s: Settings) -> Iterator[Problem]:
    """A locked vault outlives its stack, so no disposable stack has one."""
    if s.disposable and not s.protected and s.backups.enabled:
        yield Problem("backups.enabled", True, "false where disposable is true")


def experiments_stop(s: Settings) -> Iterator[Problem]:
    """An experiment has alarms that end it, and a zone of the network's to cut off."""
    if not s.experiments.enabled:
        return
    if not s.observability.alarms:
        wanted = "true with experiments.enabled: alarms end an experiment"
        yield Problem("observability.alarms", False, wanted)
    zone, zones = s.experiments.zone, s.network.zones
    if zone is not None and zone not in zones:
        yield Problem("experiments.zone", zone, f"one of network.zones, {', '.join(zones)}")


def zones_exist(s: Settings) -> Iterator[Problem]:
    """Every zone exists in the region."""
    missing = [zone for zone in s.network.zones if zone not in ZONES[s.region]]
    if missing:
        wanted = f"letters of {', '.join(ZONES[s.region])}, the zones of {s.region}"
        yield Problem("network.zones", list(s.network.zones), wanted)


def endpoints_without_nat(s: Settings) -> Iterator[Problem]:
    """Without NAT, a task starts only through interface endpoints."""
    missing = [name for name in NEEDED_WITHOUT_NAT if name not in s.network.interface_endpoints]
    if s.network.nat == "none" and missing:
        wanted = f"also {', '.join(missing)}, because network.nat is none"
        yield Problem("network.interface_endpoints", list(s.network.interface_endpoints), wanted)


def pause_without_nat(s: Settings) -> Iterator[Problem]:
    """Smoke tests at the pause reach the test listener through NAT (components/access.py)."""
    chosen = s.service.deployment
    if s.network.nat == "none" and isinstance(chosen, PausedSpec) and chosen.pause_minutes:
        wanted = "0 where network.nat is none, because smoke tests cannot reach the test listener"
        yield Problem("service.deployment.pause_minutes", chosen.pause_minutes, wanted)


def connections(s: Settings) -> Iterator[Problem]:
    """The pools of both revisions in a deployment fit into the database's connections."""
    limit = s.database.max_connections
    tasks = s.service.scaling.max_tasks
    needed = tasks * s.service.pool_size * DEPLOYMENT_OVERLAP + RESERVED_CONNECTIONS
    if not s.database.proxy and needed > limit:
        wanted = (
            f"at most {(limit - RESERVED_CONNECTIONS) // (tasks * DEPLOYMENT_OVERLAP)}, because a "
            f"deployment runs {tasks} tasks twice, {RESERVED_CONNECTIONS} connections are "
            f"reserved, and {s.database.instance_class} has {limit}; or a bigger "
            "database.instance_class, or database.proxy: true"
        )
        yield Problem("service.pool_size", s.service.pool_size, wanted)


def proxy_pool(s: Settings) -> Iterator[Problem]:
    """The proxy keeps at most as many connections idle as it may hold."""
    if s.proxy.max_idle_percent > s.proxy.max_connections_percent:
        wanted = f"at most proxy.max_connections_percent, {s.proxy.max_connections_percent}"
        yield Problem("proxy.max_idle_percent", s.proxy.max_idle_percent, wanted)


def targets(s: Settings) -> Iterator[Problem]:
    """The tasks of both revisions fit into a target group."""
    most = s.service.scaling.max_tasks
    if most * DEPLOYMENT_OVERLAP > TARGETS_PER_GROUP:
        wanted = f"at most {TARGETS_PER_GROUP // DEPLOYMENT_OVERLAP}, half a target group's limit"
        yield Problem("service.scaling.max_tasks", most, wanted)


def health_timing(s: Settings) -> Iterator[Problem]:
    """A health check ends before the next one begins."""
    lb = s.load_balancer
    if lb.health_timeout_seconds >= lb.health_interval_seconds:
        wanted = f"below load_balancer.health_interval_seconds, {lb.health_interval_seconds}"
        yield Problem("load_balancer.health_timeout_seconds", lb.health_timeout_seconds, wanted)


def draining(s: Settings) -> Iterator[Problem]:
    """A task stops only after the load balancer has drained its requests."""
    stop, drain = s.service.stop_seconds, s.load_balancer.deregistration_seconds
    if stop < drain:
        wanted = f"at least load_balancer.deregistration_seconds, {drain}"
        yield Problem("service.stop_seconds", stop, wanted)


def replicas_and_passwords(s: Settings) -> Iterator[Problem]:
    """RDS refuses two features for an instance with a replica in another region."""
    copied = s.recovery.replica_region is not None or s.secondary
    if copied and s.database.managed_password:
        wanted = "false where a DR replica follows: RDS refuses a replica of such an instance"
        yield Problem("database.managed_password", True, wanted)
    if copied and s.database.blue_green_upgrades:
        wanted = "false where a DR replica follows: RDS Blue/Green refuses cross-region replicas"
        yield Problem("database.blue_green_upgrades", True, wanted)


def primary_follows_nobody(s: Settings) -> Iterator[Problem]:
    """A primary has no primary of its own, and follows another region only to fail back."""
    recovery = s.recovery
    if s.secondary:
        return
    for key in ("primary_stack", "primary_cidr"):
        if getattr(recovery, key) is not None:
            yield Problem(
                f"recovery.{key}", getattr(recovery, key), "none, because the role is primary"
            )
    if recovery.phase == "active":
        wanted = "none, or fenced, following or promoting, because the role is primary"
        yield Problem("recovery.phase", recovery.phase, wanted)
    elif recovery.phase != "standby" and recovery.replica_region is None:
        wanted = "none, because without recovery.replica_region nobody else serves"
        yield Problem("recovery.phase", recovery.phase, wanted)
    if recovery.replica_region == s.region:
        wanted = f"a region other than the stack's own, {s.region}"
        yield Problem("recovery.replica_region", recovery.replica_region, wanted)
    yield from _source_of_a_primary(s)
    if s.dns.failover and recovery.replica_region is None:
        yield Problem("dns.failover", True, "false without recovery.replica_region")


def released_data(s: Settings) -> Iterator[Problem]:
    """Only a stack that does not serve gives up its data: one that is fenced, or a standby."""
    recovery = s.recovery
    standby = s.secondary and recovery.phase == "standby"
    if recovery.release_data and recovery.phase != "fenced" and not standby:
        wanted = "false outside recovery.phase fenced, or standby of a secondary"
        yield Problem("recovery.release_data", True, wanted)


def copied_backups(s: Settings) -> Iterator[Problem]:
    """Only a primary that has just been promoted has no copies of its backups, for some minutes."""
    if not s.database.replicate_backups and s.database.source.kind != "promoted":
        wanted = "true; false only in a fail-back, with database.source promoted"
        yield Problem("database.replicate_backups", False, wanted)


def _source_of_a_primary(s: Settings) -> Iterator[Problem]:
    """A primary's database follows the DR stack's in two phases of a fail-back, as another one.

    RDS makes a replica only as a new instance (Amazon RDS API, CreateDBInstanceReadReplica).
    """
    recovery, source = s.recovery, s.database.source
    returning = recovery.phase in ("following", "promoting")
    if returning and (not isinstance(source, Replica) or source.source_arn is None):
        wanted = f"replica, with source_arn, in recovery.phase {recovery.phase}"
        yield Problem("database.source.kind", source.kind, wanted)
    elif not returning and isinstance(source, Replica):
        wanted = "new, snapshot, point-in-time, or promoted after a fail-back"
        yield Problem("database.source.kind", source.kind, wanted)
    elif isinstance(source, Replica) and _region(source.source_arn) != recovery.replica_region:
        wanted = f"an instance in recovery.replica_region, {recovery.replica_region}"
        yield Problem("database.source.source_arn", source.source_arn, wanted)
    elif source.kind in ("replica", "promoted") and s.database.generation == 1:
        wanted = "2 or more, because the first instance is no replica of a primary's"
        yield Problem("database.generation", s.database.generation, wanted)


def _region(arn: str | None) -> str | None:
    return arn.split(":")[3] if arn else None


def secondary_knows_its_primary(s: Settings) -> Iterator[Problem]:
    """A secondary names its primary, and their address ranges do not overlap."""
    recovery = s.recovery
    if not s.secondary:
        return
    if recovery.phase == "following":
        wanted = "standby, promoting, active or fenced, because the role is secondary"
        yield Problem("recovery.phase", recovery.phase, wanted)
    yield from _source_of_a_secondary(s)
    for key in ("primary_stack", "primary_cidr"):
        if getattr(recovery, key) is None:
            yield Problem(f"recovery.{key}", None, "the primary's, because the role is secondary")
    if recovery.replica_region is not None:
        yield Problem(
            "recovery.replica_region",
            recovery.replica_region,
            "none, because the role is secondary",
        )
    theirs = recovery.primary_cidr
    if theirs is not None and s.network.cidr.overlaps(theirs):
        wanted = f"a range that does not overlap the primary's, {theirs}"
        yield Problem("network.cidr", str(s.network.cidr), wanted)
    if not s.dns.failover:
        wanted = "true, because the secondary's record is one half of the failover pair"
        yield Problem("dns.failover", False, wanted)


def _source_of_a_secondary(s: Settings) -> Iterator[Problem]:
    """A standby follows its primary; once it serves, its data may come from a backup."""
    source = s.database.source
    if source.kind == "new":
        wanted = "replica, or snapshot or point-in-time in recovery.phase active"
        yield Problem("database.source.kind", source.kind, wanted)
    elif not s.serving and source.kind != "replica":
        yield Problem(
            "database.source.kind", source.kind, f"replica in recovery.phase {s.recovery.phase}"
        )
    if isinstance(source, Replica) and source.source_arn is not None:
        wanted = "none, because a secondary reads its primary's exports"
        yield Problem("database.source.source_arn", source.source_arn, wanted)


def rate_limits(s: Settings) -> Iterator[Problem]:
    """Cloudflare counts a request in every limit that matches it, so a wider limit bounds all.

    Source: Cloudflare WAF documentation, "How Cloudflare determines the request rate".
    """
    for number, limit in enumerate(s.edge.rate_limits):
        path = f"edge.rate_limits.{number}"
        for other in s.edge.rate_limits:
            wider = limit.path.startswith(other.path) and limit.path != other.path
            if wider and limit.per_minute >= other.per_minute:
                wanted = (
                    f"fewer than the {other.per_minute:g} a minute of {other.path}, which counts "
                    f"the requests to {limit.path} too"
                )
                yield Problem(f"{path}.requests", limit.requests, wanted)
    if not any(limit.path == LOGIN_PATH for limit in s.edge.rate_limits):
        wanted = (
            f"also a limit for {LOGIN_PATH}, where passwords are tried: a list in the file "
            "replaces the default list"
        )
        yield Problem("edge.rate_limits", [limit.path for limit in s.edge.rate_limits], wanted)


def edge_paths(s: Settings) -> Iterator[Problem]:
    """Customers' answers and health are never cached; the API and its checks are never blocked.

    Cloudflare compares the beginning of a path (components/edge/rules.py), so "/v" covers "/v1".
    """
    checks = {*HEALTH_PATHS, s.dns.check_path, s.probe.health_path, s.probe.business_path}
    for number, path in enumerate(s.edge.cache_paths):
        covered = _covered(path, {API_ROOT, *checks})
        if path.startswith(API_ROOT):
            covered = API_ROOT
        if covered:
            wanted = f"a path apart from {covered}, whose answers must not be cached"
            yield Problem(f"edge.cache_paths.{number}", path, wanted)
    for number, path in enumerate(s.edge.blocked_paths):
        covered = _covered(path, {API_ROOT, *checks})
        if covered:
            wanted = f"a path that does not cover {covered}, which must answer from outside"
            yield Problem(f"edge.blocked_paths.{number}", path, wanted)


def _covered(path: str, needed: Collection[str]) -> str | None:
    """Return the first of some paths that begins with this one."""
    return next((one for one in sorted(needed) if one.startswith(path)), None)


def firewall_limit(s: Settings) -> Iterator[Problem]:
    """AWS WAF, which is behind Cloudflare, lets pass what Cloudflare lets pass."""
    limits = s.edge.rate_limits
    passing = (
        min(wider.per_minute for wider in limits if limit.path.startswith(wider.path))
        for limit in limits
    )
    most = max(passing, default=0) * 5
    if s.firewall.requests_per_5_minutes < most:
        wanted = f"at least {most:g}, five minutes of the widest limit in edge.rate_limits"
        yield Problem("firewall.requests_per_5_minutes", s.firewall.requests_per_5_minutes, wanted)


def placeholders(s: Settings) -> Iterator[Problem]:
    """Every placeholder is replaced."""
    for key in s.owner.placeholders():
        wanted = "your own value; only `make up` accepts this placeholder"
        yield Problem(f"owner.{key}", getattr(s.owner, key), wanted)
    for key in s.delivery.placeholders():
        wanted = "your own repository; only `make up` accepts this placeholder"
        yield Problem(f"delivery.{key}", getattr(s.delivery, key), wanted)


def image_region(s: Settings) -> Iterator[Problem]:
    """Tasks start from the registry of their own region, also when the other one is lost."""
    found = ECR.match(s.owner.image)
    if found and found[1] != s.region:
        yield Problem("owner.image", s.owner.image, f"an image in {s.region}, the stack's region")


def review_stacks(s: Settings) -> Iterator[Problem]:
    """Code of an open pull request runs only in dev's account."""
    if s.delivery.review_stacks and s.stage != "dev":
        yield Problem(
            "delivery.review_stacks", True, f"false in stage {s.stage}: only dev has them"
        )


def disposable_or_protected(s: Settings) -> Iterator[Problem]:
    """A protected stack is not disposable; production is always protected."""
    if s.disposable and s.protected:
        yield Problem("disposable", True, "false where protected is true")


def shared_zone(s: Settings) -> Iterator[Problem]:
    """Mutual TLS needs our client certificate in the zone, which only its owner puts there."""
    if s.load_balancer.mutual_tls and not s.edge.owns_zone:
        yield Problem("load_balancer.mutual_tls", True, "false where edge.owns_zone is false")


def pager(s: Settings) -> Iterator[Problem]:
    """Alarms of production page the engineer on call."""
    if s.stage == "prod" and s.alerting.pagerduty_key is None:
        wanted = "PagerDuty's integration key in stage prod, set as a secret"
        yield Problem("alerting.pagerduty_key", None, wanted)


def receivers(s: Settings) -> Iterator[Problem]:
    """Somebody reads production's alarms of SEV3 and SEV4, which page nobody."""
    if s.stage == "prod" and not s.alerting.emails and s.alerting.slack_channel_id is None:
        wanted = "an address in stage prod, or slack_channel_id: who reads alarms of SEV3 and SEV4"
        yield Problem("alerting.emails", list(s.alerting.emails), wanted)


RULES = (
    Rule(("stage", "database"), production_database),
    Rule(("stage", "cache"), production_cache),
    Rule(("stage", "network"), production_nat),
    Rule(("stage", "protected", "recovery"), production_protection),
    Rule(("stage", "service"), production_capacity),
    Rule(("stage", "observability"), production_alarms),
    Rule(("stage", "storage"), production_audit),
    Rule(("stage", "backups"), production_backups),
    Rule(("backups", "database"), backup_windows),
    Rule(("disposable", "protected", "backups"), backups_stay),
    Rule(("experiments", "observability", "network"), experiments_stop),
    Rule(("region", "network"), zones_exist),
    Rule(("network",), endpoints_without_nat),
    Rule(("network", "service"), pause_without_nat),
    Rule(("database", "service"), connections),
    Rule(("proxy",), proxy_pool),
    Rule(("service",), targets),
    Rule(("load_balancer",), health_timing),
    Rule(("load_balancer", "service"), draining),
    Rule(("database", "recovery"), replicas_and_passwords),
    Rule(("recovery",), released_data),
    Rule(("database",), copied_backups),
    Rule(("recovery", "region", "database", "dns"), primary_follows_nobody),
    Rule(("recovery", "network", "dns", "database"), secondary_knows_its_primary),
    Rule(("edge",), rate_limits),
    Rule(("edge", "dns", "probe"), edge_paths),
    Rule(("edge", "firewall"), firewall_limit),
    Rule(("owner", "delivery"), placeholders, only_aws=True),
    Rule(("owner", "region"), image_region),
    Rule(("stage", "delivery"), review_stacks),
    Rule(("disposable", "protected"), disposable_or_protected),
    Rule(("edge", "load_balancer"), shared_zone),
    Rule(("stage", "alerting"), pager, only_aws=True),
    Rule(("stage", "alerting"), receivers, only_aws=True),
)
