"""The customers: they send what was planned, and repeat what failed, with the same key."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import ClientSession

from arca.emulator.traffic.attempt import Attempt, send
from arca.emulator.traffic.history import HistoryWriter
from arca.emulator.traffic.plan import PlannedRequest
from arca.errors import ArcaError

Outcome = Literal["ok", "rejected", "pending", "failed", "unknown"]
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
INVOICE_PARTS = ("id", "point_of_sale", "type", "number", "cae")
"""What the answer about an issued invoice has."""


@dataclass(frozen=True)
class CustomerSettings:
    """How customers behave."""

    url: str
    api_key: str = ""
    timeout_seconds: float = 20.0
    """Seconds that a customer waits for one answer."""
    retries: int = 3
    """How often a customer repeats a request that failed, or whose outcome nobody knows."""
    most_pending: int = 10
    """How often a customer asks again for an invoice that is still being worked on."""


@dataclass(frozen=True)
class Answered:
    """The end of a planned request."""

    outcome: Outcome
    attempts: tuple[Attempt, ...]


class Customers:
    """Sends requests of the example service's API (examples/service/README.md)."""

    def __init__(
        self,
        settings: CustomerSettings,
        session: ClientSession,
        *,
        history: HistoryWriter | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._settings, self._session = settings, session
        self._history, self._sleep = history, sleep
        self._issued: list[str] = []
        """Ids of the invoices that were issued, to be read later."""
        self._token = ""
        self._renewing = asyncio.Lock()
        self.statuses: Counter[int] = Counter()

    async def authenticate(self) -> None:
        """Get a token; raises ArcaError."""
        attempt = await self._renew()
        if attempt.failure is not None or not self._token:
            raise ArcaError(
                f"The customer gets no token: {attempt.detail}",
                where=f"POST {self._settings.url}/v1/tokens",
                wanted="a token for the API key",
                do="see whether the service answers, and give the key of one of its accounts",
            )

    async def run(self, planned: PlannedRequest) -> Answered:
        """Send a request until it is answered, or the customer gives up."""
        process, history = f"customer-{planned.number}", self._history
        issues = planned.kind == "issue"
        if issues and history:
            history.invoke(process, planned.key)
        answered = await self._until_answered(planned)
        if issues and history:
            last = answered.attempts[-1]
            match answered.outcome:
                case "ok":
                    history.ok(process, planned.key, last.body)
                case "rejected" | "failed":
                    history.fail(process, planned.key, last.detail)
                case "pending" | "unknown":
                    history.info(process, planned.key, last.detail or answered.outcome)
        if issues and answered.outcome == "ok":
            self._issued.append(str(answered.attempts[-1].body["id"]))
        return answered

    async def _until_answered(self, planned: PlannedRequest) -> Answered:
        attempts: list[Attempt] = []
        retries = waits = 0
        pause = FIRST_PAUSE_SECONDS
        while True:
            attempt = await self._attempt(planned)
            attempts.append(attempt)
            if attempt.failure is None and attempt.status != 202:
                return Answered("ok", tuple(attempts))
            if attempt.failure is None:
                waits += 1
                if waits > self._settings.most_pending:
                    return Answered("pending", tuple(attempts))
            elif _was_rejected(attempt):
                return Answered("rejected", tuple(attempts))
            else:
                retries += 1
                final = attempt.failure == "4xx" and attempt.surely_not
                if final or retries > self._settings.retries:
                    return Answered(_given_up(attempts), tuple(attempts))
            await self._sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)

    async def _attempt(self, planned: PlannedRequest) -> Attempt:
        token = self._token
        attempt = await self._once(planned)
        if attempt.status == 401 and planned.kind != "status":
            async with self._renewing:
                if token == self._token:
                    await self._renew()
            attempt = await self._once(planned)
        return attempt

    async def _once(self, planned: PlannedRequest) -> Attempt:
        match planned.kind:
            case "status":
                return await self._send("GET", "/v1/status", {})
            case "read":
                return await self._send("GET", self._read_path(planned), self._credentials())
            case "issue":
                headers = {**self._credentials(), "Idempotency-Key": planned.key}
                body = invoice_body(planned)
                return _checked(await self._send("POST", "/v1/invoices", headers, body))

    def _read_path(self, planned: PlannedRequest) -> str:
        if not self._issued:
            return f"/v1/invoices?point_of_sale={planned.point_of_sale}&type=B&limit=1"
        return f"/v1/invoices/{self._issued[int(planned.choice * len(self._issued))]}"

    def _credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self) -> Attempt:
        body = {"api_key": self._settings.api_key}
        attempt = await self._send("POST", "/v1/tokens", {}, body)
        if attempt.failure is None:
            self._token = str(attempt.body.get("token", ""))
        return attempt

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> Attempt:
        attempt = await send(
            self._session,
            method,
            f"{self._settings.url}{path}",
            timeout_seconds=self._settings.timeout_seconds,
            headers=headers,
            body=body,
        )
        if attempt.status is not None:
            self.statuses[attempt.status] += 1
        return attempt


def invoice_body(planned: PlannedRequest) -> dict[str, Any]:
    """Return the body of a request for an invoice, always the same for a planned request."""
    return {
        "point_of_sale": planned.point_of_sale,
        "type": "B",
        "customer": {"document_type": "none", "document_number": "0"},
        "net": planned.net,
        "vat_rate": "21",
    }


def _was_rejected(attempt: Attempt) -> bool:
    """Return whether the tax agency refused the invoice, which is an answer and no failure."""
    return attempt.status == 422 and attempt.body.get("status") == "rejected"


def _checked(attempt: Attempt) -> Attempt:
    """Return an answer to an issue; one without an invoice's parts is a failure."""
    lacks = [name for name in INVOICE_PARTS if not attempt.body.get(name)]
    if attempt.failure is not None or attempt.status == 202 or not lacks:
        return attempt
    return Attempt(attempt.status, failure="garbled", detail=f"no {', '.join(lacks)} in it")


def _given_up(attempts: list[Attempt]) -> Outcome:
    """Tell a request that surely had no effect from one about which nobody knows."""
    return "failed" if all(one.surely_not for one in attempts) else "unknown"
