"""Conditions of a listener's rule: pure functions of a request.

Source: Elastic Load Balancing User Guide, "Condition types for listener rules" and API Reference,
RuleCondition.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl

from arca.errors import ArcaError


@dataclass(frozen=True)
class HttpRequest:
    """What a load balancer reads of a request to route it."""

    method: str = "GET"
    host: str = ""
    """The header Host; it may name a port."""
    path: str = "/"
    """The path as it was sent, without the query."""
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()
    source: str = "127.0.0.1"
    """The address of whoever opened the connection."""
    port: int = 443
    """The listener's port."""


class UnsupportedRule(ArcaError):
    """A rule contains what the front cannot follow; to ignore it would route requests wrongly."""

    def __init__(self, what: str, *, rule: str) -> None:
        super().__init__(
            f"The front cannot follow a listener's rule: {what}.",
            where=rule,
            wanted="conditions and actions that arca/emulator/front/README.md lists",
            do="add it to arca/emulator/front, or declare the rule without it",
        )


@dataclass(frozen=True)
class Condition:
    """A condition of a rule, which holds if any of its values does."""

    kind: str
    values: tuple[str, ...] = ()
    name: str = ""
    """The header's name, for `http-header`."""
    pairs: tuple[tuple[str | None, str], ...] = field(default=())
    """Keys and values, for `query-string`; a key of None stands for any key."""

    def holds(self, request: HttpRequest) -> bool:
        """Return whether a request meets the condition."""
        return _HOLDS[self.kind](self, request)


def read_condition(answer: Mapping[str, Any], *, rule: str) -> Condition:
    """Read a condition as DescribeRules returns it; raises UnsupportedRule for any other kind."""
    kind = str(answer.get("Field"))
    if kind not in _CONFIGS:
        raise UnsupportedRule(f"it has a condition of the kind {kind!r}", rule=rule)
    config = section(answer, _CONFIGS[kind])
    known = {"Values", "HttpHeaderName"}
    unknown = sorted(key for key, value in config.items() if value and key not in known)
    if unknown:
        raise UnsupportedRule(f"its condition {kind} has {', '.join(unknown)}", rule=rule)
    # A rule in the older form has its values outside of the configuration.
    values: Sequence[Any] = config.get("Values") or answer.get("Values") or ()
    if not values:
        raise UnsupportedRule(f"its condition {kind} has no value", rule=rule)
    if kind == "query-string":
        pairs = tuple((one.get("Key"), str(one["Value"])) for one in values)
        return Condition(kind, pairs=pairs)
    name = str(config.get("HttpHeaderName", ""))
    return Condition(kind, tuple(str(one) for one in values), name)


def section(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a structure in an answer; an empty one where it has none."""
    found: Mapping[str, Any] | None = answer.get(key)
    return found or {}


def matches(pattern: str, text: str, *, exact_case: bool = False) -> bool:
    """Return whether a text matches a pattern: `*` is any text, `?` any one character."""
    return _expression(pattern, exact_case=exact_case).fullmatch(text) is not None


@cache
def _expression(pattern: str, *, exact_case: bool) -> re.Pattern[str]:
    # fnmatch also knows [sets], which the load balancer does not.
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(letter) or re.escape(letter) for letter in pattern)
    return re.compile(text, re.DOTALL if exact_case else re.DOTALL | re.IGNORECASE)


def host_name(host: str) -> str:
    """Return a header Host without its port, in lower case."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _host(condition: Condition, request: HttpRequest) -> bool:
    name = host_name(request.host)
    return any(matches(one, name) for one in condition.values)


def _path(condition: Condition, request: HttpRequest) -> bool:
    return any(matches(one, request.path, exact_case=True) for one in condition.values)


def _header(condition: Condition, request: HttpRequest) -> bool:
    wanted = condition.name.lower()
    found = [value for name, value in request.headers if name.lower() == wanted]
    return any(matches(one, value) for one in condition.values for value in found)


def _method(condition: Condition, request: HttpRequest) -> bool:
    return request.method in condition.values


def _query(condition: Condition, request: HttpRequest) -> bool:
    found = parse_qsl(request.query, keep_blank_values=True)
    return any(
        (key is None or matches(key, name)) and matches(wanted, value)
        for key, wanted in condition.pairs
        for name, value in found
    )


def _source(condition: Condition, request: HttpRequest) -> bool:
    address = ip_address(request.source)
    return any(address in ip_network(one, strict=False) for one in condition.values)


_CONFIGS: Mapping[str, str] = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
_HOLDS: Mapping[str, Callable[[Condition, HttpRequest], bool]] = {
    "host-header": _host,
    "path-pattern": _path,
    "http-header": _header,
    "http-request-method": _method,
    "query-string": _query,
    "source-ip": _source,
}
