"""The contract of a log line: every breach is reported, and a good line has none."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.monitoring import contract
from arca.monitoring.slo.objectives import read_objectives
from tests import ROOT

GOOD: dict[str, Any] = {
    "timestamp": "2026-11-24T12:00:00.123Z",
    "level": "INFO",
    "service": "api",
    "event": "request",
    "message": "answered",
    "correlation_id": "8f0a1b2c3d4e5f60-GRU",
    "route": "POST /v1/invoices",
    "status": 201,
    "duration_ms": 48.2,
    "account_id": "acc_7Q2",
    "Stage": "prod",
    "Requests": 1,
    "RequestDuration": [48.2],
    "_aws": {
        "Timestamp": 1764000000000,
        "CloudWatchMetrics": [
            {
                "Namespace": "arca-api",
                "Dimensions": [["Stage"]],
                "Metrics": [
                    {"Name": "Requests", "Unit": "Count"},
                    {"Name": "RequestDuration", "Unit": "Milliseconds"},
                ],
            }
        ],
    },
}
START = {
    "timestamp": "2026-11-24T12:00:00Z",
    "level": "INFO",
    "service": "api",
    "event": "service.start",
    "message": "listening",
}
METRIC = {"Namespace": "arca-api", "Dimensions": [["Stage"]]}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the good line with changes; None removes a field."""
    return {k: v for k, v in (GOOD | changes).items() if v is not None}


