"""Invoices and sequences in the database: every statement that changes them.

A sequence has at most one current invoice, which holds the next number while the agency is asked.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from invoicing.database import Database, Session
from invoicing.invoice import Invoice, InvoiceRequest, Sequence, new_invoice_id
from invoicing.wsfe import Authorized, Known, Rejected

OF_SEQUENCE = (
    "account_id = %(account_id)s AND point_of_sale = %(point_of_sale)s "
    "AND invoice_type = %(invoice_type)s"
)


@dataclass(frozen=True)
class Lease:
    """The right to ask the agency about a sequence, for some seconds."""

    id: str
    sequence: Sequence
    cuit: str
    last_number: int | None
    """None where the agency was never asked for it."""
    last_date: date | None
    head: Invoice
    unsure: bool
    """True where the agency may already have authorized the head."""


@dataclass(frozen=True)
class Busy:
    """Another task asks the agency about this sequence."""


@dataclass(frozen=True)
class Store:
    """The invoices of the database."""

    database: Database

    async def create(
        self, sequence: Sequence, request: InvoiceRequest, key: str, id_: str, now: datetime
    ) -> tuple[Invoice, bool]:
        """Create a pending invoice, or return the one with this key; True where it is new."""
        async with self.database.transaction() as session:
            await session.run(
                """
                INSERT INTO sequences (account_id, point_of_sale, invoice_type)
                VALUES (%(account_id)s, %(point_of_sale)s, %(invoice_type)s)
                ON CONFLICT DO NOTHING
                """,
                **asdict(sequence),
            )
            row = await session.one(
                """
                INSERT INTO invoices (id, account_id, point_of_sale, invoice_type, status,
                    idempotency_key, request_hash, request, correlation_id, created_at)
                VALUES (%(id)s, %(account_id)s, %(point_of_sale)s, %(invoice_type)s, 'pending',
                    %(key)s, %(hash)s, %(request)s, %(correlation)s, %(now)s)
                ON CONFLICT (account_id, idempotency_key) DO NOTHING
                RETURNING *
                """,
                id=new_invoice_id(),
                key=key,
                hash=request.hash(),
                request=Jsonb(request.as_json()),
                correlation=id_,
                now=now,
                **asdict(sequence),
            )
            if row is not None:
                return Invoice.of(row), True
            # The other insert has committed, or this one would still wait for it.
            row = await session.one(
                """
                SELECT * FROM invoices
                WHERE account_id = %(account_id)s AND idempotency_key = %(key)s
                """,
                account_id=sequence.account_id,
                key=key,
            )
        if row is None:
            message = "an invoice that conflicts and does not exist"
            raise AssertionError(message)
        return Invoice.of(row), False

    async def invoice(self, account_id: str, id_: str) -> Invoice | None:
        """Return an account's invoice."""
        async with self.database.transaction() as session:
            row = await session.one(
                "SELECT * FROM invoices WHERE id = %(id)s AND account_id = %(account)s",
                id=id_,
                account=account_id,
            )
        return Invoice.of(row) if row else None

    async def listed(
        self, account_id: str, place: int, kind: int, after: int, limit: int
    ) -> list[Invoice]:
        """Return the numbered invoices of a sequence in order."""
        async with self.database.transaction() as session:
            rows = await session.all(
                f"""
                SELECT * FROM invoices
                WHERE {OF_SEQUENCE} AND status IN ('authorized', 'recovered')
                    AND number > %(after)s
                ORDER BY number LIMIT %(limit)s
                """,  # noqa: S608 - constants
                account_id=account_id,
                point_of_sale=place,
                invoice_type=kind,
                after=after,
                limit=limit,
            )
        return [Invoice.of(row) for row in rows]

    async def claim(
        self, sequence: Sequence, seconds: float, today: date, now: datetime
    ) -> Lease | Busy | None:
        """Lease a sequence whose oldest pending invoice is to be authorized; None where none is.

        The lease is by the database's clock, which all tasks share. It only avoids work that is
        done twice: the agency's own rule, one number once, keeps the numbers right.
        """
        async with self.database.transaction() as session:
            row = await session.one(
                f"""
                SELECT sequences.*, accounts.cuit,
                    coalesce(leased_until > clock_timestamp(), false) AS busy
                FROM sequences JOIN accounts ON accounts.id = account_id
                WHERE {OF_SEQUENCE} FOR UPDATE OF sequences
                """,  # noqa: S608 - constants
                **asdict(sequence),
            )
            if row is None or row["busy"]:
                return Busy() if row else None
            head = await self._head(session, sequence, row["current_invoice"])
            if head is None:
                return None
            unsure = row["current_invoice"] is not None
            if not unsure and row["last_number"] is not None:
                head = await take_number(
                    session, head, row["last_number"], row["last_date"], today, now
                )
            lease = uuid.uuid4().hex
            await session.run(
                f"""
                UPDATE sequences SET leased_by = %(lease)s,
                    leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
                WHERE {OF_SEQUENCE}
                """,  # noqa: S608 - constants
                lease=lease,
                seconds=seconds,
                **asdict(sequence),
            )
        return Lease(
            lease, sequence, row["cuit"], row["last_number"], row["last_date"], head, unsure
        )

    async def _head(
        self, session: Session, sequence: Sequence, current: str | None
    ) -> Invoice | None:
        row = await session.one(
            f"""
            SELECT * FROM invoices WHERE {OF_SEQUENCE} AND status = 'pending'
            ORDER BY id = %(current)s DESC, position LIMIT 1
            """,  # noqa: S608 - constants
            current=current or "",
            **asdict(sequence),
        )
        return Invoice.of(row) if row else None

    async def renumber(
        self, lease: Lease, last_number: int, found: Mapping[int, Known], today: date, now: datetime
    ) -> Invoice | None:
        """Follow the agency's last number, keep what it has and we lost; number the head anew.

        None where the lease was lost.
        """
        head = lease.head
        async with self.database.transaction() as session:
            if not await self._holds(session, lease):
                return None
            # First, because the head holds one of these numbers.
            await session.run(
                "UPDATE invoices SET number = NULL WHERE id = %(id)s AND status = 'pending'",
                id=head.id,
            )
            for known in found.values():
                await self._recover(session, lease.sequence, known, now)
            dates = [known.issued_on for known in found.values()]
            dates += [lease.last_date] if lease.last_date else []
            last_date = max(dates) if dates else None
            await session.run(
                f"""
                UPDATE sequences SET last_number = %(number)s, last_date = %(date)s,
                    current_invoice = NULL
                WHERE {OF_SEQUENCE}
                """,  # noqa: S608 - constants
                number=last_number,
                date=last_date,
                **asdict(lease.sequence),
            )
            return await take_number(session, head, last_number, last_date, today, now)

    async def _recover(
        self, session: Session, sequence: Sequence, known: Known, now: datetime
    ) -> None:
        await session.run(
            """
            INSERT INTO invoices (id, account_id, point_of_sale, invoice_type, number, status,
                request, issued_on, cae, cae_due, created_at, finished_at)
            VALUES (%(id)s, %(account_id)s, %(point_of_sale)s, %(invoice_type)s, %(number)s,
                'recovered', %(request)s, %(date)s, %(cae)s, %(due)s, %(now)s, %(now)s)
            ON CONFLICT DO NOTHING
            """,
            id=new_invoice_id(),
            number=known.authorized.number,
            request=Jsonb(
                {
                    "document_type": known.document_type,
                    "document_number": str(known.document_number),
                    "total": str(known.total),
                }
            ),
            date=known.issued_on,
            cae=known.authorized.cae,
            due=known.authorized.cae_due,
            now=now,
            **asdict(sequence),
        )

    async def authorized(self, lease: Lease, found: Authorized, now: datetime) -> None:
        """Store a CAE and advance the sequence, in one transaction.

        It needs no lease: while the invoice holds the number, nobody else can have this CAE.
        """
        async with self.database.transaction() as session:
            await self._lock(session, lease.sequence)
            changed = await session.run(
                """
                UPDATE invoices SET status = 'authorized', cae = %(cae)s, cae_due = %(due)s,
                    finished_at = %(now)s
                WHERE id = %(id)s AND status = 'pending' AND number = %(number)s
                """,
                id=lease.head.id,
                number=found.number,
                cae=found.cae,
                due=found.cae_due,
                now=now,
            )
            if changed:
                await session.run(
                    f"""
                    UPDATE sequences SET last_number = %(number)s, last_date = %(date)s,
                        current_invoice = NULL, leased_by = NULL, leased_until = NULL
                    WHERE {OF_SEQUENCE}
                    """,  # noqa: S608 - constants
                    number=found.number,
                    date=lease.head.issued_on,
                    **asdict(lease.sequence),
                )

    async def rejected(self, lease: Lease, found: Rejected, now: datetime) -> None:
        """Store a refusal and free the number; does nothing where the lease was lost."""
        async with self.database.transaction() as session:
            if not await self._holds(session, lease):
                return
            await session.run(
                """
                UPDATE invoices SET status = 'rejected', number = NULL, arca_code = %(code)s,
                    arca_message = %(message)s, finished_at = %(now)s
                WHERE id = %(id)s AND status = 'pending'
                """,
                id=lease.head.id,
                code=found.code,
                message=found.message,
                now=now,
            )
            await session.run(
                f"""
                UPDATE sequences SET current_invoice = NULL, leased_by = NULL, leased_until = NULL
                WHERE {OF_SEQUENCE}
                """,  # noqa: S608 - constants
                **asdict(lease.sequence),
            )

    async def release(self, lease: Lease) -> None:
        """Give a lease up; the head keeps its number, because the agency may know it."""
        async with self.database.transaction() as session:
            await session.run(
                f"""
                UPDATE sequences SET leased_by = NULL, leased_until = NULL
                WHERE {OF_SEQUENCE} AND leased_by = %(lease)s
                """,  # noqa: S608 - constants
                lease=lease.id,
                **asdict(lease.sequence),
            )

    async def _lock(self, session: Session, sequence: Sequence) -> Mapping[str, Any] | None:
        return await session.one(
            f"SELECT leased_by FROM sequences WHERE {OF_SEQUENCE} FOR UPDATE",  # noqa: S608
            **asdict(sequence),
        )

    async def _holds(self, session: Session, lease: Lease) -> bool:
        row = await self._lock(session, lease.sequence)
        return row is not None and row["leased_by"] == lease.id


