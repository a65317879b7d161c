"""Alarms, runbooks and dashboards name only what exists, and show every metric."""

import json
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from arca.monitoring import table
from arca.monitoring.alarm import Alarms
from arca.monitoring.catalogue import CATALOGUE, GROUPS, Binding
from arca.monitoring.dashboard import GRID_COLUMNS, Graph, dashboard_body, layout
from arca.monitoring.dashboards import all_dashboards
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo import publisher
from arca.monitoring.slo.compiler import OUTAGE, PAGES, PAGING, compile_objectives
from arca.monitoring.slo.metric_math import evaluate
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.publisher_input import publisher_input
from arca.monitoring.slo.watches import BURN_RATE, CONSUMED
from arca.monitoring.thresholds import Thresholds

OBJECTIVES = read_objectives()
BOARDS = all_dashboards(OBJECTIVES)
LATENCY = next(objective for objective in OBJECTIVES if objective.name == "latency")
"""Its percentile is in titles: P95 for a target of 95%."""


def everything() -> Alarms:
    """Return all alarms of a stack that serves, and those of a standby."""
    found = table.serving_alarms(Thresholds(), sessions=500) + table.standby_alarms(
        Thresholds(), tasks=1
    )
    return found + compile_objectives(OBJECTIVES)


def test_each_alarm_has_one_runbook_and_each_runbook_an_alarm() -> None:
    """The user's document names ten runbooks; another one is about the copies in the DR region."""
    assert len(RUNBOOKS) == 10 + 1
    used = Counter(alarm.runbook for alarm in everything().notifying())
    assert set(used) == set(RUNBOOKS)
    assert all(alarm.runbook in RUNBOOKS for alarm in everything().alarms)


def test_there_are_as_many_as_an_engineer_on_call_needs() -> None:
    """Kinds that notify: 45 of the table and the objectives, and two on the watching itself."""
    serving = table.serving_alarms(Thresholds(), sessions=500) + compile_objectives(OBJECTIVES)
    assert len(serving.notifying()) <= 45 + 2
    for objective in OBJECTIVES:
        own = [one for one in serving.notifying() if one.name.startswith(f"{objective.name}-")]
        composed = [one.name for one in own if one in serving.composites]
        assert composed == [f"{objective.name}-page", f"{objective.name}-ticket"]


def test_names_are_unique() -> None:
    """The alarms of a serving stack and of all its objectives have different names."""
    serving = table.serving_alarms(Thresholds(), sessions=500) + compile_objectives(OBJECTIVES)
    names = [one.name for one in (*serving.alarms, *serving.composites)]
    assert len(names) == len(set(names))


def test_composites_read_what_stands_before_them() -> None:
    """A composite names alarms of its own stack, and CloudWatch wants them to exist already."""
    known = {one.name for one in everything().alarms}
    for composite in everything().composites:
        assert composite.parts <= known
        assert composite.hold is None or composite.hold.alarm in known
        known.add(composite.name)


def test_an_incident_notifies_once() -> None:
    """An outage holds the pages back, any page holds the tickets, and nothing holds the outage."""
    composites = {one.name: one for one in everything().composites}
    assert composites[OUTAGE].hold is None
    assert composites[PAGES].severity is None
    paging = {one.name for one in composites.values() if one.severity in PAGING}
    assert composites[PAGES].parts == paging
    for one in composites.values():
        if one.severity and one.name != OUTAGE:
            assert one.hold is not None
            assert one.hold.alarm == (OUTAGE if one.severity in PAGING else PAGES)


def test_every_alarm_reads_the_catalogue() -> None:
    """Readings name metrics by id, with the dimensions that the catalogue leaves open."""
    for alarm in everything().alarms:
        for reading in alarm.readings.values():
            assert set(CATALOGUE[reading.metric].splits) == set(reading.fixed)


def test_what_ends_in_silence_is_breaching() -> None:
    """Missing data breaches only where silence is the trouble itself."""
    silent = {alarm.name for alarm in everything().alarms if alarm.missing == "breaching"}
    assert silent == {
        "api-no-healthy-tasks",
        "api-no-traffic",
        "database-replica-lag",
        "availability-lost-telemetry",
        "backups-missing",
        "definition-unknown",
        "publisher-silent",
        "standby-no-healthy-tasks",
    }


