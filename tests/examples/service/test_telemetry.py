"""The service's logs, metrics and traces, as docs/service-contract.md says."""

import time
from typing import Any

import pytest
from invoicing.metrics import UNITS, Metrics
from invoicing.web import OVER_QUOTA, Outcome

from arca.monitoring import contract
from arca.monitoring.slo.objectives import read_objectives
from tests.examples.service import collector as collectors
from tests.examples.service.collector import Collector
from tests.examples.service.platform import Account, Answer, Platform, Task, invoice, wait


def issue(task: Task, account: Account, key: str, **headers: str) -> Answer:
    """Ask for an invoice."""
    all_headers = account.headers | {"Idempotency-Key": key} | headers
    return task.ask("POST", "/v1/invoices", json=invoice(), headers=all_headers)


def request_of(task: Task, answer: Answer) -> dict[str, Any]:
    """Return the log line of an answer."""
    return task.wait_for("request", correlation_id=answer.headers["X-Correlation-Id"])


def test_every_line_keeps_the_contract(platform: Platform) -> None:
    """The contract's checker accepts the whole output of a task that lived through much."""
    with platform.task() as task:
        account = platform.account(task)
        for kind in ("rejected", "lost", "http"):
            platform.fault(kind)
            issue(task, account, kind)
        task.ask("POST", "/v1/tokens", json={"api_key": "no such key"})
        task.ask("GET", f"/v1/invoices/{account.cuit}", headers=account.headers)
        task.ask("GET", f"/{account.cuit}/75000000000001")
        task.ask("PUT", "/v1/invoices")
        task.ask("BREW", "/v1/invoices")
        task.ask("GET", "/v1/status")
        wait(lambda: len(task.lines("metrics")) > 2)
        task.stop()
        problems = [
            problem
            for line in task.lines()
            for problem in contract.breaches(line, read_objectives())
        ]
        assert problems == []
        events = {line["event"] for line in task.lines()}
        wanted = {"service.start", "service.stop", "request", "metrics", "arca.rejected"}
        assert wanted <= events
        text = "".join(task.texts)
        secrets = [account.api_key, account.token, account.cuit, "not-a-secret"]
        secrets += [one["cae"] for one in platform.authorized(account)]
        secrets += [ticket.token for ticket in platform.agency.state.tickets]
        assert [secret for secret in secrets if secret in text] == []


def test_a_request_is_logged_by_its_route(task: Task, account: Account) -> None:
    """The line counts the request, and is fast exactly when its duration is."""
    made = issue(task, account, "a")
    line = request_of(task, made)
    assert (line["route"], line["status"], line["level"]) == ("POST /v1/invoices", 201, "INFO")
    assert (line["Requests"], line["RouteRequests"], line["Route"]) == (1, 1, line["route"])
    assert line["RequestDuration"] == line["RouteDuration"] == line["duration_ms"]
    assert line["RequestsFast"] == int(line["duration_ms"] <= 200)
    assert line["account_id"] == account.id
    read = task.ask("GET", made.headers["Location"], headers=account.headers)
    assert request_of(task, read)["route"] == "GET /v1/invoices/{id}"
    for method, path, route, status in (
        ("GET", "/nowhere", "GET /*", 404),
        ("PUT", "/v1/invoices", "PUT /*", 404),
        ("BREW", "/v1/invoices", "OTHER /*", 405),
    ):
        answer = task.ask(method, path)
        line = request_of(task, answer)
        assert (line["route"], answer.status, "error" in answer.body) == (route, status, True)
    health = task.ask("GET", "/health/live")
    ids = [one.get("correlation_id") for one in task.lines("request")]
    assert health.headers["X-Correlation-Id"] not in ids


RAY, TRACE = "8f2d1c0a9b3e4f56-EZE", "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT, ROOT_ID = f"00-{TRACE}-00f067aa0ba902b7-01", "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"CF-Ray": RAY, "traceparent": PARENT}, RAY),
        ({"CF-Ray": "not valid!", "traceparent": PARENT}, TRACE),
        ({"traceparent": PARENT, "X-Amzn-Trace-Id": f"Root={ROOT_ID}"}, TRACE),
        ({"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}, None),
        ({"X-Amzn-Trace-Id": f"Self=1-67891234-1;Root={ROOT_ID};Sampled=1"}, ROOT_ID),
        ({}, None),
    ],
)
def test_the_correlation_id_is_the_first_that_a_request_has(
    task: Task, account: Account, headers: dict[str, str], wanted: str | None
) -> None:
    """It is in the answer and in every line of the request."""
    made = issue(task, account, "a", **headers)
    found = made.headers["X-Correlation-Id"]
    if wanted is not None:
        assert found == wanted
    task.wait_for("request", correlation_id=found, account_id=account.id)
    assert task.wait_for("invoice.authorized", correlation_id=found, target=made.body["id"])


