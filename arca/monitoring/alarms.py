"""The alarms that are not an objective's: causes, and what no objective sees.

Each has one runbook and a severity. What pages (SEV1, SEV2) is an outage or about to be one; the
rest are tickets.
"""

from dataclasses import replace

from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.cloudwatch import (
    Alarm,
    Alarms,
    Comparison,
    Composite,
    Missing,
    Reading,
    Severity,
)
from arca.monitoring.thresholds import Thresholds

ABOVE: Comparison = "GreaterThanThreshold"
AT_LEAST: Comparison = "GreaterThanOrEqualToThreshold"
BELOW: Comparison = "LessThanThreshold"
GIB, MIB = 1024**3, 1024**2
UNKNOWN_SESSIONS = 112
"""What the smallest instance takes, for a class whose memory is not known here."""
DAY = 86400


def serving(t: Thresholds, *, sessions: int | None) -> Alarms:
    """What a stack that serves customers watches; `sessions` are those the database takes."""
    plain = (
        *_reachable(t),
        *_api(t),
        *_database(t, sessions or UNKNOWN_SESSIONS),
        *_redis(t),
        *_tasks(t),
        *_shipping(),
    )
    # A deployment may trip these: a maintenance window mutes them, and only composites can be.
    shaky = (*_arca(t), *_deployment_sensitive(t))
    return Alarms(plain + _certificates(t)) + _mutable(*shaky)


def following(t: Thresholds) -> Alarms:
    """What a stack watches that stands by for another."""
    return Alarms(
        (
            _alarm("database-replica-lag", "database.replica-lag", ABOVE, t.replica_lag_seconds,
                   "SEV2", "database-pool-exhausted",
                   "The replica is behind: a failover now would lose more than the recovery point "
                   "objective allows.",
                   of=5, missing="breaching"),
            _storage(t),
            *_certificates(t)[:1],
        )
    )  # fmt: skip # a table


def maintenance() -> Alarm:
    """In ALARM while a maintenance window is open; it ends with the window's last minute."""
    return Alarm(
        name="maintenance",
        title="A maintenance window is open",
        readings={"window": Reading("slo.maintenance", "Minimum")},
        comparison=AT_LEAST,
        threshold=1,
        severity="SEV4",
        runbook="deployment-rollback",
        meaning="Alarms below SEV1 that a deployment may trip do not notify until it ends; "
        "`arca maintenance status` says who opened it, why and until when.",
    )


def _reachable(t: Thresholds) -> tuple[Alarm, ...]:
    down = "arca-api-down"
    return (
        Alarm("api-no-healthy-tasks", "No healthy task", {"blue": Reading("edge.healthy-blue",
              "Minimum"), "green": Reading("edge.healthy-green", "Minimum") }, BELOW, 1, down,
              "The load balancer has nobody to send a request to.", "SEV1",
              "FILL(blue, 0) + FILL(green, 0)", 60, 2, 2, "breaching"),
        _alarm("api-unreachable", "probe.success", BELOW, 100, "SEV1", down,
               "The probe has found the API not working from outside for three minutes.", of=3),
        _alarm("api-no-traffic", "edge.requests", BELOW, 1, "SEV2", down,
               "Not one request in a quarter of an hour, not even the probe's.",
               period=300, of=3, missing="breaching"),
        _alarm("api-balancer-errors", "edge.server-errors", AT_LEAST,
               t.balancer_errors_per_minute, "SEV2", down,
               "The load balancer answers 5xx itself: tasks are missing, or too slow.", of=5,
               needed=3),
    )  # fmt: skip # a table


def _api(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _alarm("api-rate-limited", "api.rate-limited", AT_LEAST, t.rate_limited_per_minute,
               "SEV3", "rate-limit-exceeded", "Many requests are refused over their quota.", of=5),
        _share("api-authentication", "Authentications that succeed", "api.authenticated",
               "api.authentications", BELOW, t.authentication_percent, "SEV3",
               "rate-limit-exceeded",
               "Few attempts to authenticate succeed: a broken client, an expired key, or "
               "somebody guessing.",
               least=50),
        _alarm("api-queue", "api.queue", ABOVE, t.queue_depth, "SEV3", "high-api-latency",
               "Invoices queue up: ARCA is slow, or the workers are.", of=10),
    )  # fmt: skip # a table