def test_only_an_outage_of_the_whole_api_is_severe() -> None:
    """SEV1 is what a maintenance window never mutes: one alarm, on a complete outage."""
    assert [one.name for one in everything().notifying() if one.severity == "SEV1"] == [OUTAGE]


def test_causes_page_nobody() -> None:
    """What pages is a symptom, or ends in one that a person must prevent (docs/monitoring.md)."""
    objectives = {f"{objective.name}-page" for objective in OBJECTIVES}
    pages = {one.name for one in everything().notifying() if one.severity in PAGING}
    assert pages - objectives == {
        OUTAGE,
        "api-no-traffic",
        "certificate-arca-week",
        "database-replica-lag",
        "database-storage",
        "definition-unknown",
    }


def test_every_signal_has_its_role() -> None:
    """Each service has rate, errors and duration; machines have utilization and saturation."""
    for group in ("API", "Database", "ARCA client"):
        assert {"rate", "errors", "duration"} <= {metric.role for metric in GROUPS[group]}
    for group in ("Database", "Redis", "Infrastructure"):
        assert "utilization" in {metric.role for metric in GROUPS[group]}


def test_every_metric_is_shown_or_alarmed() -> None:
    """An alarm, a dashboard or an objective reads each metric."""
    used = {r.metric for alarm in everything().alarms for r in alarm.readings.values()}
    for board in BOARDS.values():
        used |= board.metrics()
    assert set(CATALOGUE) - used == {"slo.bad", "probe.duration"}


LISTED = {
    "system-overview": (
        "Requests",
        "Error rate",
        f"{LATENCY.percentile.upper()} latency",
        "Active users",
        "Invoices created",
    ),
    "api-service": (
        f"{LATENCY.percentile.upper()} by endpoint",
        "Error breakdown",
        "Rate limiting",
        "Authentication success",
    ),
    "database": ("Connection pool", "Query latency", "Slow query log", "Replication lag"),
    "infrastructure": ("Tasks' CPU and memory", "Network", "Task storage", "Container health"),
    "business": ("Invoices created", "CAE", "Active users"),
}


@pytest.mark.parametrize("name", LISTED)
def test_dashboards_have_all_that_the_document_lists(name: str) -> None:
    """Four dashboards are those of the user's document; the fifth is the business's."""
    titles = [widget.title for widget in BOARDS[name].widgets]
    assert set(LISTED[name]) <= set(titles)
    assert len(titles) == len(set(titles))


def test_each_objective_is_shown_twice() -> None:
    """The overview shows its budget, and its service's dashboard shows its indicator."""
    overview = [widget.title for widget in BOARDS["system-overview"].widgets]
    for objective in OBJECTIVES:
        assert f"Error budget: {objective.title}" in overview
        homes = [
            b.name
            for b in BOARDS.values()
            for w in b.widgets
            if w.title == f"Objective: {objective.title}"
        ]
        assert len(homes) == 1


@pytest.mark.parametrize("name", LISTED)
def test_widgets_neither_overlap_nor_leave_the_grid(name: str) -> None:
    """CloudWatch's grid is 24 columns wide."""
    taken: set[tuple[int, int]] = set()
    for cell in layout(BOARDS[name]):
        assert cell.x + cell.widget.width <= GRID_COLUMNS
        places = {(x, cell.y) for x in range(cell.x, cell.x + cell.widget.width)}
        assert not places & taken
        taken |= places


class Everything(dict[Binding, list[str]]):
    """Return bindings that have a value for whatever is asked for."""

    def __missing__(self, key: Binding) -> list[str]:
        return [f"{key}-1", f"{key}-2"] if key == "cache_node" else [key]


def logged(query: str) -> str:
    """Return a query with a log group, as CloudWatch's dashboards want it."""
    return f"SOURCE '/x' | {query}"


@pytest.mark.parametrize("name", LISTED)
def test_bodies_are_what_cloudwatch_takes(name: str) -> None:
    """Metrics are complete, ids unique, expressions use known ids, and the body is not too big."""
    content = dashboard_body(BOARDS[name], Everything(), region="sa-east-1", logged=logged)
    assert len(json.dumps(content)) < 1_000_000
    for widget in content["widgets"]:
        if widget["type"] == "metric":
            check_metrics(widget["properties"]["metrics"])
    graphs = [w for w in BOARDS[name].widgets if isinstance(w, Graph)]
    shown = [w for w in content["widgets"] if w["type"] == "metric"]
    assert len(graphs) == len(shown)


