"""What Cloudflare and the load balancer change in the headers of a request and of an answer.

Sources: RFC 9110, section 7.6.1; Cloudflare documentation, "Cloudflare HTTP headers"; Elastic Load
Balancing User Guide, "HTTP headers and Application Load Balancers".
"""

import re
from collections.abc import Iterable

Headers = list[tuple[str, str]]
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
VALID_NAME = re.compile(r"[A-Za-z0-9-]+")
"""Elastic Load Balancing API Reference, LoadBalancerAttribute: other names are dropped where
`routing.http.drop_invalid_header_fields.enabled` is true."""


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers without those that are for one connection only."""
    listed = list(headers)
    named = {
        option.strip().lower()
        for name, value in listed
        if name.lower() == "connection"
        for option in value.split(",")
    }
    return [one for one in listed if one[0].lower() not in HOP_BY_HOP | named]


def first(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return a header's first value, or None."""
    return next((value for key, value in headers if key.lower() == name), None)


def through_cloudflare(
    headers: Iterable[tuple[str, str]], *, host: str, client: str, ray: str
) -> Headers:
    """Return a request's headers as Cloudflare sends them to the origin.

    `ray` is the id of a request that brings none.
    """
    kept = list(headers)
    ray = first(kept, "cf-ray") or ray
    return [
        *_without(kept, "host", "cf-connecting-ip", "cf-ray", "cf-visitor", "cdn-loop", *FORWARDED),
        ("Host", host),
        ("CF-Connecting-IP", client),
        ("CF-Ray", ray),
        ("CF-Visitor", '{"scheme":"https"}'),
        ("CDN-Loop", "cloudflare"),
        ("X-Forwarded-For", _appended(kept, client)),
        ("X-Forwarded-Proto", "https"),
    ]


def through_balancer(
    headers: Iterable[tuple[str, str]], *, client: str, port: int, trace: str, drop_invalid: bool
) -> Headers:
    """Return a request's headers as the load balancer sends them to a target.

    `client` is whoever connected to the load balancer, and `trace` the trace id of a request that
    brings none.
    """
    kept = end_to_end(headers)
    if drop_invalid:
        kept = [one for one in kept if VALID_NAME.fullmatch(one[0])]
    return [
        *_without(kept, "x-amzn-trace-id", "x-forwarded-port", *FORWARDED),
        ("X-Forwarded-For", _appended(kept, client)),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Port", str(port)),
        ("X-Amzn-Trace-Id", first(kept, "x-amzn-trace-id") or f"Root={trace}"),
    ]


FORWARDED = ("x-forwarded-for", "x-forwarded-proto")


def _without(headers: Headers, *names: str) -> Headers:
    return [one for one in headers if one[0].lower() not in names]


def _appended(headers: Headers, client: str) -> str:
    earlier = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    return ", ".join([*earlier, client])
