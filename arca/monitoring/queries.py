"""Saved Logs Insights queries over the service's structured log (docs/service-contract.md)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SavedQuery:
    """A Logs Insights query and the question that it answers."""

    name: str
    answers: str
    query: str


def _lines(*parts: str) -> str:
    return "\n| ".join(parts)


QUERIES: Mapping[str, SavedQuery] = {
    saved.name: saved
    for saved in (
        SavedQuery(
            "request",
            "everything that one request did; put its correlation id in",
            _lines(
                "fields @timestamp, level, event, route, status, duration_ms, message",
                "filter correlation_id = 'CORRELATION-ID'",
                "sort @timestamp asc",
                "limit 1000",
            ),
        ),
        SavedQuery(
            "slow-queries",
            "the slowest database queries, by statement",
            _lines(
                "fields @timestamp, statement, duration_ms, correlation_id",
                "filter event = 'database.query' and duration_ms > 1000",
                "stats count() as times, max(duration_ms) as slowest by statement",
                "sort slowest desc",
                "limit 20",
            ),
        ),
        SavedQuery(
            "errors",
            "failures by route, status and class",
            _lines(
                "fields @timestamp, route, status, error_class",
                "filter level = 'ERROR'",
                "stats count() as times by route, status, error_class",
                "sort times desc",
                "limit 50",
            ),
        ),
        SavedQuery(
            "arca-rejections",
            "why ARCA refused invoices",
            _lines(
                "fields @timestamp, arca_code, arca_message, correlation_id",
                "filter event = 'arca.rejected'",
                "stats count() as times by arca_code, arca_message",
                "sort times desc",
                "limit 50",
            ),
        ),
        SavedQuery(
            "rate-limited",
            "who is refused over their quota",
            _lines(
                "filter event = 'request' and status = 429",
                "stats count() as times by account_id, route",
                "sort times desc",
                "limit 50",
            ),
        ),
    )
}
"""By name; each is saved as `arca-<stack>/<name>`."""
