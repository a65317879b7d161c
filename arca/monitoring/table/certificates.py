"""Alarms on certificates that end."""

from arca.monitoring.alarm import Alarm
from arca.monitoring.slo.duration import DAY
from arca.monitoring.table.build import BELOW, metric_alarm
from arca.monitoring.thresholds import Thresholds

BOOK = "certificate-expiration"


def balancer_certificate(t: Thresholds) -> Alarm:
    """The alarm on the certificate that ACM should have renewed."""
    return metric_alarm(
        name="certificate-balancer",
        metric="edge.certificate-days",
        comparison=BELOW,
        threshold=t.certificate_days,
        severity="SEV3",
        runbook=BOOK,
        meaning="ACM did not renew the load balancer's certificate: a validation record is gone.",
        period=DAY,
    )


def agency_certificate(t: Thresholds) -> tuple[Alarm, ...]:
    """Alarms on the certificate that a person renews at ARCA."""
    return (
        metric_alarm(
            name="certificate-arca",
            metric="arca.certificate-days",
            comparison=BELOW,
            threshold=t.certificate_days,
            severity="SEV3",
            runbook=BOOK,
            meaning="The WSAA client certificate must be renewed at ARCA by hand.",
            period=3600,
        ),
        metric_alarm(
            name="certificate-arca-week",
            metric="arca.certificate-days",
            comparison=BELOW,
            threshold=7,
            severity="SEV2",
            runbook=BOOK,
            meaning="In a week no invoice gets a CAE: the WSAA client certificate expires.",
            period=3600,
        ),
    )
