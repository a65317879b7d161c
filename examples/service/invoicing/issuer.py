"""Gets CAEs: one invoice of a sequence at a time, in the order of their arrival.

README.md says why no crash, timeout or repeated answer can give an invoice two CAEs, or leave a
gap.
"""

import asyncio
import random
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from weakref import WeakValueDictionary

from invoicing.clock import Clock
from invoicing.errors import Unavailable
from invoicing.invoice import Invoice, Sequence
from invoicing.logs import Events
from invoicing.metrics import Metrics
from invoicing.soap import SoapFault
from invoicing.store import Busy, Lease, Store
from invoicing.tickets import Tickets
from invoicing.wsaa import Ticket
from invoicing.wsfe import Authorized, BadToken, Known, NotNext, Rejected, Voucher, Wsfe

CLOCKS_DIFFER = timedelta(seconds=5)
"""How much earlier than our claim the agency may say that it processed our invoice."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
NUMBERS_PER_ATTEMPT = 20
"""Invoices that one attempt takes over from the agency; the next attempt continues."""
CALLS_PER_LEASE = 4
"""Calls of the agency that a lease has time for: the last number, the invoice, two requests."""


@dataclass(frozen=True)
class Step:
    """What one attempt did; `invoice` is the one that it finished."""

    invoice: str | None
    idle: bool = False
    """True where nothing waits in the sequence."""


class LeaseLost(Exception):
    """Another task took the sequence over."""


@dataclass(frozen=True)
class Issuer:
    """Authorizes pending invoices."""

    store: Store
    wsfe: Wsfe
    tickets: Tickets
    clock: Clock
    events: Events
    metrics: Metrics
    timeout: float
    locks: WeakValueDictionary[Sequence, asyncio.Lock]
    """One a sequence: requests of this task wait here and not in the database."""

    async def settle(self, invoice: Invoice, seconds: float) -> Invoice:
        """Work on an invoice's sequence until it is finished, or for some seconds at most."""
        deadline, pause = self.clock.monotonic() + seconds, FIRST_PAUSE
        lock = self.locks.setdefault(invoice.sequence, asyncio.Lock())
        while self.clock.monotonic() < deadline:
            step = None
            try:
                async with asyncio.timeout(max(0, deadline - self.clock.monotonic())):
                    await lock.acquire()
            except TimeoutError:
                break
            try:
                found = await self.store.invoice(invoice.sequence.account_id, invoice.id)
                if found is not None and found.status != "pending":
                    return found
                step = await self.step(invoice.sequence)
            finally:
                lock.release()
            if step.invoice is None:
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                pause = FIRST_PAUSE
        found = await self.store.invoice(invoice.sequence.account_id, invoice.id)
        return found or invoice

    async def drain(self, sequence: Sequence, stopping: asyncio.Event) -> None:
        """Work on a sequence until nothing waits, the agency does not answer, or the task stops."""
        lock = self.locks.setdefault(sequence, asyncio.Lock())
        while not stopping.is_set():
            async with lock:
                step = await self.step(sequence)
            if step.invoice is None:
                return

    async def step(self, sequence: Sequence) -> Step:
        """Authorize the oldest pending invoice of a sequence, once."""
        seconds = self.timeout * CALLS_PER_LEASE + 1
        lease = await self.store.claim(sequence, seconds, self.clock.today(), self.clock.now())
        if not isinstance(lease, Lease):
            return Step(None, idle=not isinstance(lease, Busy))
        try:
            # The end of the lease must find nothing of this attempt under way.
            async with asyncio.timeout(self.timeout * CALLS_PER_LEASE):
                return await self._attempt(lease)
        except (Unavailable, BadToken, TimeoutError) as error:
            cause = error.cause if isinstance(error, Unavailable) else type(error).__name__
            system = error.system if isinstance(error, Unavailable) else "arca"
            self.events.warn("arca.unknown", f"{system} left {lease.head.id} open: {cause}")
            if system == "database":
                raise
            await self.store.release(lease)
            return Step(None)
        except LeaseLost:
            return Step(None)

    async def _attempt(self, lease: Lease) -> Step:
        ticket = await self.tickets.ticket()
        try:
            return await self._with_ticket(lease, ticket)
        except BadToken:
            await self.tickets.forget(ticket)
            return await self._with_ticket(lease, await self.tickets.ticket())

    async def _with_ticket(self, lease: Lease, ticket: Ticket) -> Step:
        if lease.unsure or lease.head.number is None:
            found = await self._reconcile(lease, ticket)
            if not isinstance(found, Lease):
                return await self._finish(lease, found)
            lease = found
        answer = await self._ask(lease, ticket)
        if isinstance(answer, NotNext):
            found = await self._reconcile(lease, ticket)
            if not isinstance(found, Lease):
                return await self._finish(lease, found)
            lease = found
            answer = await self._ask(lease, ticket)
        if isinstance(answer, NotNext):
            raise Unavailable("arca", "the numbers change while we ask")
        return await self._finish(lease, answer)

    async def _ask(self, lease: Lease, ticket: Ticket) -> Authorized | Rejected | NotNext:
        """Ask for the head's CAE; after a failure the outcome is unknown."""
        head, sequence = lease.head, lease.sequence
        if head.number is None or head.issued_on is None or head.request is None:
            message = f"{head.id} was claimed without a number"
            raise AssertionError(message)
        place, kind = sequence.point_of_sale, sequence.invoice_type
        voucher = Voucher(place, kind, head.number, head.issued_on)
        self.metrics.count("ArcaCalls")
        self.metrics.count("ArcaCallsAnswered", 0)
        started = time.perf_counter()
        try:
            answer = await self.wsfe.authorize(ticket, lease.cuit, voucher, head.request)
        except SoapFault as fault:
            if fault.code != "Client":
                raise Unavailable("arca", fault.code) from None
            answer = Rejected(fault.code, fault.text)
        finally:
            self.metrics.observe("ArcaDuration", (time.perf_counter() - started) * 1000)
        self.metrics.count("ArcaCallsAnswered")
        return answer

    async def _reconcile(self, lease: Lease, ticket: Ticket) -> Lease | Authorized | Rejected:
        """Learn what the agency has: the head's own CAE, or the number that is next."""
        head, sequence = lease.head, lease.sequence
        place, kind = sequence.point_of_sale, sequence.invoice_type
        try:
            last = await self.wsfe.last_number(ticket, lease.cuit, place, kind)
        except SoapFault as fault:
            if head.number is not None:
                raise Unavailable("arca", fault.code) from None
            # The agency was never asked about this invoice, so that a refusal is final.
            return Rejected(fault.code, fault.text)
        if lease.last_number is not None and last < lease.last_number:
            message = f"{head.id}: the agency's last number is lower than ours"
            self.events.fail("arca.behind", message, "AgencyBehind")
            raise Unavailable("arca", "its last number is lower than ours")
        if head.number is not None and last < head.number:
            return replace(lease, unsure=False)
        return await self._catch_up(lease, ticket, last)

    async def _catch_up(self, lease: Lease, ticket: Ticket, last: int) -> Lease | Authorized:
        """Take over what the agency has beyond our last number; one of it may be the head."""
        head, sequence, found = lease.head, lease.sequence, dict[int, Known]()
        place, kind = sequence.point_of_sale, sequence.invoice_type
        # Numbers from before this service's first invoice are not ours to keep.
        before = last if lease.last_number is None else lease.last_number
        newest = min(last, before + NUMBERS_PER_ATTEMPT)
        for number in range(before + 1, newest + 1):
            known = await self.wsfe.consult(ticket, lease.cuit, place, kind, number)
            if known is None:
                raise Unavailable("arca", "an authorized number without an invoice")
            if _is_ours(head, known):
                return known.authorized
            found[number] = known
        if found:
            message = f"ARCA has {len(found)} invoices that the database lost"
            self.events.fail("arca.recovered", message, "InvoicesRecovered")
        renumbered = await self.store.renumber(
            lease, newest, found, self.clock.today(), self.clock.now()
        )
        if renumbered is None:
            raise LeaseLost
        if newest < last:
            raise Unavailable("arca", "more numbers to catch up with than one lease has time for")
        return replace(lease, head=renumbered, last_number=last, unsure=False)

    async def _finish(self, lease: Lease, answer: Authorized | Rejected) -> Step:
        head, now = lease.head, self.clock.now()
        account = head.sequence.account_id
        if isinstance(answer, Rejected):
            await self.store.rejected(lease, answer, now)
            self.metrics.count("CaeRejected")
            self.events.warn(
                "arca.rejected",
                f"ARCA refused {head.id}",
                arca_code=answer.code,
                arca_message=without_digits(answer.message),
            )
        else:
            await self.store.authorized(lease, answer, now)
            self.metrics.count("CaeAuthorized")
            self.events.audit(
                "invoice.authorized",
                f"{head.id} has its CAE",
                actor=account,
                action="invoice.issue",
                target=head.id,
            )
        return Step(head.id)


def without_digits(text: str) -> str:
    """Return ARCA's text without long numbers, because it repeats CUITs."""
    words = text.split(" ")
    return " ".join("#" if sum(c.isdigit() for c in word) > 8 else word for word in words)


def _is_ours(head: Invoice, known: Known) -> bool:
    """Return whether the agency's invoice is the head: the same, and not older than its claim.

    An older one with the same amount is another order, which the database lost in a failover.
    """
    if head.request is None or head.issued_on is None or head.number is None:
        return False
    same = known.is_of(head.request, head.issued_on)
    recent = known.processed_at >= head.claimed_at - CLOCKS_DIFFER
    return same and recent and known.authorized.number == head.number
