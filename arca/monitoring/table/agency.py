"""Alarms on ARCA, as the calls to it show it."""

from arca.monitoring.alarm import Alarm
from arca.monitoring.table.build import ABOVE, BELOW, metric_alarm, share_alarm
from arca.monitoring.thresholds import Thresholds


def agency(t: Thresholds) -> tuple[Alarm, ...]:
    """Alarms on calls that are slow, refused, or made without a cached token."""
    return (
        metric_alarm(
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
        share_alarm(
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
        share_alarm(
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