def metrics(*items: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return the good line with other metrics."""
    group = METRIC | changes | {"Metrics": list(items)}
    return changed(_aws={"Timestamp": 1, "CloudWatchMetrics": [group]})


BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    (changed(correlation_id=None), "'correlation_id' is a required property"),
    (changed(correlation_id="short"), "correlation_id: 'short' does not match"),
    (changed(level="WARNING"), "level: 'WARNING' is not one of"),
    (changed(level="ERROR"), "'error_class' is a required property"),
    (changed(timestamp="24/11/2026"), "timestamp: '24/11/2026' does not match"),
    (changed(status=None), "'status' is a required property"),
    (changed(audit=True), "'actor' is a required property"),
    (changed(duration_ms=-1), "duration_ms: -1 is less than the minimum"),
    (changed(route="/v1"), "route: '/v1' does not match"),
    (changed(Requests="1"), "Requests: '1' is not valid"),
    (changed(Requests=None), "Requests: declared as a metric, and without a value"),
    (changed(Stage=None), "Requests: dimension Stage has no value"),
    (metrics({"Name": "Requests", "Unit": "Percent"}), "Requests: unit Percent, not Count"),
    (metrics({"Name": "Reqs", "Unit": "Count"}), "Metrics.0.Name: 'Reqs' is not one of"),
    (metrics({"Name": "RouteRequests", "Unit": "Count"}), "needs the dimensions ['Stage', 'Rout"),
    (metrics({"Name": "Requests", "Unit": "Count"}, Namespace="x"), "'arca-api' was expected"),
    (changed(_aws=[]), "_aws: [] is not of type 'object'"),
    (changed(_aws={"CloudWatchMetrics": 3}), "'Timestamp' is a required property"),
    (changed(message="for 20-12345678-6"), "message: a CUIT in clear"),
    (changed(target=20123456786), "target: a CUIT in clear"),
    (changed(context={"cae": "74123456789012"}), "context.cae: a CAE in clear"),
    (changed(context=[{"password": "x"}]), "context.0.password: a field of this name"),
    (changed(context={"accessToken": "x"}), "context.accessToken: a field of this name"),
    (changed(**{"X-Api-Key": "x"}), "X-Api-Key: a field of this name"),
    (changed(context={"20-12345678-6": 3}), "context.20-12345678-6: a CUIT in clear, as a field"),
    (changed(message="-----BEGIN RSA PRIVATE KEY-----"), "message: a private key"),
    (
        changed(message="Bearer eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4"),
        "message: a JSON web token",
    ),
    (changed(message="AKIAIOSFODNN7EXAMPLE"), "message: an AWS access key"),
)


@pytest.mark.parametrize("line", [GOOD, START], ids=["request", "start"])
def test_what_keeps_the_contract_is_quiet(line: dict[str, Any]) -> None:
    """A good line has no breach."""
    assert list(contract.breaches(line)) == []


@pytest.mark.parametrize(("line", "said"), BROKEN, ids=[said[:40] for _, said in BROKEN])
def test_what_breaks_it_is_said(line: dict[str, Any], said: str) -> None:
    """Each breach is reported with the field where it is."""
    found = list(contract.breaches(line))
    assert any(said in one for one in found), found


LATENCY = next(one for one in read_objectives() if one.name == "latency")
LIMIT_MS = LATENCY.threshold_ms or 0
DATABASE = next(one for one in read_objectives() if one.name == "database")
QUERY: dict[str, Any] = {"event": "database.query", "Requests": None, "Queries": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duration_ms": LIMIT_MS - 2}, f"RequestsFast: 0, and {LIMIT_MS - 2} ms is within"),
        (
            {"duration_ms": LIMIT_MS + 2, "RequestsFast": 1},
            f"RequestsFast: 1, and {LIMIT_MS + 2} ms is not within the {LIMIT_MS} ms of the obj",
        ),
        ({"duration_ms": LIMIT_MS - 2, "RequestsFast": 1}, ""),
        ({"duration_ms": LIMIT_MS + 2, "RequestsFast": 0}, ""),
        # It may have been 0.4 ms more, or less.
        ({"duration_ms": LIMIT_MS, "RequestsFast": 0}, ""),
        ({"duration_ms": LIMIT_MS, "RequestsFast": 1}, ""),
        # A fast failure is not fast; its duration would be within the limit.
        ({"duration_ms": 5, "RequestsFailed": 1, "RequestsFast": 0}, ""),
        ({"duration_ms": 5, "RequestsFailed": 0, "RequestsFast": 0}, "RequestsFast: 0, and 5 ms"),
        (
            {"duration_ms": 5, "RequestsFailed": 1, "RequestsFast": 1},
            "RequestsFast: 1, and RequestsFailed is 1: a failed request is not fast",
        ),
        # Several requests, or none that counts, as a health check.
        ({"duration_ms": LIMIT_MS + 2, "Requests": 2, "RequestsFast": 1}, ""),
        ({"duration_ms": 1, "Requests": None}, ""),
        # A request's duration is not that of its query.
        ({"duration_ms": LIMIT_MS + 2, "Queries": 1, "QueriesFast": 1}, ""),
        (
            {"duration_ms": LIMIT_MS + 2000, "QueriesFast": 1, **QUERY},
            f"QueriesFast: 1, and {LIMIT_MS + 2000} ms is not within the {DATABASE.threshold_ms} ",
        ),
    ],
)
def test_fast_is_what_an_objective_says(changes: dict[str, Any], said: str) -> None:
    """A line that counts against its own duration is found, unless rounding explains it."""
    found = [
        one
        for one in contract.breaches(changed(**changes), read_objectives())
        if "within" in one or "not fast" in one
    ]
    assert bool(found) == bool(said)
    assert all(said in one for one in found)


LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_line_breaks_the_checker(value: Any) -> None:
    """No value of a field raises an error."""
    list(contract.breaches({"_aws": value, "x": value, "timestamp": value}))
    counted = {"Requests": 1, "RequestsFast": value, "duration_ms": value}
    for event in (value, "request"):
        list(contract.breaches({"event": event, **counted}, [LATENCY]))
    list(contract.breaches({"_aws": {"CloudWatchMetrics": [{"Metrics": value}, value]}}))


@pytest.mark.parametrize("digits", ["30000000007", "20000000001", "30000000090", "30000000139"])
def test_cuits_of_every_kind_of_check_digit(digits: str) -> None:
    """The modulus allows 0 and 9 too; 1 of 11 numbers has no check digit at all."""
    assert contract.is_cuit(digits)
    assert not any(contract.is_cuit(f"3000000004{last}") for last in range(10))


@given(st.integers(0, 99_999_999), st.sampled_from(["20", "27", "30", "33"]))
def test_a_cuit_is_known_by_its_check_digit(number: int, kind: str) -> None:
    """At most one of the ten last digits makes a CUIT."""
    digits = f"{kind}{number:08}"
    assert sum(contract.is_cuit(f"{digits}{last}") for last in range(10)) <= 1


def test_moments_are_no_customers() -> None:
    """Epoch milliseconds and trace ids are long numbers, and no CUIT."""
    now = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp() * 1000)
    line = changed(trace_id="0" * 18 + "20123456786000", epoch_ms=now)
    assert list(contract.breaches(line)) == []


def test_no_field_of_the_contract_is_a_secret() -> None:
    """The count of token hits is no token."""
    assert not [key for key in contract.schema()["properties"] if contract.is_secret(key)]
    for key in ("token", "Authorization", "db_password", "clientSecret", "set-cookie"):
        assert contract.is_secret(key)


def test_the_service_emits_exactly_the_catalogue() -> None:
    """The schema and the contract's page name every metric of the service."""
    page = (ROOT / "docs" / "service-contract.md").read_text(encoding="utf-8")
    for name in contract.EMITTED:
        assert name in json.dumps(contract.schema())
        assert f"`{name}`" in page
