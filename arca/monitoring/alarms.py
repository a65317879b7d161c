"""The table of alarms on causes and on everything that no objective measures.

Each alarm that notifies has a severity and one runbook. SEV1 and SEV2 page: an outage is there or
near. SEV3 and SEV4 make tickets. The objectives' own alarms come from arca/monitoring/slo/.
"""

from dataclasses import replace

from arca.monitoring.alarm import (
    Alarm,
    Alarms,
    Comparison,
    Composite,
    Missing,
    Reading,
)
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.duration import DAY
from arca.monitoring.thresholds import Thresholds
from arca.naming import Severity

ABOVE: Comparison = "GreaterThanThreshold"
AT_LEAST: Comparison = "GreaterThanOrEqualToThreshold"
BELOW: Comparison = "LessThanThreshold"
GIB, MIB = 1024**3, 1024**2
UNKNOWN_SESSIONS = 112
"""Sessions of the smallest instance, for a class whose memory is not known here."""


def serving_alarms(t: Thresholds, *, sessions: int | None) -> Alarms:
    """Alarms of a stack that serves customers; `sessions` is the database's limit, if known."""
    unmuted = (
        *_reachable(t),
        *_api(t),
        *_database(t, sessions or UNKNOWN_SESSIONS),
        *_redis(t),
        *_tasks(t),
        *_shipping(),
        _definitions(),
        _copies_failed(),
        *_backups(),
    )
    # A deployment may trip these, so a maintenance window mutes them.
    muted = (*_arca(t), *_deployment_sensitive(t))
    return Alarms(unmuted + _certificates(t)) + _mutable(*muted)


def standby_alarms(t: Thresholds, *, tasks: int) -> Alarms:
    """Alarms of a standby stack: tasks where it has any, replica, storage, certificate, code."""
    running = _no_healthy_tasks(
        name="standby-no-healthy-tasks",
        severity="SEV3",
        meaning="Not one task of the standby runs: a failover would begin with finding out why.",
    )
    return Alarms(
        (
            *((running,) if tasks else ()),
            _metric_alarm(
                name="database-replica-lag",
                metric="database.replica-lag",
                comparison=ABOVE,
                threshold=t.replica_lag_seconds,
                severity="SEV2",
                runbook="copies-behind",
                meaning="The replica is behind: a failover now would lose more than the recovery "
                "point objective allows.",
                of=5,
                missing="breaching",
            ),
            _metric_alarm(
                name="copies-behind",
                metric="copies.latency",
                comparison=ABOVE,
                threshold=t.replica_lag_seconds,
                severity="SEV3",
                runbook="copies-behind",
                meaning="The newest documents or audit records are not in this region yet. S3's "
                "replication time control promises 15 minutes. Without data, as when the other "
                "region is lost, it says nothing.",
                of=10,
                missing="missing",
            ),
            _storage(t),
            *_certificates(t)[:1],
            _definitions(),
            *_backups(),
        )
    )


def maintenance_alarm() -> Alarm:
    """The alarm that is in ALARM during a maintenance window, and ends with its last minute."""
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


def deployment_alarms(*, errors_per_minute: int, p95_ms: int) -> Alarms:
    """Alarms that ECS watches during a deployment, and rolls it back on.

    They notify nobody. They look at the load balancer as a whole, which serves both target groups:
    errors of the new tasks show whichever group holds them.
    """
    return Alarms(
        (
            _metric_alarm(
                name="deployment-errors",
                metric="edge.target-errors",
                comparison=AT_LEAST,
                threshold=errors_per_minute,
                meaning="Too many 5xx answers of the tasks: a deployment is rolled back.",
                of=3,
                needed=2,
            ),
            _metric_alarm(
                name="deployment-latency",
                metric="edge.duration",
                comparison=ABOVE,
                threshold=p95_ms / 1000,
                meaning="P95 of the tasks' answers is too high: a deployment is rolled back.",
                of=3,
                needed=2,
            ),
        )
    )


def _no_healthy_tasks(*, name: str, severity: Severity, meaning: str) -> Alarm:
    return Alarm(
        name=name,
        title="No healthy task",
        readings={
            "blue": Reading("edge.healthy-blue", "Minimum"),
            "green": Reading("edge.healthy-green", "Minimum"),
        },
        comparison=BELOW,
        threshold=1,
        runbook="arca-api-down",
        meaning=meaning,
        severity=severity,
        expression="FILL(blue, 0) + FILL(green, 0)",
        period=60,
        evaluation_periods=2,
        datapoints=2,
        missing="breaching",
    )


