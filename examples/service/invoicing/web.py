"""What every request gets: a correlation id, a span, a log line that counts it, and an answer.

A failure never shows a traceback, neither to the customer nor in the log.
"""

import json
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from invoicing.clock import Clock
from invoicing.context import Context, correlation_id, entered
from invoicing.errors import ApiError, Unavailable
from invoicing.logs import Events
from invoicing.metrics import Value, emf
from invoicing.traces import Traces, trace_id

LARGEST_BODY = 64 * 1024
RETRY_SECONDS = "2"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEALTH = "/health/"
OVER_QUOTA = "over_quota"
Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class Outcome:
    """How a request ended."""

    route: str
    status: int = 500
    code: str = ""
    error_class: str = ""
    where: str = ""

    @property
    def failed(self) -> bool:
        """True for our own failures (docs/adr/0011-what-counts-as-an-error.md)."""
        if self.status == 429:
            return self.code != OVER_QUOTA
        return self.status >= 500 or self.status in (408, 425)

    def fast(self, took_ms: float, limit_ms: float) -> bool:
        """Return whether the answer was fast; a failure never is, whatever time it took."""
        return not self.failed and took_ms <= limit_ms


def named(route: str, handler: Handler) -> Handler:
    """Return a handler that tells the request's log line its route."""

    async def handle(request: Request) -> Response:
        request.scope["outcome"].route = route
        return await handler(request)

    return handle


async def json_body(request: Request) -> Any:
    """Return the JSON of a body; raises ApiError with 400 or 413."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise ApiError(413, "too_large", f"A body has at most {LARGEST_BODY} bytes.")
    try:
        return json.loads(body)
    except ValueError:
        raise ApiError(400, "invalid_json", "The body is not JSON.") from None


@dataclass(frozen=True)
class Observed:
    """An ASGI application around another one."""

    app: ASGIApp
    stage: str
    fast_ms: float | None
    clock: Clock
    events: Events
    traces: Traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; other kinds of connections pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        outcome = Outcome(f"{method} /*")
        started = time.perf_counter()
        context = Context(correlation_id(headers))
        with entered(context), self.traces.request(headers, method) as span:
            context.trace_id = trace_id(span)
            # `app` makes starlette raise its own 405, which then looks like our other answers.
            scope["outcome"], scope["app"] = outcome, self
            await self._answer(scope, receive, _labelled(send, context, outcome), outcome)
            self._finish(scope, outcome, span, (time.perf_counter() - started) * 1000)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, outcome: Outcome) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - every failure gets an answer
            if begun:
                outcome.status, outcome.error_class = 500, type(error).__name__
                return
            answer = _failure(error, outcome)
            await answer(scope, receive, send)

    def _finish(self, scope: Scope, outcome: Outcome, span: Span, took_ms: float) -> None:
        span.update_name(outcome.route)
        span.set_attribute("http.route", outcome.route.split(" ", 1)[1])
        span.set_attribute("http.response.status_code", outcome.status)
        if outcome.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        if str(scope["path"]).startswith(HEALTH):
            return
        took_ms = round(took_ms, 3)
        fields = {
            "route": outcome.route,
            "status": outcome.status,
            "duration_ms": took_ms,
            **emf(self.stage, self.clock.now(), self._values(outcome, took_ms), outcome.route),
        }
        message = f"{outcome.route} {outcome.status}"
        if outcome.status >= 500:
            where = {"where": outcome.where} if outcome.where else {}
            self.events.fail(
                "request", message, outcome.error_class or "Failure", **where, **fields
            )
        else:
            self.events.note("request", message, **fields)

    def _values(self, outcome: Outcome, took_ms: float) -> Mapping[str, Value]:
        limit = self.fast_ms
        fast = {} if limit is None else {"RequestsFast": int(outcome.fast(took_ms, limit))}
        return {
            "Requests": 1,
            "RequestsFailed": int(outcome.failed),
            **fast,
            "ClientErrors": int(400 <= outcome.status < 500 and not outcome.failed),
            "ServerErrors": int(outcome.status >= 500),
            "RateLimited": int(outcome.code == OVER_QUOTA),
            "RequestDuration": took_ms,
            "RouteRequests": 1,
            "RouteDuration": took_ms,
            "RouteErrors": int(outcome.failed),
        }


def _labelled(send: Send, context: Context, outcome: Outcome) -> Send:
    """Return a `send` that adds the correlation id and notes the status."""

    async def labelled(message: Message) -> None:
        if message["type"] == "http.response.start":
            outcome.status = message["status"]
            added = (b"x-correlation-id", context.correlation_id.encode())
            message["headers"] = [*message.get("headers", []), added]
        await send(message)

    return labelled


def _failure(error: Exception, outcome: Outcome) -> Response:
    """Return the answer to a request that failed."""
    outcome.error_class = type(error).__name__
    if isinstance(error, HTTPException):
        error = ApiError(error.status_code, "http", error.detail, headers=error.headers)
    if isinstance(error, Unavailable):
        outcome.error_class = f"Unavailable.{error.system}"
        error = ApiError(
            503,
            "unavailable",
            "The API cannot serve this request now; try again with the same key.",
            headers={"Retry-After": RETRY_SECONDS},
        )
    if not isinstance(error, ApiError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        outcome.where = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
        error = ApiError(500, "internal", "The API failed; the correlation id finds the cause.")
    outcome.code = error.code
    body = {"error": {"code": error.code, "message": error.message, **error.details}}
    return JSONResponse(body, error.status, error.headers)
