"""Alarms on the tasks, and on what was released into them."""

from arca.monitoring.alarm import Alarm, Alarms, Reading
from arca.monitoring.table.build import ABOVE, AT_LEAST, metric_alarm
from arca.monitoring.thresholds import Thresholds


def tasks(t: Thresholds) -> tuple[Alarm, ...]:
    """Alarms on tasks that are busy, full, missing or ending."""
    return (
        metric_alarm(
            name="service-cpu",
            metric="service.cpu",
            comparison=ABOVE,
            threshold=t.service_cpu_percent,
            severity="SEV3",
            runbook="high-api-latency",
            meaning="The tasks are busy although the service may scale.",
            of=15,
        ),
        metric_alarm(
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
        metric_alarm(
            name="service-crashes",
            metric="service.crashes",
            comparison=AT_LEAST,
            threshold=3,
            severity="SEV3",
            runbook="container-crashes",
            meaning="Three tasks of the service exited by themselves within a quarter of an hour.",
            period=900,
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


def releases() -> tuple[Alarm, ...]:
    """Alarms on deployments and migrations that failed."""
    return (
        metric_alarm(
            name="deployment-failed",
            metric="service.deployments-failed",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV3",
            runbook="deployment-rollback",
            meaning="ECS gave a deployment up; the revision of before serves.",
            period=300,
        ),
        metric_alarm(
            name="migration-failed",
            metric="service.migrations-failed",
            comparison=AT_LEAST,
            threshold=1,
            severity="SEV3",
            runbook="database-migration-failure",
            meaning="A migration ended with a failure: the schema is as it was, or half way.",
            period=300,
        ),
    )


def definitions() -> Alarm:
    """The alarm on what only somebody with the release role could have registered."""
    return metric_alarm(
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


def deployment_alarms(*, errors_per_minute: int, p95_ms: int) -> Alarms:
    """Alarms that ECS watches during a deployment, and rolls it back on.

    They notify nobody. They look at the load balancer as a whole, which serves both target groups:
    errors of the new tasks show whichever group holds them.
    """
    return Alarms(
        (
            metric_alarm(
                name="deployment-errors",
                metric="edge.target-errors",
                comparison=AT_LEAST,
                threshold=errors_per_minute,
                meaning="Too many 5xx answers of the tasks: a deployment is rolled back.",
                of=3,
                needed=2,
            ),
            metric_alarm(
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