def _reachable(t: Thresholds) -> tuple[Alarm, ...]:
    down = "arca-api-down"
    return (
        _no_healthy_tasks(
            name="api-no-healthy-tasks",
            severity="SEV1",
            meaning="The load balancer has nobody to send a request to.",
        ),
        _metric_alarm(
            name="api-unreachable",
            metric="probe.success",
            comparison=BELOW,
            threshold=100,
            severity="SEV1",
            runbook=down,
            meaning="The probe has found the API not working from outside for three minutes.",
            of=3,
        ),
        _metric_alarm(
            name="api-no-traffic",
            metric="edge.requests",
            comparison=BELOW,
            threshold=1,
            severity="SEV2",
            runbook=down,
            meaning="Not one request in a quarter of an hour, not even the probe's.",
            period=300,
            of=3,
            missing="breaching",
        ),
        _metric_alarm(
            name="api-balancer-errors",
            metric="edge.server-errors",
            comparison=AT_LEAST,
            threshold=t.balancer_errors_per_minute,
            severity="SEV2",
            runbook=down,
            meaning="The load balancer answers 5xx itself: tasks are missing, or too slow.",
            of=5,
            needed=3,
        ),
    )


def _api(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _metric_alarm(
            name="api-rate-limited",
            metric="api.rate-limited",
            comparison=AT_LEAST,
            threshold=t.rate_limited_per_minute,
            severity="SEV3",
            runbook="rate-limit-exceeded",
            meaning="Many requests are refused over their quota.",
            of=5,
        ),
        _share_alarm(
            name="api-authentication",
            title="Authentications that succeed",
            part="api.authenticated",
            whole="api.authentications",
            comparison=BELOW,
            threshold=t.authentication_percent,
            severity="SEV3",
            runbook="rate-limit-exceeded",
            meaning="Few attempts to authenticate succeed: a broken client, an expired key, or "
            "somebody guessing.",
            least=50,
        ),
        _metric_alarm(
            name="api-queue",
            metric="api.queue",
            comparison=ABOVE,
            threshold=t.queue_depth,
            severity="SEV3",
            runbook="high-api-latency",
            meaning="Invoices queue up: ARCA is slow, or the workers are.",
            of=10,
        ),
    )


def _database(t: Thresholds, sessions: int) -> tuple[Alarm, ...]:
    book = "database-pool-exhausted"
    return (
        _metric_alarm(
            name="database-pool",
            metric="database.pool-use",
            comparison=ABOVE,
            threshold=t.pool_percent,
            severity="SEV2",
            runbook=book,
            meaning="Requests will soon wait for a connection.",
            of=5,
        ),
        _metric_alarm(
            name="database-pool-waiting",
            metric="database.pool-waiting",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV2",
            runbook=book,
            meaning="Requests wait for a connection.",
            of=5,
            needed=3,
        ),
        _metric_alarm(
            name="database-sessions",
            metric="database.connections",
            comparison=ABOVE,
            threshold=sessions * t.database_sessions_percent // 100,
            severity="SEV2",
            runbook=book,
            meaning="The instance will soon refuse connections.",
            of=5,
        ),
        _metric_alarm(
            name="database-cpu",
            metric="database.cpu",
            comparison=ABOVE,
            threshold=t.database_cpu_percent,
            severity="SEV3",
            runbook=book,
            meaning="The instance's CPU is busy; queries slow down and hold connections.",
            of=15,
        ),
        _metric_alarm(
            name="database-memory",
            metric="database.memory",
            comparison=BELOW,
            threshold=t.database_memory_mib * MIB,
            severity="SEV3",
            runbook=book,
            meaning="The instance is short of memory.",
            of=15,
        ),
        _storage(t),
        _metric_alarm(
            name="database-disk-queue",
            metric="database.disk-queue",
            comparison=ABOVE,
            threshold=64,
            severity="SEV3",
            runbook=book,
            meaning="Reads and writes wait for the disk.",
            of=15,
        ),
        _metric_alarm(
            name="database-slow-queries",
            metric="database.slow-queries",
            comparison=AT_LEAST,
            threshold=t.slow_queries_per_minute,
            severity="SEV4",
            runbook="high-api-latency",
            meaning="Many queries take more than a second.",
            of=15,
            needed=10,
        ),
    )


def _copies_failed() -> Alarm:
    return _metric_alarm(
        name="copies-failed",
        metric="copies.failed",
        comparison=AT_LEAST,
        threshold=1,
        severity="SEV3",
        runbook="copies-behind",
        meaning="Documents or audit records are missing in the DR region, and S3 does not try "
        "again by itself.",
        period=300,
    )


