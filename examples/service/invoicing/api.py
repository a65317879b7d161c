"""The API's routes."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from invoicing.accounts import Account, Tokens
from invoicing.context import CURRENT, new_id
from invoicing.database import Database
from invoicing.errors import ApiError
from invoicing.health import Health
from invoicing.invoice import TYPES, Invoice, InvoiceRequest
from invoicing.issuer import Issuer
from invoicing.limits import Limits
from invoicing.web import json_body, named
from invoicing.worker import Worker

KEY = re.compile(r"[\x21-\x7e]{1,128}")
LARGEST_PAGE = 100
STATUS_OF = {"authorized": 201, "recovered": 201, "rejected": 422, "pending": 202}
STANDBY = "This stack stands by and serves nobody."


@dataclass(frozen=True)
class Business:
    """What customers ask for; a task on standby has none of it."""

    database: Database
    tokens: Tokens
    limits: Limits
    issuer: Issuer
    worker: Worker
    wait: float

    async def token(self, request: Request) -> Response:
        """Answer an API key with a token."""
        body = await json_body(request)
        key = body.get("api_key") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] # JSON
        if not isinstance(key, str):
            raise ApiError(400, "invalid_request", "The body has no api_key.")
        token, account = await self.tokens.issue(self.database, key)
        _mark(account)
        await self.limits.count(account.id, account.quota)
        return JSONResponse({"token": token, "token_type": "Bearer", "expires_in": 3600})

    async def create(self, request: Request) -> Response:
        """Issue an invoice; the same key and body always give the same invoice."""
        account = await self._account(request)
        key = request.headers.get("idempotency-key", "")
        if not KEY.fullmatch(key):
            raise ApiError(
                400, "idempotency_key", "The header Idempotency-Key has 1 to 128 characters."
            )
        wanted = InvoiceRequest.of(await json_body(request))
        context = CURRENT.get()
        invoice, is_new = await self.issuer.store.create(
            wanted.sequence(account.id),
            wanted,
            key,
            context.correlation_id if context else new_id(),
            self.issuer.clock.now(),
        )
        if invoice.request_hash != wanted.hash():
            raise ApiError(
                422,
                "idempotency_key_reused",
                "Another request had this Idempotency-Key; an invoice needs one of its own.",
            )
        if is_new:
            self.issuer.metrics.count("InvoicesCreated")
        if invoice.status == "pending":
            invoice = await self.issuer.settle(invoice, self.wait)
            if invoice.status == "authorized":
                self.worker.finished(invoice)
        return _answer(invoice, is_new=is_new)

    async def read(self, request: Request) -> Response:
        """Answer with one invoice."""
        account = await self._account(request)
        found = await self.issuer.store.invoice(account.id, request.path_params["id"])
        if found is None:
            raise ApiError(404, "not_found", "The account has no such invoice.")
        return JSONResponse(found.as_json())

    async def listed(self, request: Request) -> Response:
        """Answer with the numbered invoices of a point of sale and a type, in order."""
        account = await self._account(request)
        asked = request.query_params
        kind = asked.get("type", "B")
        if kind not in TYPES:
            raise ApiError(400, "invalid_request", f"type is one of {', '.join(TYPES)}.")
        place, after = _number(asked.get("point_of_sale")), _number(asked.get("after", "0"))
        limit = min(LARGEST_PAGE, _number(asked.get("limit", str(LARGEST_PAGE))))
        found = await self.issuer.store.listed(account.id, place, TYPES[kind], after, limit)
        return JSONResponse({"invoices": [invoice.as_json() for invoice in found]})

    async def _account(self, request: Request) -> Account:
        account = self.tokens.account(request.headers)
        _mark(account)
        await self.limits.count(account.id, account.quota)
        return account


def _mark(account: Account) -> None:
    """Name the account in the request's log lines."""
    context = CURRENT.get()
    if context is not None:
        context.account_id = account.id


def _answer(invoice: Invoice, *, is_new: bool) -> Response:
    headers = {"Location": f"/v1/invoices/{invoice.id}"}
    if not is_new:
        headers["Idempotent-Replayed"] = "true"
    if invoice.status == "pending":
        headers["Retry-After"] = "5"
    return JSONResponse(invoice.as_json(), STATUS_OF[invoice.status], headers)


def _number(text: str | None) -> int:
    if text is None or not re.fullmatch(r"\d{1,10}", text):
        raise ApiError(400, "invalid_request", "point_of_sale, after and limit are numbers.")
    return int(text)


async def _stands_by(_: Request) -> Response:
    raise ApiError(503, "standby", STANDBY, headers={"Retry-After": "60"})


async def _nowhere(_: Request) -> Response:
    raise ApiError(404, "not_found", "The API has no such path.")


def router(health: Health, business: Business | None) -> Router:
    """Return the routes; a task on standby has only its health."""
    routes = [
        ("GET", "/health/live", health.live),
        ("GET", "/health/ready", health.ready),
        ("GET", "/v1/status", health.status if business else _stands_by),
        ("POST", "/v1/tokens", business.token if business else _stands_by),
        ("POST", "/v1/invoices", business.create if business else _stands_by),
        ("GET", "/v1/invoices", business.listed if business else _stands_by),
        ("GET", "/v1/invoices/{id}", business.read if business else _stands_by),
    ]
    return Router(
        [
            Route(path, named(f"{method} {path}", handler), methods=[method])
            for method, path, handler in routes
        ]
        + [Route("/{path:path}", _nowhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])],
        redirect_slashes=False,
    )
