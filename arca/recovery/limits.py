"""The thresholds by which a standby is ready."""

from dataclasses import dataclass

from arca.recovery.budgets import RPO_SECONDS


@dataclass(frozen=True)
class Limits:
    """The thresholds of the checks."""

    rpo_seconds: float = RPO_SECONDS
    """The replica's lag is below it."""
    restorable_seconds: float = 1800
    """Logs are uploaded every five minutes and then copied (Amazon RDS User Guide, Restoring a DB
    instance to a specified time; Replicating automated backups)."""
    backup_hours: float = 26
    """A snapshot a day, and two hours to copy it."""
    latency_seconds: float = 900
    """S3 Replication Time Control copies within 15 minutes (Amazon S3 User Guide)."""
    move_hours: float = 24
    """From the declaration of a failover or a fail-back to its end."""
    certificate_days: float = 30
    """ACM renews 60 days before the end (AWS Certificate Manager User Guide, Managed renewal)."""