def _backups() -> tuple[Alarm, ...]:
    """Alarms of a stack with a plan of AWS Backup; one that never runs raises no event."""
    return (
        _metric_alarm(
            name="backups-failed",
            metric="backups.failed",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV3",
            runbook="copies-behind",
            meaning="A backup, its copy into the DR region or a restore test failed. RDS's own "
            "backups go on. `aws backup list-backup-jobs`, `list-copy-jobs` and "
            "`list-restore-jobs`, each with `--by-state` or `--by-status`, say which and why.",
            period=300,
        ),
        _metric_alarm(
            name="backups-missing",
            metric="backups.completed",
            comparison=BELOW,
            threshold=1,
            severity="SEV3",
            runbook="copies-behind",
            meaning="No backup was completed in a day, and maybe none began: "
            "`aws backup describe-region-settings` must have RDS and S3 true.",
            period=DAY,
            missing="breaching",
        ),
    )


def _storage(t: Thresholds) -> Alarm:
    return _metric_alarm(
        name="database-storage",
        metric="database.storage",
        comparison=BELOW,
        threshold=t.database_storage_gib * GIB,
        severity="SEV2",
        runbook="database-pool-exhausted",
        meaning="The storage is nearly full and did not grow by itself: "
        "the database will stop writing.",
        period=300,
        of=3,
    )


def _redis(t: Thresholds) -> tuple[Alarm, ...]:
    book = "redis-out-of-memory"
    return (
        _metric_alarm(
            name="cache-memory",
            metric="cache.memory",
            comparison=ABOVE,
            threshold=t.cache_memory_percent,
            severity="SEV2",
            runbook=book,
            meaning="A cache node is nearly full.",
            of=5,
        ),
        _metric_alarm(
            name="cache-evictions",
            metric="cache.evictions",
            comparison=AT_LEAST,
            threshold=t.cache_evictions_per_minute,
            severity="SEV3",
            runbook=book,
            meaning="A cache node throws out keys that are still in use.",
            of=10,
            needed=5,
        ),
        _metric_alarm(
            name="cache-cpu",
            metric="cache.cpu",
            comparison=ABOVE,
            threshold=90,
            severity="SEV3",
            runbook=book,
            meaning="The engine's one thread is busy: every look-up waits.",
            of=15,
        ),
        _metric_alarm(
            name="cache-hit-rate",
            metric="cache.hit-rate",
            comparison=BELOW,
            threshold=t.cache_hit_percent,
            severity="SEV4",
            runbook=book,
            meaning="Few look-ups find their key; the database does the work twice.",
            period=300,
            of=12,
        ),
    )


def _tasks(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _metric_alarm(
            name="service-cpu",
            metric="service.cpu",
            comparison=ABOVE,
            threshold=t.service_cpu_percent,
            severity="SEV3",
            runbook="high-api-latency",
            meaning="The tasks are busy although the service may scale.",
            of=15,
        ),
        _metric_alarm(
            name="service-memory",
            metric="service.memory",
            comparison=ABOVE,
            threshold=t.service_memory_percent,
            severity="SEV3",
            runbook="memory-leak",
            meaning="The tasks' memory is high and stays so: they will be killed.",
            period=300,
            of=6,
        ),
        _metric_alarm(
            name="service-disk",
            metric="service.disk",
            comparison=ABOVE,
            threshold=t.service_disk_gb,
            severity="SEV3",
            runbook="container-crashes",
            meaning="A task's disk fills up: what it writes there will soon fail.",
            of=15,
        ),
        _metric_alarm(
            name="service-crashes",
            metric="service.crashes",
            comparison=AT_LEAST,
            threshold=3,
            severity="SEV2",
            runbook="container-crashes",
            meaning="Three tasks of the service exited by themselves within a quarter of an hour.",
            period=900,
        ),
    )


def _shipping() -> tuple[Alarm, ...]:
    return (
        _metric_alarm(
            name="deployment-failed",
            metric="service.deployments-failed",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV3",
            runbook="deployment-rollback",
            meaning="ECS gave a deployment up; the revision of before serves.",
            period=300,
        ),
        _metric_alarm(
            name="migration-failed",
            metric="service.migrations-failed",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV2",
            runbook="database-migration-failure",
            meaning="A migration ended with a failure: the schema is as it was, or half way.",
            period=300,
        ),
    )


def _definitions() -> Alarm:
    """The alarm on what only somebody with the release role could have registered."""
    return _metric_alarm(
        name="definition-unknown",
        metric="service.definitions-unknown",
        comparison=AT_LEAST,
        threshold=1,
        severity="SEV2",
        runbook="deployment-rollback",
        meaning="A release registered a task definition whose command, image, secrets or roles are "
        "not the stack's, or the watch failed; its log names which.",
        # Three looks; no look at all is as bad.
        period=900,
        missing="breaching",
    )