def test_a_refusal_is_logged_with_arcas_code(
    platform: Platform, task: Task, account: Account
) -> None:
    """The line has ARCA's code and text, and no CUIT."""
    platform.fault("rejected")
    answer = issue(task, account, "a")
    line = task.wait_for("arca.rejected", correlation_id=answer.headers["X-Correlation-Id"])
    assert (line["arca_code"], line["arca_message"][:18]) == ("10063", "Factura individual")


def test_an_authorized_invoice_is_an_audit_record(task: Task, account: Account) -> None:
    """Who did what to what."""
    made = issue(task, account, "a")
    line = task.wait_for("invoice.authorized", target=made.body["id"])
    found = (line["audit"], line["actor"], line["action"])
    assert found == (True, account.id, "invoice.issue")


def test_a_slow_query_has_a_line_of_its_own(
    platform: Platform, task: Task, account: Account
) -> None:
    """Its statement has no values, and it is counted."""
    before = sum(line.get("SlowQueries", 0) for line in task.lines())
    with platform.server.connect(platform.environment["DATABASE_NAME"]) as session:
        session.execute("LOCK TABLE sequences IN ACCESS EXCLUSIVE MODE")
        import threading

        client = threading.Thread(target=issue, args=(task, account, "a"))
        client.start()
        time.sleep(1.3)
        session.rollback()
        client.join()

    def logged() -> dict[str, Any] | None:
        lines = task.lines("database.query")
        return next((one for one in lines if "INSERT INTO sequences" in one["statement"]), None)

    line = wait(logged)
    assert line["duration_ms"] > 1000
    assert account.id not in line["statement"]
    assert "%(account_id)s" in line["statement"]
    wait(lambda: sum(one.get("SlowQueries", 0) for one in task.lines()) > before)


def test_metrics_have_the_stage_and_the_contracts_names(
    platform: Platform, task: Task, account: Account
) -> None:
    """Each metric of the contract's table comes, with its unit and its dimensions."""
    assert {name: metric.unit for name, metric in contract.EMITTED.items()} == dict(UNITS)
    issue(task, account, "a")
    with platform.agency.state.lock:
        platform.agency.state.forget_tickets()
    assert issue(task, account, "b").status == 201
    platform.fault("rejected")
    issue(task, account, "c")

    def missing() -> set[str]:
        return set(UNITS) - {name for line in task.lines() for name in line}

    wait(lambda: not missing())
    stages = {line["Stage"] for line in task.lines() if "_aws" in line}
    namespaces = {
        group["Namespace"]
        for line in task.lines()
        if "_aws" in line
        for group in line["_aws"]["CloudWatchMetrics"]
    }
    assert (stages, namespaces) == ({"dev"}, {"arca-api"})


def test_a_long_list_takes_several_lines() -> None:
    """A list has at most a hundred values, and a counter counts once."""
    metrics = Metrics()
    for number in range(250):
        metrics.count("Queries")
        metrics.observe("QueryDuration", number)
    lines = list(metrics.drain())
    assert [len(line["QueryDuration"]) for line in lines] == [100, 100, 50]  # type: ignore[arg-type]
    assert [line.get("Queries") for line in lines] == [250, None, None]
    assert list(metrics.drain()) == []


@pytest.mark.slow
def test_without_a_threshold_its_metric_is_omitted(platform: Platform) -> None:
    """The service has no default of its own."""
    with platform.task(REQUESTS_FAST_MS=None, QUERIES_FAST_MS=None) as task:
        account = platform.account(task)
        issue(task, account, "a")
        wait(lambda: any("Queries" in line for line in task.lines("metrics")))
        task.stop()
        names = {name for line in task.lines() for name in line}
    assert names & {"RequestsFast", "QueriesFast"} == set()


