"""Alarms on the database."""

from arca.monitoring.alarm import Alarm
from arca.monitoring.table.build import ABOVE, AT_LEAST, BELOW, GIB, MIB, metric_alarm
from arca.monitoring.thresholds import Thresholds

UNKNOWN_SESSIONS = 112
"""Sessions of the smallest instance, for a class whose memory is not known here."""


def database(t: Thresholds, sessions: int | None) -> tuple[Alarm, ...]:
    """Alarms of a database that serves; `sessions` is its limit, if known."""
    book = "database-pool-exhausted"
    return (
        metric_alarm(
            name="database-pool-waiting",
            metric="database.pool-waiting",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV3",
            runbook=book,
            meaning="Requests wait for a connection.",
            of=5,
            needed=3,
        ),
        metric_alarm(
            name="database-sessions",
            metric="database.connections",
            comparison=ABOVE,
            threshold=(sessions or UNKNOWN_SESSIONS) * t.database_sessions_percent // 100,
            severity="SEV3",
            runbook=book,
            meaning="The instance will soon refuse connections.",
            of=5,
        ),
        metric_alarm(
            name="database-cpu",
            metric="database.cpu",
            comparison=ABOVE,
            threshold=t.database_cpu_percent,
            severity="SEV3",
            runbook=book,
            meaning="The instance's CPU is busy; queries slow down and hold connections.",
            of=15,
        ),
        metric_alarm(
            name="database-memory",
            metric="database.memory",
            comparison=BELOW,
            threshold=t.database_memory_mib * MIB,
            severity="SEV3",
            runbook=book,
            meaning="The instance is short of memory.",
            of=15,
        ),
        storage(t),
    )


def storage(t: Thresholds) -> Alarm:
    """The alarm on a full disk, which ends all writing."""
    return metric_alarm(
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


def replica(t: Thresholds) -> Alarm:
    """The alarm on a replica that is behind, or silent."""
    return metric_alarm(
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
    )