def _certificates(t: Thresholds) -> tuple[Alarm, ...]:
    book = "certificate-expiration"
    return (
        _metric_alarm(
            name="certificate-balancer",
            metric="edge.certificate-days",
            comparison=BELOW,
            threshold=t.certificate_days,
            severity="SEV3",
            runbook=book,
            meaning="ACM did not renew the load balancer's certificate: "
            "a validation record is gone.",
            period=DAY,
        ),
        _metric_alarm(
            name="certificate-arca",
            metric="arca.certificate-days",
            comparison=BELOW,
            threshold=t.certificate_days,
            severity="SEV3",
            runbook=book,
            meaning="The WSAA client certificate must be renewed at ARCA by hand.",
            period=3600,
        ),
        _metric_alarm(
            name="certificate-arca-week",
            metric="arca.certificate-days",
            comparison=BELOW,
            threshold=7,
            severity="SEV2",
            runbook=book,
            meaning="In a week no invoice gets a CAE: the WSAA client certificate expires.",
            period=3600,
        ),
    )


def _arca(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _metric_alarm(
            name="arca-latency",
            metric="arca.duration",
            comparison=ABOVE,
            threshold=t.arca_p95_ms,
            severity="SEV3",
            runbook="arca-api-down",
            meaning="ARCA answers slowly: invoices take long, and soon queue up.",
            of=10,
            needed=8,
        ),
        _share_alarm(
            name="arca-rejected",
            title="Invoices that ARCA refuses",
            part="arca.rejected",
            whole="arca.calls",
            comparison=ABOVE,
            threshold=t.arca_rejected_percent,
            severity="SEV3",
            runbook="arca-api-down",
            meaning="ARCA refuses many invoices: a rule changed, or a client sends nonsense.",
            least=50,
        ),
        _share_alarm(
            name="arca-token-hits",
            title="Calls with a cached token",
            part="arca.token-hits",
            whole="arca.calls",
            comparison=BELOW,
            threshold=t.token_hit_percent,
            severity="SEV3",
            runbook="high-api-latency",
            meaning="Tokens are fetched anew too often; WSAA refuses a second one within minutes.",
            least=50,
        ),
    )


def _deployment_sensitive(t: Thresholds) -> tuple[Alarm, ...]:
    return (
        _metric_alarm(
            name="api-latency",
            metric="edge.duration",
            comparison=ABOVE,
            threshold=t.p95_ms / 1000,
            severity="SEV3",
            runbook="high-api-latency",
            meaning="P95 of the tasks' answers is high.",
            of=10,
            needed=8,
        ),
        Alarm(
            name="service-tasks-missing",
            title="Fewer tasks run than should",
            readings={
                "desired": Reading("service.desired", "Maximum"),
                "running": Reading("service.running", "Minimum"),
            },
            comparison=AT_LEAST,
            threshold=1,
            runbook="container-crashes",
            meaning="Tasks do not start, or do not stay: fewer than desired for ten minutes.",
            severity="SEV3",
            expression="FILL(desired, 0) - FILL(running, 0)",
            period=60,
            evaluation_periods=10,
            datapoints=10,
        ),
    )


def _metric_alarm(
    *,
    name: str,
    metric: str,
    comparison: Comparison,
    threshold: float,
    meaning: str,
    severity: Severity | None = None,
    runbook: str = "",
    period: int = 60,
    of: int = 1,
    needed: int | None = None,
    missing: Missing = "notBreaching",
) -> Alarm:
    """Build an alarm on one metric: `needed` of the last `of` periods, all of them by default."""
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


def _share_alarm(
    *,
    name: str,
    title: str,
    part: str,
    whole: str,
    comparison: Comparison,
    threshold: float,
    severity: Severity,
    runbook: str,
    meaning: str,
    least: int,
) -> Alarm:
    """Build an alarm on a percentage of two counts, each over a quarter of an hour.

    A quarter of an hour with fewer than `least` events never breaches.
    """
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
    """Split each alarm into a silent signal and a composite of its name that notifies.

    CloudWatch mutes composite alarms only.
    """
    return Alarms(
        tuple(replace(alarm, name=f"{alarm.name}-signal", severity=None) for alarm in alarms),
        tuple(
            Composite(
                name=alarm.name,
                title=alarm.title,
                all_of=(f"{alarm.name}-signal",),
                severity=alarm.severity,
                runbook=alarm.runbook,
                meaning=alarm.meaning,
            )
            for alarm in alarms
            if alarm.severity
        ),
    )
