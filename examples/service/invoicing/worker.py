"""The background work of a task: waiting invoices, documents, and the metrics' lines."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from invoicing.context import Context, entered, new_id
from invoicing.documents import Documents
from invoicing.errors import Unavailable
from invoicing.invoice import Invoice
from invoicing.issuer import Issuer
from invoicing.store import Backlog

SWEEP_SECONDS = 2.0
LEFT_ALONE = timedelta(seconds=3)
"""How long an invoice is left to the request that brought it."""
DOCUMENT_LEFT_ALONE = timedelta(seconds=15)
BATCH = 20
STOP_SECONDS = 5


@dataclass
class Worker:
    """Repeats the background work until it is stopped."""

    issuer: Issuer
    backlog: Backlog
    documents: Documents
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _new: "asyncio.Queue[Invoice]" = field(default_factory=asyncio.Queue[Invoice])
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    def start(self) -> None:
        """Start the loops."""
        loops = (
            self._every(self.sweep),
            self._every(self._older_documents),
            self._new_documents(),
        )
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Let what is under way end, for a few seconds; the next task does the rest."""
        self.stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()

    def finished(self, invoice: Invoice) -> None:
        """Have the document of a new invoice stored."""
        self._new.put_nowait(invoice)

    async def sweep(self) -> None:
        """Issue what requests left behind: their task was killed, or the agency was away."""
        before = self.issuer.clock.now() - LEFT_ALONE
        for sequence in await self.backlog.sequences(before, BATCH):
            if self.stopping.is_set():
                return
            await self.issuer.drain(sequence, self.stopping)

    async def _older_documents(self) -> None:
        before = self.issuer.clock.now() - DOCUMENT_LEFT_ALONE
        for invoice in await self.backlog.without_document(before, BATCH):
            if self.stopping.is_set():
                return
            await self._store(invoice)

    async def _new_documents(self) -> None:
        while not self.stopping.is_set() or not self._new.empty():
            try:
                async with asyncio.timeout(0.2):
                    invoice = await self._new.get()
            except TimeoutError:
                continue
            with entered(Context(invoice.correlation_id or new_id())):
                try:
                    await self._store(invoice)
                except Unavailable as error:
                    self._say(error)

    async def _store(self, invoice: Invoice) -> None:
        await self.documents.store(invoice)
        await self.backlog.document_stored(invoice, self.issuer.clock.now())

    async def _every(self, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat some work; what fails is said and tried again."""
        while not self.stopping.is_set():
            with entered(Context(new_id())):
                try:
                    await work()
                except Unavailable as error:
                    self._say(error)
                except Exception as error:  # noqa: BLE001 - the loop must survive
                    self.issuer.events.fail(
                        "worker.failed", "Background work failed", type(error).__name__
                    )
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self.stopping.wait()
            except TimeoutError:
                continue

    def _say(self, error: Unavailable) -> None:
        self.issuer.events.warn(
            "worker.waits", f"Background work waits for {error.system}: {error.cause}"
        )
