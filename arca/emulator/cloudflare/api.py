"""The WSGI application: it finds the route of a request and wraps its answer.

Anybody on loopback with a token of any value gets in; the server's access rules keep web pages out.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from threading import RLock
from typing import Any

from werkzeug.wrappers import Request, Response

from arca.emulator.cloudflare import (
    PREFIX,
    dns_records,
    healthchecks,
    notifications,
    origin_pulls,
    rulesets,
    tiered_cache,
    zone_settings,
    zones,
)
from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, no_route
from arca.emulator.cloudflare.state import IDENTIFIER, OwnedZone, State

ROUTES: tuple[Route, ...] = (
    *zones.ROUTES,
    *dns_records.ROUTES,
    *zone_settings.ROUTES,
    *rulesets.ROUTES,
    *healthchecks.ROUTES,
    *notifications.ROUTES,
    *origin_pulls.ROUTES,
    *tiered_cache.ROUTES,
)
NAMES = ("setting", "phase")
"""Parts of a path that are names, and no ids."""
NO_METHOD = 10405
NO_CONTENT = 204
BAD_JSON = 6007
INVALID_HEADERS = 6003
INVALID_AUTHORIZATION = 6111


class CloudflareApi:
    """The double of Cloudflare's API v4, whose state lasts as long as the object."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._state = State()
        self._lock = RLock()

    def add_zone(self, zone: OwnedZone) -> None:
        """Let a zone exist, as its owner has made it; one that exists stays as it is."""
        with self._lock:
            self._state.add_zone(zone, self._now())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request below PREFIX."""
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            _authorize(request)
            with self._lock:
                answer = self._answer(request)
                # Another call may change what an answer shows as soon as the lock is open.
                return _json(answer.envelope(), answer.status)
        except ApiRefusal as refusal:
            return _json(refusal.envelope(), refusal.status)

    def _answer(self, request: Request) -> Answer:
        path = request.path.removeprefix(PREFIX).rstrip("/")
        found = [(route, ids) for route in ROUTES if (ids := _ids(route, path)) is not None]
        if not found:
            raise no_route(path)
        for route, ids in found:
            if route.method == request.method:
                query = {key: str(value) for key, value in request.args.items()}
                body = _body(request)
                return route.answer(Call(self._state, self._now(), path, ids, query, body))
        raise ApiRefusal(NO_METHOD, f"no such method here {SIMULATED}", status=405)


def _ids(route: Route, path: str) -> Mapping[str, str] | None:
    """Return the ids in a path of a route; None for another path, or an id of a wrong form."""
    ids = route.match(path)
    if ids is None:
        return None
    of_form = all(name in NAMES or re.fullmatch(IDENTIFIER, ids[name]) for name in ids)
    return ids if of_form else None


def _authorize(request: Request) -> None:
    """Refuse a request without a token, in the words of fields of a wrong form.

    They were seen in siennathesane/cloudflare-sync, issue 4.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not token.strip():
        refusal = ApiRefusal(INVALID_HEADERS, "Invalid request headers")
        says = "Invalid format for Authorization header"
        refusal.chain.append({"code": INVALID_AUTHORIZATION, "message": says})
        raise refusal


def _body(request: Request) -> Any:
    content = request.get_data()
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        raise ApiRefusal(BAD_JSON, f"Malformed JSON in request body {SIMULATED}") from None


def _json(content: dict[str, Any], status: int) -> Response:
    if status == NO_CONTENT:
        return Response(status=status)
    return Response(json.dumps(content), status, content_type="application/json")