def check_metrics(rows: list[list[Any]]) -> None:
    """Return the rows of one widget."""
    options = [row[-1] for row in rows]
    ids = [option["id"] for option in options if "id" in option]
    assert len(ids) == len(set(ids))
    assert rows
    for row, option in zip(rows, options, strict=True):
        if "expression" in option:
            assert len(row) == 1
            if not option["expression"].startswith("SEARCH"):
                assert set(re.findall(r"\b[a-z]\w*", option["expression"])) <= set(ids)
            continue
        namespace, name, *dimensions = row[:-1]
        known = {(m.namespace, m.name): m for m in CATALOGUE.values()}
        assert (namespace, name) in known
        assert len(dimensions) % 2 == 0
        allowed = {*known[namespace, name].dimensions, *known[namespace, name].splits}
        assert set(dimensions[::2]) <= allowed
        assert option["stat"]


def rows(title: str) -> dict[str, Any]:
    """Return a graph of the overview or of the API's dashboard, as CloudWatch gets it."""
    for name in ("system-overview", "api-service"):
        content = dashboard_body(BOARDS[name], Everything(), region="sa-east-1", logged=logged)
        for widget in content["widgets"]:
            if widget["properties"]["title"] == title:
                return dict(widget["properties"])
    raise AssertionError(title)


def test_what_has_another_unit_has_an_axis_of_its_own() -> None:
    """A burn rate on the axis of the percentages would look like 0."""
    shown = rows("Error budget: API error rate")
    sides = [row[-1].get("yAxis", "left") for row in shown["metrics"]]
    assert sides == ["left", "left", "right"]
    assert shown["yAxis"]["right"]["label"] == "times too fast"
    assert "right" not in rows("Requests")["yAxis"]


def test_endpoints_are_searched_within_the_stage() -> None:
    """A staging stack in the same account must not appear in prod's graph."""
    expression = rows("Requests by endpoint")["metrics"][0][-1]["expression"]
    assert expression.startswith('SEARCH(\'{arca-api,Stage,Route} MetricName="RouteRequests" ')
    assert 'Stage="stage"' in expression


@pytest.mark.parametrize("name", LISTED)
def test_no_failure_and_no_success_are_drawn(name: str) -> None:
    """A missing count is 0; the share is missing only without any event."""
    for line in (line for w in BOARDS[name].widgets if isinstance(w, Graph) for line in w.lines):
        if line.expression:
            silent = {key: np.array([np.nan]) for key in line.readings}
            whole = next(key for key in silent if key.startswith(WHOLE[line.label]))
            value = evaluate(line.expression, {**silent, whole: np.array([10.0])})
            assert value[0] in (0, 100), line.label


WHOLE = {"failed": "whole", "succeed": "whole", "% good": "total"}
"""How the id of all events begins in a share's line, by the line's label."""


def test_what_is_read_of_a_budget_is_published() -> None:
    """Alarms and graphs read each published metric, with the publisher's own windows."""
    stack = publisher_input(OBJECTIVES, Everything(), stage="prod")["objectives"]
    windows = {one["name"]: {"1h", *one["burn_windows"]} for one in stack}
    readings = [r for alarm in everything().alarms for r in alarm.readings.values()]
    for board in BOARDS.values():
        graphs = [widget for widget in board.widgets if isinstance(widget, Graph)]
        readings += [r for g in graphs for line in g.lines for r in line.readings.values()]
    read = [r for r in readings if r.metric in (BURN_RATE, CONSUMED)]
    assert len(read) == 31
    for reading in read:
        known = windows[reading.fixed["SLO"]] if reading.metric == BURN_RATE else publisher.WINDOWS
        assert reading.fixed["Window"] in known


def test_a_stack_without_a_probe_shows_the_rest() -> None:
    """A widget keeps the lines whose metric the stack has."""
    bind = Everything({"canary": []})
    content = dashboard_body(BOARDS["system-overview"], bind, region="sa-east-1", logged=logged)
    text = json.dumps(content)
    assert "CloudWatchSynthetics" not in text
    assert "RequestsFailed" in text
