"""Alarms on the API: whether it is up, and on what customers do."""

from arca.monitoring.alarm import Alarm, Alarms, Composite, Reading
from arca.monitoring.slo.compiler import OUTAGE
from arca.monitoring.table.build import ABOVE, AT_LEAST, BELOW, metric_alarm, share_alarm
from arca.monitoring.thresholds import Thresholds
from arca.naming import Severity

BOOK = "arca-api-down"
LEAST_REQUESTS = 10
"""Requests that a minute counts as at least: half of them must fail."""

REMEMBERED = 30
"""Minutes within which three bad ones are an outage: one that comes and goes, as at low traffic,
pages once."""


def outage(t: Thresholds) -> Alarms:
    """The alarm on a complete outage, by any of its three signs, and the signs.

    Each sign needs three bad minutes: metric math over metrics that arrive late fills the last
    minutes with zeros (Amazon CloudWatch User Guide, "Creating a CloudWatch alarm based on a metric
    math expression").
    """
    signs = (
        no_healthy_tasks(
            name="api-no-healthy-tasks",
            severity=None,
            meaning="The load balancer has nobody to send a request to.",
        ),
        metric_alarm(
            name="api-unreachable",
            metric="probe.success",
            comparison=BELOW,
            threshold=100,
            runbook=BOOK,
            meaning="The probe found the API not working from outside in three of 30 minutes.",
            of=REMEMBERED,
            needed=3,
        ),
        _failing(t),
    )
    down = Composite(
        name=OUTAGE,
        title="The API is down",
        any_of=tuple((sign.name,) for sign in signs),
        severity="SEV1",
        runbook=BOOK,
        meaning="No task is healthy, or the probe cannot use the API, or most requests fail. "
        "`arca status` says which.",
    )
    return Alarms(signs, (down,))


def no_healthy_tasks(*, name: str, severity: Severity | None, meaning: str) -> Alarm:
    """An alarm on target groups without one healthy task."""
    return Alarm(
        name=name,
        title="No healthy task",
        readings={
            "blue": Reading("edge.healthy-blue", "Minimum"),
            "green": Reading("edge.healthy-green", "Minimum"),
        },
        comparison=BELOW,
        threshold=1,
        runbook=BOOK,
        meaning=meaning,
        severity=severity,
        expression="FILL(blue, 0) + FILL(green, 0)",
        period=60,
        evaluation_periods=5,
        datapoints=3,
        missing="breaching",
    )


def _failing(t: Thresholds) -> Alarm:
    """Return an alarm on most requests failing, those that the balancer answers included."""
    total = "(FILL(served, 0) + FILL(unserved, 0))"
    return Alarm(
        name="api-failing",
        title="Requests that fail",
        readings={
            "failed": Reading("api.requests.failed", "Sum"),
            "served": Reading("api.requests", "Sum"),
            "unserved": Reading("edge.server-errors", "Sum"),
        },
        comparison=AT_LEAST,
        threshold=t.outage_percent,
        runbook=BOOK,
        meaning="Most requests fail through our fault.",
        expression=f"100 * (FILL(failed, 0) + FILL(unserved, 0)) / "
        f"IF({total} < {LEAST_REQUESTS}, {LEAST_REQUESTS}, {total})",
        period=60,
        evaluation_periods=REMEMBERED,
        datapoints=3,
    )


def usage(t: Thresholds) -> tuple[Alarm, ...]:
    """Alarms on traffic that is missing, refused, or waiting."""
    return (
        metric_alarm(
            name="api-no-traffic",
            metric="edge.requests",
            comparison=BELOW,
            threshold=1,
            severity="SEV2",
            runbook=BOOK,
            meaning="Not one request in a quarter of an hour, not even the probe's.",
            period=300,
            of=3,
            missing="breaching",
        ),
        metric_alarm(
            name="api-rate-limited",
            metric="api.rate-limited",
            comparison=AT_LEAST,
            threshold=t.rate_limited_per_minute,
            severity="SEV3",
            runbook="rate-limit-exceeded",
            meaning="Many requests are refused over their quota.",
            of=5,
        ),
        share_alarm(
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
        metric_alarm(
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
