"""An invoice: what a customer asks for, and what the service answers."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Self, cast

from invoicing.errors import ApiError

TYPES: Mapping[str, int] = {"A": 1, "B": 6, "C": 11}
"""Codes of ARCA's table of vouchers (FEParamGetTiposCbte): invoices A, B and C."""
TYPE_NAMES = {code: name for name, code in TYPES.items()}
DOCUMENT_TYPES: Mapping[str, int] = {"CUIT": 80, "DNI": 96, "none": 99}
"""Codes of FEParamGetTiposDoc; 99 is a final consumer who is not identified."""
VAT_RATES: Mapping[str, tuple[int, Decimal]] = {
    "0": (3, Decimal(0)),
    "10.5": (4, Decimal("0.105")),
    "21": (5, Decimal("0.21")),
    "27": (6, Decimal("0.27")),
}
"""Codes and rates of FEParamGetTiposIva."""
CENT = Decimal("0.01")
LARGEST_NET = Decimal("9999999999.99")
LARGEST_POINT_OF_SALE = 99998
"""Source: ARCA, "Manual para el desarrollador" of WSFEv1, FeCabReq."""


@dataclass(frozen=True)
class Sequence:
    """What ARCA numbers without gaps: a point of sale and a type of one account."""

    account_id: str
    point_of_sale: int
    invoice_type: int


@dataclass(frozen=True)
class InvoiceRequest:
    """A valid request for an invoice."""

    point_of_sale: int
    type: str
    document_type: str
    document_number: int
    net: Decimal
    vat_rate: str | None

    @classmethod
    def of(cls, body: Any) -> Self:
        """Read the JSON body of a request; raises ApiError with 422 and all that is wrong."""
        data: dict[str, Any] = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        found = data.get("customer")
        customer = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        kind, document = data.get("type"), customer.get("document_type", "none")
        rate = data.get("vat_rate", None if kind == "C" else "21")
        net = _amount(data.get("net"))
        number = customer.get("document_number", "0")
        place = data.get("point_of_sale")
        wrong = {
            "point_of_sale": not (type(place) is int and 1 <= place <= LARGEST_POINT_OF_SALE),
            "type": kind not in TYPES,
            "net": net is None,
            "vat_rate": (rate is not None) if kind == "C" else rate not in VAT_RATES,
            "customer.document_type": document not in DOCUMENT_TYPES,
            "customer.document_number": not re.fullmatch(r"\d{1,11}", str(number))
            or (document == "none") != (str(number).strip("0") == ""),
        }
        fields = sorted(name for name, is_wrong in wrong.items() if is_wrong)
        if fields or net is None:
            raise ApiError(
                422,
                "invalid_invoice",
                f"These fields are missing or wrong: {', '.join(fields)}.",
                details={"fields": fields},
            )
        return cls(
            point_of_sale=cast("int", place),
            type=str(kind),
            document_type=str(document),
            document_number=int(number),
            net=net,
            vat_rate=None if rate is None else str(rate),
        )

    @property
    def vat(self) -> Decimal:
        """The tax, rounded to cents."""
        if self.vat_rate is None:
            return Decimal("0.00")
        return (self.net * VAT_RATES[self.vat_rate][1]).quantize(CENT, ROUND_HALF_UP)

    @property
    def total(self) -> Decimal:
        """Net and tax."""
        return self.net + self.vat

    def as_json(self) -> dict[str, Any]:
        """Return the request in its one spelling, which is stored and hashed."""
        customer = {
            "document_type": self.document_type,
            "document_number": str(self.document_number),
        }
        return {
            "point_of_sale": self.point_of_sale,
            "type": self.type,
            "customer": customer,
            "net": str(self.net),
            "vat_rate": self.vat_rate,
        }

    def hash(self) -> str:
        """Return what tells two requests with one idempotency key apart."""
        text = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def sequence(self, account_id: str) -> Sequence:
        """Return the sequence that the invoice takes its number from."""
        return Sequence(account_id, self.point_of_sale, TYPES[self.type])


@dataclass(frozen=True)
class Invoice:
    """An invoice as the database has it."""

    id: str
    sequence: Sequence
    status: str
    request: InvoiceRequest | None
    """None for an invoice that was found at ARCA and that this database had lost."""
    request_hash: str | None
    number: int | None
    issued_on: date | None
    claimed_at: Any
    cae: str | None
    cae_due: date | None
    arca_code: str | None
    arca_message: str | None
    correlation_id: str | None
    created_at: Any

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row of the table `invoices`."""
        recovered = row["status"] == "recovered"
        return cls(
            id=row["id"],
            sequence=Sequence(row["account_id"], row["point_of_sale"], row["invoice_type"]),
            request=None if recovered else InvoiceRequest.of(row["request"]),
            **{
                name: row[name]
                for name in (
                    *("status", "request_hash", "number", "issued_on", "claimed_at", "cae"),
                    *("cae_due", "arca_code", "arca_message", "correlation_id", "created_at"),
                )
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return the invoice as customers see it."""
        request: dict[str, Any] = {}
        if self.request is not None:
            sums = {"vat": str(self.request.vat), "total": str(self.request.total)}
            request = self.request.as_json() | sums
        refused = {"code": self.arca_code, "message": self.arca_message}
        return {
            "id": self.id,
            "status": self.status,
            "point_of_sale": self.sequence.point_of_sale,
            "type": TYPE_NAMES.get(self.sequence.invoice_type, str(self.sequence.invoice_type)),
            **request,
            "number": self.number if self.status in ("authorized", "recovered") else None,
            "issued_on": self.issued_on.isoformat() if self.issued_on else None,
            "cae": self.cae,
            "cae_due": self.cae_due.isoformat() if self.cae_due else None,
            "rejection": refused if self.status == "rejected" else None,
            "created_at": self.created_at.isoformat(),
        }


def new_invoice_id() -> str:
    """Create the API's own id of an invoice, which may stand in logs."""
    return f"inv_{uuid.uuid4().hex}"


def _amount(value: Any) -> Decimal | None:
    """Return an amount with cents; None for anything else, also for a JSON number.

    A JSON number becomes a binary fraction in many programs, and cents would be lost.
    """
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,10}(\.\d{1,2})?", value):
        return None
    try:
        amount = Decimal(value).quantize(CENT)
    except InvalidOperation:
        return None
    return amount if CENT <= amount <= LARGEST_NET else None
