"""Saved queries read what the contract promises, and dashboards show what they return."""

import re

import pytest

from arca.monitoring.contract import schema
from arca.monitoring.dashboard import LogTable
from arca.monitoring.dashboards import all_dashboards
from arca.monitoring.queries import QUERIES, SavedQuery
from arca.monitoring.slo.objectives import read_objectives

WORDS = {
    "fields",
    "filter",
    "sort",
    "asc",
    "desc",
    "limit",
    "stats",
    "count",
    "max",
    "as",
    "by",
    "and",
}
TABLES = [
    w
    for b in all_dashboards(read_objectives()).values()
    for w in b.widgets
    if isinstance(w, LogTable)
]


def names(query: str) -> set[str]:
    """Return the fields that a query reads, without those that it computes."""
    plain = re.sub(r"'[^']*'", "", query)
    made = set(re.findall(r" as (\w+)", plain))
    return set(re.findall(r"[@a-z_]+", plain)) - WORDS - made


@pytest.mark.parametrize("saved", QUERIES.values(), ids=QUERIES)
def test_queries_read_fields_of_the_contract(saved: SavedQuery) -> None:
    """A query on a field that the service does not log would find nothing, without an error."""
    assert names(saved.query) <= {"@timestamp", *schema()["properties"]}


def test_queries_filter_what_they_are_about() -> None:
    """The queries cover correlation ids, slow queries, errors, ARCA's refusals and quotas."""
    wanted = {
        "request": "correlation_id = 'CORRELATION-ID'",
        "slow-queries": "event = 'database.query' and duration_ms > 1000",
        "errors": "level = 'ERROR'",
        "arca-rejections": "event = 'arca.rejected'",
        "rate-limited": "event = 'request' and status = 429",
    }
    assert {name: re.findall(r"filter (.*)", saved.query) for name, saved in QUERIES.items()} == {
        name: [text] for name, text in wanted.items()
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_tables_show_what_their_query_gives(table: LogTable) -> None:
    """Each column of a log table is a field of its query."""
    stats, _, by = table.query.partition("| stats ")[2].partition("\n")[0].partition(" by ")
    assert set(table.columns) == {*re.findall(r" as (\w+)", stats), *by.split(", ")}