async def take_number(  # noqa: PLR0917
    session: Session,
    head: Invoice,
    last_number: int,
    last_date: date | None,
    today: date,
    now: datetime,
) -> Invoice:
    """Give an invoice the next number, before the agency is asked, so that a crash leaves a trace.

    Dates never go backward within a sequence, because the agency refuses that.
    """
    row = await session.one(
        """
        UPDATE invoices SET number = %(number)s, issued_on = %(date)s, claimed_at = %(now)s
        WHERE id = %(id)s RETURNING *
        """,
        id=head.id,
        number=last_number + 1,
        date=max(today, last_date or today),
        now=now,
    )
    await session.run(
        f"UPDATE sequences SET current_invoice = %(id)s WHERE {OF_SEQUENCE}",  # noqa: S608
        id=head.id,
        **asdict(head.sequence),
    )
    if row is None:
        message = f"{head.id} vanished within a transaction"
        raise AssertionError(message)
    return Invoice.of(row)


@dataclass(frozen=True)
class Backlog:
    """What a task's background work finds to do."""

    database: Database

    async def depth(self) -> int:
        """Return how many invoices wait for their CAE."""
        async with self.database.transaction() as session:
            row = await session.one(
                "SELECT count(*) AS depth FROM invoices WHERE status = 'pending'"
            )
        return int(row["depth"]) if row else 0

    async def sequences(self, before: datetime, limit: int) -> list[Sequence]:
        """Return sequences with invoices that wait since before a time, and that nobody leases."""
        async with self.database.transaction() as session:
            rows = await session.all(
                """
                SELECT DISTINCT account_id, point_of_sale, invoice_type FROM invoices
                JOIN sequences USING (account_id, point_of_sale, invoice_type)
                WHERE status = 'pending' AND created_at < %(before)s
                    AND coalesce(leased_until < clock_timestamp(), true)
                LIMIT %(limit)s
                """,
                before=before,
                limit=limit,
            )
        return [Sequence(**row) for row in rows]

    async def without_document(self, before: datetime, limit: int) -> list[Invoice]:
        """Return authorized invoices whose document is not in the bucket."""
        async with self.database.transaction() as session:
            rows = await session.all(
                """
                SELECT * FROM invoices
                WHERE status = 'authorized' AND document_stored_at IS NULL
                    AND finished_at < %(before)s
                ORDER BY finished_at LIMIT %(limit)s
                """,
                before=before,
                limit=limit,
            )
        return [Invoice.of(row) for row in rows]

    async def document_stored(self, invoice: Invoice, now: datetime) -> None:
        """Note that an invoice's document is in the bucket."""
        async with self.database.transaction() as session:
            await session.run(
                "UPDATE invoices SET document_stored_at = %(now)s WHERE id = %(id)s",
                id=invoice.id,
                now=now,
            )
