"""One HTTP request of a customer, and what the customer learns from it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

FailureClass = Literal["5xx", "4xx", "refused", "reset", "timeout", "garbled"]
NEVER_REACHED = (521, 523, 530)
"""Cloudflare reached no origin (Cloudflare documentation, "Cloudflare 5xx errors")."""
MAY_HAVE_HAPPENED = (408, 409, 425)
"""Client errors after which the request may still be worked on."""


@dataclass(frozen=True)
class Attempt:
    """What a customer saw of one request."""

    status: int | None
    """None if there was no whole answer."""
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure: FailureClass | None = None
    """None for an answer that says that it worked, or that it is being worked on."""
    surely_not: bool = False
    """Whether the request certainly had no effect."""
    detail: str = ""


async def send(
    session: ClientSession,
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Attempt:
    """Send a request once; any failure is part of the result."""
    try:
        async with session.request(
            method,
            url,
            json=body,
            headers=headers,
            allow_redirects=False,
            timeout=ClientTimeout(total=timeout_seconds),
        ) as response:
            return _read(response.status, await response.read())
    except ClientConnectorError as error:
        return Attempt(None, failure="refused", surely_not=True, detail=str(error))
    except TimeoutError:
        return Attempt(None, failure="timeout", detail=f"no answer in {timeout_seconds:g} s")
    except (ClientError, OSError) as error:
        return Attempt(None, failure="reset", detail=f"{type(error).__name__}: {error}")


def _read(status: int, content: bytes) -> Attempt:
    text = content.decode(errors="replace")
    body, detail = _json_object(text), f"{status} {' '.join(text.split())[:200]}"
    if status >= 500:
        surely_not = status in NEVER_REACHED
        return Attempt(status, body or {}, failure="5xx", surely_not=surely_not, detail=detail)
    if status >= 400:
        surely_not = status not in MAY_HAVE_HAPPENED
        return Attempt(status, body or {}, failure="4xx", surely_not=surely_not, detail=detail)
    if body is None:
        return Attempt(status, failure="garbled", detail=f"no JSON object: {detail}")
    return Attempt(status, body)


def _json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a text; None where there is none."""
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return cast("dict[str, Any]", found)
    return None
