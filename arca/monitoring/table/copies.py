"""Alarms on backups and on the copies in the DR region."""

from arca.monitoring.alarm import Alarm
from arca.monitoring.slo.duration import DAY
from arca.monitoring.table.build import ABOVE, AT_LEAST, BELOW, metric_alarm
from arca.monitoring.thresholds import Thresholds


def copies_failed() -> Alarm:
    """The alarm on objects that were not copied."""
    return metric_alarm(
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


def copies_behind(t: Thresholds) -> Alarm:
    """The alarm of a standby on copies that are late."""
    return metric_alarm(
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
    )


def backups() -> tuple[Alarm, ...]:
    """Alarms of a stack with a plan of AWS Backup; one that never runs raises no event."""
    return (
        metric_alarm(
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
        metric_alarm(
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