def _database(t: Thresholds, sessions: int) -> tuple[Alarm, ...]:
    book = "database-pool-exhausted"
    return (
        _alarm("database-pool", "database.pool-use", ABOVE, t.pool_percent, "SEV2", book,
               "Requests will soon wait for a connection.", of=5),
        _alarm("database-pool-waiting", "database.pool-waiting", AT_LEAST, 1, "SEV2", book,
               "Requests wait for a connection.", of=5, needed=3),
        _alarm("database-sessions", "database.connections", ABOVE,
               sessions * t.database_sessions_percent // 100, "SEV2", book,
               "The instance will soon refuse connections.", of=5),
        _alarm("database-cpu", "database.cpu", ABOVE, t.database_cpu_percent, "SEV3", book,
               "The instance's CPU is busy; queries slow down and hold connections.", of=15),
        _alarm("database-memory", "database.memory", BELOW, t.database_memory_mib * MIB, "SEV3",
               book, "The instance is short of memory.", of=15),
        _storage(t),
        _alarm("database-disk-queue", "database.disk-queue", ABOVE, 64, "SEV3", book,
               "Reads and writes wait for the disk.", of=15),
        _alarm("database-slow-queries", "database.slow-queries", AT_LEAST,
               t.slow_queries_per_minute, "SEV4", "high-api-latency",
               "Many queries take more than a second.", of=15, needed=10),
    )  # fmt: skip # a table


def _storage(t: Thresholds) -> Alarm:
    return _alarm(
        "database-storage",
        "database.storage",
        BELOW,
        t.database_storage_gib * GIB,
        "SEV2",
        "database-pool-exhausted",
        "The storage is nearly full and did not grow by itself: the database will stop writing.",
        period=300,
        of=3,
    )


def _redis(t: Thresholds) -> tuple[Alarm, ...]:
    book = "redis-out-of-memory"
    return (
        _alarm("cache-memory", "cache.memory", ABOVE, t.cache_memory_percent, "SEV2", book,
               "A cache node is nearly full.", of=5),
        _alarm("cache-evictions", "cache.evictions", AT_LEAST, t.cache_evictions_per_minute,
               "SEV3", book, "A cache node throws out keys that are still in use.", of=10,
               needed=5),
        _alarm("cache-cpu", "cache.cpu", ABOVE, 90, "SEV3", book,
               "The engine's one thread is busy: every look-up waits.", of=15),
        _alarm("cache-hit-rate", "cache.hit-rate", BELOW, t.cache_hit_percent, "SEV4", book,
               "Few look-ups find their key; the database does the work twice.", period=300, of=12),
    )  # fmt: skip # a table


def _tasks(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _alarm("service-cpu", "service.cpu", ABOVE, t.service_cpu_percent, "SEV3",
               "high-api-latency", "The tasks are busy although the service may scale.", of=15),
        _alarm("service-memory", "service.memory", ABOVE, t.service_memory_percent, "SEV3",
               "memory-leak", "The tasks' memory is high and stays so: they will be killed.",
               period=300, of=6),
        _alarm("service-disk", "service.disk", ABOVE, t.service_disk_gb, "SEV3",
               "container-crashes",
               "A task's disk fills up: what it writes there will soon fail.", of=15),
        _alarm("service-crashes", "service.crashes", AT_LEAST, 3, "SEV2", "container-crashes",
               "Three tasks of the service exited by themselves within a quarter of an hour.",
               period=900),
    )  # fmt: skip # a table


def _shipping() -> tuple[Alarm, ...]:
    return (
        _alarm("deployment-failed", "service.deployments-failed", AT_LEAST, 1, "SEV3",
               "deployment-rollback", "ECS gave a deployment up; the revision of before serves.",
               period=300),
        _alarm("migration-failed", "service.migrations-failed", AT_LEAST, 1, "SEV2",
               "database-migration-failure",
               "A migration ended with a failure: the schema is as it was, or half way.",
               period=300),
    )  # fmt: skip # a table


