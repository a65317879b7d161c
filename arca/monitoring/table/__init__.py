"""The table of alarms on causes and on everything that no objective measures.

Each alarm that notifies has a severity and one runbook. SEV1 and SEV2 page: an outage is there or
near. SEV3 and SEV4 make tickets. The objectives' own alarms come from arca/monitoring/slo/.
"""

from arca.monitoring.alarm import Alarms
from arca.monitoring.table import (
    agency,
    api,
    cache,
    certificates,
    copies,
    database,
    service,
)
from arca.monitoring.table.service import deployment_alarms
from arca.monitoring.thresholds import Thresholds

__all__ = ["deployment_alarms", "serving_alarms", "standby_alarms"]


def serving_alarms(t: Thresholds, *, sessions: int | None) -> Alarms:
    """Alarms of a stack that serves customers; `sessions` is the database's limit, if known."""
    return api.outage(t) + Alarms(
        (
            *api.usage(t),
            *database.database(t, sessions),
            *cache.cache(t),
            *agency.agency(t),
            *service.tasks(t),
            *service.releases(),
            service.definitions(),
            copies.copies_failed(),
            *copies.backups(),
            certificates.balancer_certificate(t),
            *certificates.agency_certificate(t),
        )
    )


def standby_alarms(t: Thresholds, *, tasks: int) -> Alarms:
    """Alarms of a standby stack: tasks where it has any, replica, storage, certificate, code."""
    running = api.no_healthy_tasks(
        name="standby-no-healthy-tasks",
        severity="SEV3",
        meaning="Not one task of the standby runs: a failover would begin with finding out why.",
    )
    return Alarms(
        (
            *((running,) if tasks else ()),
            database.replica(t),
            copies.copies_behind(t),
            database.storage(t),
            certificates.balancer_certificate(t),
            service.definitions(),
            *copies.backups(),
        )
    )
