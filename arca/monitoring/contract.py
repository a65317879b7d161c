"""The contract of the service's log: the schema of a line, and the secrets that none may hold.

docs/service-contract.md says it in words. The metrics of a line are CloudWatch's embedded metric
format (Amazon CloudWatch User Guide, "Specification: Embedded metric format").
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from arca.monitoring.catalogue import CATALOGUE, OWN_NAMESPACE, Metric
from arca.monitoring.slo.objective import EventIndicator, Objective

LOG_LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"]
EMITTED: Mapping[str, Metric] = {
    metric.name: metric for metric in CATALOGUE.values() if metric.emitter == "service"
}
"""The metrics that the service emits, by CloudWatch's name."""
WITHOUT_REQUEST = ("service.start", "service.stop", "metrics")
"""Events that belong to no request and need no correlation id."""
SECRET_KEY = re.compile(
    r"(^|_)(password|passwd|secret|token|api_key|private_key|authorization|credentials?|cookie)$"
)
"""The last words of a field that may hold a secret, written_like_this."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a line of the service's log."""
    text, number = {"type": "string", "minLength": 1}, {"type": "number", "minimum": 0}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of ARCA API's log",
        "type": "object",
        "required": ["timestamp", "level", "service", "event", "message"],
        "properties": {
            "timestamp": {
                "type": "string",
                "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$",
            },
            "level": {"enum": LOG_LEVELS},
            "service": text,
            "event": {"type": "string", "pattern": r"^[a-z]+(\.[a-z_]+)*$"},
            "message": {"type": "string"},
            "correlation_id": {"type": "string", "pattern": r"^[A-Za-z0-9-]{8,128}$"},
            "trace_id": {"type": "string", "pattern": r"^[0-9a-f]{32}$"},
            "account_id": text,
            "route": {"type": "string", "pattern": r"^[A-Z]+ /\S*$"},
            "status": {"type": "integer", "minimum": 100, "maximum": 599},
            "duration_ms": number,
            "error_class": text,
            "statement": text,
            "arca_code": {"type": ["string", "integer"]},
            "arca_message": {"type": "string"},
            "audit": {"type": "boolean"},
            "actor": text,
            "action": text,
            "target": text,
            "Stage": {"enum": ["dev", "staging", "prod"]},
            "Route": {"type": "string", "pattern": r"^[A-Z]+ /\S*$"},
            "_aws": {"$ref": "#/$defs/metrics"},
            **{name: {"$ref": "#/$defs/value"} for name in sorted(EMITTED)},
        },
        "additionalProperties": True,
        "allOf": [
            {
                "if": {"properties": {"event": {"enum": [*WITHOUT_REQUEST]}}},
                "else": {"required": ["correlation_id"]},
            },
            {
                "if": {"properties": {"event": {"const": "request"}}},
                "then": {"required": ["route", "status", "duration_ms"]},
            },
            {
                "if": {"properties": {"level": {"const": "ERROR"}}, "required": ["level"]},
                "then": {"required": ["error_class"]},
            },
            {
                "if": {"properties": {"audit": {"const": True}}, "required": ["audit"]},
                "then": {"required": ["actor", "action", "target"]},
            },
        ],
        "$defs": {
            "value": {
                "anyOf": [number, {"type": "array", "items": number, "maxItems": 100}],
            },
            "metrics": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 0},
                    "CloudWatchMetrics": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["Namespace", "Dimensions", "Metrics"],
                            "properties": {
                                "Namespace": {"const": OWN_NAMESPACE},
                                "Dimensions": {"type": "array", "minItems": 1},
                                "Metrics": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 100,
                                    "items": {
                                        "type": "object",
                                        "required": ["Name", "Unit"],
                                        "properties": {
                                            "Name": {"enum": sorted(EMITTED)},
                                            "Unit": {"type": "string"},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    }


VALIDATOR = Draft202012Validator(schema())
COUNTED_BY: Mapping[str, str] = {"request": "api.requests", "database.query": "database.queries"}
"""The metric that counts an event; a line of the event has the event's own `duration_ms`."""
FAILED_BY: Mapping[str, str] = {"request": "api.requests.failed"}
"""The metric that counts an event's failure; a failure is not fast, whatever time it took."""
ROUNDING_MS = 1
"""`duration_ms` may be rounded, so this close to a threshold either count is right."""


def breaches(line: Mapping[str, Any], objectives: Iterable[Objective] = ()) -> Iterator[str]:
    """Yield everything in a line that breaks the contract, or the counting of the objectives."""
    errors = cast("Any", VALIDATOR).iter_errors(line)
    yield from sorted(_explain(error) for error in errors)
    yield from _metrics(line)
    for objective in objectives:
        yield from _miscounted(line, objective)
    yield from _revealed(dict(line), "")


def _miscounted(line: Mapping[str, Any], objective: Objective) -> Iterator[str]:
    """Yield an event that the service counts as fast, or as slow, against its own duration."""
    indicator, limit, event = objective.indicator, objective.threshold_ms, str(line.get("event"))
    if not isinstance(indicator, EventIndicator) or limit is None:
        return
    counted_by = COUNTED_BY.get(event, "")
    if counted_by not in {reading.metric for reading in indicator.total}:
        return
    fast, total = CATALOGUE[indicator.counted[0].metric].name, CATALOGUE[counted_by].name
    took, counted = line.get("duration_ms"), line.get(fast, 0)
    # A line may count several events; only that of a single one tells how long it took.
    if line.get(total) != 1 or not isinstance(took, int | float) or counted not in (0, 1):
        return
    failed = CATALOGUE[FAILED_BY[event]].name if event in FAILED_BY else ""
    if failed and line.get(failed) == 1:
        if counted:
            yield f"{fast}: {counted}, and {failed} is 1: a failed {event} is not fast"
        return
    if abs(took - limit) >= ROUNDING_MS and counted != (took < limit):
        verb = "is" if took < limit else "is not"
        yield (
            f"{fast}: {counted}, and {took:g} ms {verb} within the {limit} ms of the objective "
            f"{objective.name}"
        )


def _explain(error: ValidationError) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    return f"{path}: {error.message}" if path else error.message


def _metrics(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield the metrics whose name, unit and dimensions disagree: a schema cannot say it."""
    for directives in _objects([line.get("_aws")]):
        for group in _objects(directives.get("CloudWatchMetrics")):
            for item in _objects(group.get("Metrics")):
                metric = EMITTED.get(str(item.get("Name")))
                if metric is not None:
                    yield from _metric(line, metric, item, group.get("Dimensions"))


def _metric(
    line: Mapping[str, Any], metric: Metric, item: Mapping[str, Any], dimensions: Any
) -> Iterator[str]:
    wanted = ["Stage", *metric.splits]
    if metric.name not in line:
        yield f"{metric.name}: declared as a metric, and without a value"
    if item.get("Unit") != metric.unit:
        yield f"{metric.name}: unit {item.get('Unit')}, not {metric.unit}"
    if not isinstance(dimensions, list) or wanted not in dimensions:
        yield f"{metric.name}: needs the dimensions {wanted}"
    for dimension in wanted:
        if dimension not in line:
            yield f"{metric.name}: dimension {dimension} has no value"


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; the schema already reports anything else."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


PATTERNS: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a CAE in clear": re.compile(r"(?<![\w-])\d{14}(?![\w-])"),
}
CUIT = re.compile(r"(?<![\w-])(\d{2})-?(\d{8})-?(\d)(?![\w-])")
WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
UNCHECKED = ("timestamp", "trace_id", "correlation_id", "_aws")
"""Fields whose digits never belong to a customer."""


def _revealed(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            name = f"{path}.{key}" if path else key
            yield from (f"{name}: {what}, as a field's name" for what in _in_clear(key))
            if is_secret(key):
                yield f"{name}: a field of this name may hold a secret"
            elif name not in UNCHECKED:
                yield from _revealed(item, name)
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value)):
            yield from _revealed(item, f"{path}.{number}")
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield from (f"{path}: {what}" for what in _in_clear(str(value)))


def _in_clear(text: str) -> Iterator[str]:
    yield from (what for what, found in PATTERNS.items() if found.search(text))
    if any(is_cuit("".join(found.groups())) for found in CUIT.finditer(text)):
        yield "a CUIT in clear"


def is_secret(key: str) -> bool:
    """Return whether a field's name says that it holds a secret, in camel case or any other."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-.\s]", "_", key).lower()
    return SECRET_KEY.search(words) is not None


def is_cuit(digits: str) -> bool:
    """Return whether eleven digits are a CUIT, by its check digit (modulus 11).

    Other long numbers, such as epoch seconds, seldom pass.
    """
    if digits[:2] not in ("20", "23", "24", "25", "26", "27", "30", "33", "34"):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=False))
    return (11 - total % 11) % 11 == int(digits[10])