def _certificates(t: Thresholds) -> tuple[Alarm, ...]:
    book = "certificate-expiration"
    return (
        _alarm("certificate-balancer", "edge.certificate-days", BELOW, t.certificate_days, "SEV3",
               book,
               "ACM did not renew the load balancer's certificate: a validation record is gone.",
               period=DAY),
        _alarm("certificate-arca", "arca.certificate-days", BELOW, t.certificate_days, "SEV3",
               book, "The WSAA client certificate must be renewed at ARCA by hand.", period=3600),
        _alarm("certificate-arca-week", "arca.certificate-days", BELOW, 7, "SEV2", book,
               "In a week no invoice gets a CAE: the WSAA client certificate expires.",
               period=3600),
    )  # fmt: skip # a table


def _arca(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _alarm("arca-latency", "arca.duration", ABOVE, t.arca_p95_ms, "SEV3", "arca-api-down",
               "ARCA answers slowly: invoices take long, and soon queue up.", of=10, needed=8),
        _share("arca-rejected", "Invoices that ARCA refuses", "arca.rejected", "arca.calls",
               ABOVE, t.arca_rejected_percent, "SEV3", "arca-api-down",
               "ARCA refuses many invoices: a rule changed, or a client sends nonsense.", least=50),
        _share("arca-token-hits", "Calls with a cached token", "arca.token-hits", "arca.calls",
               BELOW, t.token_hit_percent, "SEV3", "high-api-latency",
               "Tokens are fetched anew too often; WSAA refuses a second one within minutes.",
               least=50),
    )  # fmt: skip # a table


def _deployment_sensitive(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _alarm("api-latency", "edge.duration", ABOVE, t.p95_ms / 1000, "SEV3", "high-api-latency",
               "P95 of the tasks' answers is high.", of=10, needed=8),
        Alarm("service-tasks-missing", "Fewer tasks run than should",
              {"desired": Reading("service.desired", "Maximum"),
              "running": Reading("service.running", "Minimum") }, AT_LEAST, 1,
              "container-crashes",
              "Tasks do not start, or do not stay: fewer than desired for ten minutes.", "SEV3",
              "FILL(desired, 0) - FILL(running, 0)", 60, 10, 10),
    )  # fmt: skip # a table


def _alarm(
    name: str,
    metric: str,
    comparison: Comparison,
    threshold: float,
    severity: Severity,
    runbook: str,
    meaning: str,
    *,
    period: int = 60,
    of: int = 1,
    needed: int | None = None,
    missing: Missing = "notBreaching",
) -> Alarm:
    """An alarm on one metric: `needed` of the last `of` periods, all of them by default."""
    found = CATALOGUE[metric]
    return Alarm(
        name=name,
        title=found.meaning.rstrip("."),
        readings={"value": Reading(metric, found.stat)},
        comparison=comparison,
        threshold=threshold,
        period=period,
        evaluation_periods=of,
        datapoints=needed or of,
        missing=missing,
        severity=severity,
        runbook=runbook,
        meaning=meaning,
    )


def _share(
    name: str,
    title: str,
    part: str,
    whole: str,
    comparison: Comparison,
    threshold: float,
    severity: Severity,
    runbook: str,
    meaning: str,
    *,
    least: int,
) -> Alarm:
    """An alarm on a percentage of two counts, in a quarter of an hour with enough of them."""
    harmless = 100 if comparison == BELOW else 0
    return Alarm(
        name=name,
        title=title,
        readings={"part": Reading(part, "Sum"), "whole": Reading(whole, "Sum")},
        expression=f"IF(FILL(whole, 0) < {least}, {harmless}, 100 * FILL(part, 0) / whole)",
        comparison=comparison,
        threshold=threshold,
        period=900,
        evaluation_periods=2,
        datapoints=2,
        severity=severity,
        runbook=runbook,
        meaning=meaning,
    )


def _mutable(*alarms: Alarm) -> Alarms:
    """The alarms without a voice, and composites of the same name that have it."""
    return Alarms(
        tuple(replace(a, name=f"{a.name}-signal", severity=None) for a in alarms),
        tuple(
            Composite(a.name, a.title, (f"{a.name}-signal",), a.severity, a.runbook, a.meaning)
            for a in alarms
            if a.severity
        ),
    )