def test_a_request_has_failed_when_we_failed(platform: Platform, task: Task) -> None:
    """A 429 over the quota is the caller's, a 503 is ours."""
    account = platform.account(task, quota=2)
    answers = [
        task.ask("GET", "/v1/invoices?point_of_sale=1", headers=account.headers) for _ in range(3)
    ]
    # The token was the first of the two.
    assert [one.status for one in answers] == [200, 429, 429]
    over = answers[-1]
    assert 1 <= int(over.headers["Retry-After"]) <= 60
    line = request_of(task, over)
    counted = [line[name] for name in ("RateLimited", "RequestsFailed", "ClientErrors")]
    assert counted == [1, 0, 1]
    with platform.cache.stopped():
        failed = request_of(task, task.ask("GET", "/v1/status"))
    counted = [
        failed[name] for name in ("RateLimited", "RequestsFailed", "ServerErrors", "RequestsFast")
    ]
    assert (failed["level"], counted) == ("ERROR", [0, 1, 1])
    for status, code, wanted in ((429, "", 1), (429, OVER_QUOTA, 0), (408, "", 1), (425, "", 1)):
        assert Outcome("GET /", status, code).failed == wanted


@pytest.mark.parametrize(
    ("status", "took_ms", "fast"),
    [(200, 200, True), (404, 5, True), (200, 201, False), (500, 5, False), (429, 5, False)],
)
def test_a_failed_request_is_never_fast(status: int, took_ms: float, *, fast: bool) -> None:
    """A 500 within 5 ms is no good latency; a caller's own mistake is answered as any other."""
    assert Outcome("GET /", status, "").fast(took_ms, 200) == fast


@pytest.mark.slow
def test_without_the_cache_nobody_is_refused(platform: Platform) -> None:
    """Quotas fail open, and the login ticket comes from the database."""
    with platform.task() as task:
        account = platform.account(task, quota=1)
        issue(task, account, "a")
    with platform.task(CACHE_PORT="9") as without:
        answers = [issue(without, account, key).status for key in ("b", "c", "d")]
        assert answers == [201] * 3
        assert without.wait_for("limits.open")["level"] == "WARN"


def test_a_request_is_one_trace(
    platform: Platform, task: Task, account: Account, collector: Collector
) -> None:
    """Its calls to the database and to ARCA are client spans below the route's."""
    trace = "5cf92f3577b34da6a3ce929d0e0e4736"
    parent = "00f067aa0ba902b7"
    made = issue(task, account, "a", traceparent=f"00-{trace}-{parent}-01")
    assert made.status == 201

    def found() -> list[Any]:
        spans = [span for span in list(collector.spans) if span.trace_id.hex() == trace]
        return spans if any(span.kind == span.SPAN_KIND_SERVER for span in spans) else []

    mine = wait(found)
    (server,) = [span for span in mine if span.kind == span.SPAN_KIND_SERVER]
    assert (server.name, server.parent_span_id.hex()) == ("POST /v1/invoices", parent)
    calls = {
        name: [span for span in mine if collectors.attributes(span).get("peer.service") == name]
        for name in ("database", "arca")
    }
    assert all(span.kind == span.SPAN_KIND_CLIENT for some in calls.values() for span in some)
    assert len(calls["database"]) > 4
    (asked,) = [span for span in calls["arca"] if span.name == "FECAESolicitar"]
    assert collectors.attributes(asked)["correlation_id"] == trace
    assert ("FECAESolicitar", f"00-{trace}-{asked.span_id.hex()}-01") in platform.agency.calls
    assert request_of(task, made)["trace_id"] == trace


@pytest.mark.slow
def test_a_collector_that_hangs_costs_a_request_nothing(platform: Platform) -> None:
    """It accepts connections and never answers; requests are as fast, and the task stops."""
    import socket

    with (
        socket.create_server(("127.0.0.1", 0)) as hanging,
        platform.task(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{hanging.getsockname()[1]}"
        ) as task,
    ):
        for _ in range(20):
            task.ask("GET", "/v1/status")
        took = [line["duration_ms"] for line in task.lines("request")]
        assert sorted(took)[len(took) // 2] < 500
        began = time.monotonic()
        assert task.stop() == 0
        assert time.monotonic() - began < 10
