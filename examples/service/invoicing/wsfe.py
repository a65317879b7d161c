"""WSFEv1, the tax agency's service of electronic invoices.

Source: ARCA, "Manual para el desarrollador" of WSFEv1 (R.G. 4291), whose names stand in the calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from invoicing.clock import ARGENTINA
from invoicing.errors import Unavailable
from invoicing.invoice import DOCUMENT_TYPES, VAT_RATES, InvoiceRequest
from invoicing.soap import Soap, SoapFault
from invoicing.wsaa import Ticket

NAMESPACE = "http://ar.gov.afip.dif.FEV1/"
NOT_NEXT = "10016"
"""The number or the date is not the next one: FECompUltimoAutorizado tells which is."""
NOT_FOUND = "602"
TOKEN_REFUSED = "600"  # noqa: S105 - a code
INTERNAL = ("500", "501", "502")
"""The agency's own failures, after which nobody knows whether it authorized the invoice."""
PRODUCTS = 1
FINAL_CONSUMER, REGISTERED = 5, 1
"""Codes of FEParamGetCondicionIvaReceptor (R.G. 5616)."""


class BadToken(Exception):
    """The agency does not accept the login ticket."""


@dataclass(frozen=True)
class Voucher:
    """Which invoice is asked for: ARCA's word is "comprobante"."""

    point_of_sale: int
    invoice_type: int
    number: int
    issued_on: date


@dataclass(frozen=True)
class Authorized:
    """An invoice that the agency authorized."""

    number: int
    cae: str
    cae_due: date


@dataclass(frozen=True)
class Rejected:
    """An invoice that the agency refused; its number stays free."""

    code: str
    message: str


@dataclass(frozen=True)
class NotNext:
    """The agency expects another number."""


@dataclass(frozen=True)
class Known:
    """An invoice as the agency has it."""

    authorized: Authorized
    issued_on: date
    document_type: int
    document_number: int
    total: Decimal
    processed_at: datetime

    def is_of(self, request: InvoiceRequest, issued_on: date) -> bool:
        """Return whether the invoice has what a request asked for."""
        return (self.document_type, self.document_number, self.total, self.issued_on) == (
            *(DOCUMENT_TYPES[request.document_type], request.document_number),
            *(request.total, issued_on),
        )


@dataclass(frozen=True)
class Wsfe:
    """Calls of WSFEv1; each raises Unavailable, SoapFault or BadToken."""

    url: str
    soap: Soap

    async def dummy(self) -> dict[str, str]:
        """Return the state of the agency's three servers; needs no ticket."""
        answer = await self._call("FEDummy", "")
        names = ("AppServer", "DbServer", "AuthServer")
        return {name: (answer.findtext(name) or "").strip() for name in names}

    async def last_number(self, ticket: Ticket, cuit: str, place: int, kind: int) -> int:
        """Return the last number that the agency authorized; 0 where there is none."""
        answer = await self._call(
            "FECompUltimoAutorizado",
            f"{_auth(ticket, cuit)}<PtoVta>{place}</PtoVta><CbteTipo>{kind}</CbteTipo>",
        )
        for code, message in _pairs(answer, "Errors/Err"):
            if code in INTERNAL:
                raise Unavailable("arca", f"FECompUltimoAutorizado answered {code}")
            raise SoapFault(code, message)
        return _number(answer.findtext("CbteNro"))

    async def consult(
        self, ticket: Ticket, cuit: str, place: int, kind: int, number: int
    ) -> Known | None:
        """Return an authorized invoice; None where the agency has none of this number."""
        answer = await self._call(
            "FECompConsultar",
            f"{_auth(ticket, cuit)}<FeCompConsReq><CbteTipo>{kind}</CbteTipo>"
            f"<CbteNro>{number}</CbteNro><PtoVta>{place}</PtoVta></FeCompConsReq>",
        )
        for code, _ in _pairs(answer, "Errors/Err"):
            if code == NOT_FOUND:
                return None
            raise Unavailable("arca", f"FECompConsultar answered {code}")
        found = answer.find("ResultGet")
        if found is None or _number(found.findtext("CbteDesde")) != number:
            raise Unavailable("arca", "FECompConsultar answered with another invoice")
        processed = found.findtext("FchProceso") or ""
        return Known(
            authorized=_authorized(found, number, "CodAutorizacion", "FchVto"),
            issued_on=_date(found.findtext("CbteFch")),
            document_type=_number(found.findtext("DocTipo")),
            document_number=_number(found.findtext("DocNro")),
            total=_decimal(found.findtext("ImpTotal")),
            processed_at=_time(processed, "%Y%m%d%H%M%S"),
        )

    async def authorize(
        self,
        ticket: Ticket,
        cuit: str,
        voucher: Voucher,
        request: InvoiceRequest,
    ) -> Authorized | Rejected | NotNext:
        """Ask for the CAE of an invoice.

        An answer about another number counts as none: a gateway may repeat an old answer.
        """
        place, kind, number = voucher.point_of_sale, voucher.invoice_type, voucher.number
        detail = _detail(number, voucher.issued_on, request)
        answer = await self._call(
            "FECAESolicitar",
            f"{_auth(ticket, cuit)}<FeCAEReq><FeCabReq><CantReg>1</CantReg>"
            f"<PtoVta>{place}</PtoVta><CbteTipo>{kind}</CbteTipo></FeCabReq>"
            f"<FeDetReq><FECAEDetRequest>{detail}</FECAEDetRequest></FeDetReq></FeCAEReq>",
        )
        head, found = answer.find("FeCabResp"), answer.find("FeDetResp/FECAEDetResponse")
        problems = [*_pairs(answer, "Errors/Err")]
        if found is not None:
            same = head is not None and (
                *(_number(head.findtext("PtoVta")), _number(head.findtext("CbteTipo"))),
                *(_number(head.findtext("Cuit")), _number(found.findtext("CbteDesde"))),
            ) == (place, kind, int(cuit), number)
            if not same:
                raise Unavailable("arca", "FECAESolicitar answered about another invoice")
            if found.findtext("Resultado") == "A":
                return _authorized(found, number, "CAE", "CAEFchVto")
            problems += _pairs(found, "Observaciones/Obs")
        for code, message in problems:
            if code in INTERNAL:
                raise Unavailable("arca", f"FECAESolicitar answered {code}")
            return NotNext() if code == NOT_NEXT else Rejected(code, message)
        raise Unavailable("arca", "FECAESolicitar answered without a result")

    async def _call(self, method: str, body: str) -> Element:
        text = f'<{method} xmlns="{NAMESPACE}">{body}</{method}>'
        answer = await self.soap.call(self.url, NAMESPACE + method, method, text)
        result = answer.find(f"{method}Result")
        if answer.tag != f"{method}Response" or result is None:
            raise Unavailable("arca", f"{method} answered with {answer.tag}")
        if any(code == TOKEN_REFUSED for code, _ in _pairs(result, "Errors/Err")):
            raise BadToken(method)
        return result


def _auth(ticket: Ticket, cuit: str) -> str:
    token, sign = escape(ticket.token), escape(ticket.sign)
    return f"<Auth><Token>{token}</Token><Sign>{sign}</Sign><Cuit>{cuit}</Cuit></Auth>"


def _detail(number: int, issued_on: date, request: InvoiceRequest) -> str:
    """Return the fields of an invoice in the order of the service's schema."""
    receiver = REGISTERED if request.type == "A" else FINAL_CONSUMER
    fields = {
        "Concepto": PRODUCTS,
        "DocTipo": DOCUMENT_TYPES[request.document_type],
        "DocNro": request.document_number,
        "CbteDesde": number,
        "CbteHasta": number,
        "CbteFch": f"{issued_on:%Y%m%d}",
        "ImpTotal": request.total,
        "ImpTotConc": "0.00",
        "ImpNeto": request.net,
        "ImpOpEx": "0.00",
        "ImpTrib": "0.00",
        "ImpIVA": request.vat,
        "MonId": "PES",
        "MonCotiz": 1,
        "CondicionIVAReceptorId": receiver,
    }
    taxes = ""
    if request.vat_rate is not None:
        code, _ = VAT_RATES[request.vat_rate]
        taxes = (
            f"<Iva><AlicIva><Id>{code}</Id><BaseImp>{request.net}</BaseImp>"
            f"<Importe>{request.vat}</Importe></AlicIva></Iva>"
        )
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + taxes


def _pairs(element: Element, path: str) -> Iterator[tuple[str, str]]:
    for found in element.findall(path):
        yield (found.findtext("Code") or "").strip(), (found.findtext("Msg") or "").strip()


def _authorized(found: Element, number: int, cae: str, due: str) -> Authorized:
    code = (found.findtext(cae) or "").strip()
    if not code:
        raise Unavailable("arca", "an authorized invoice without a CAE")
    return Authorized(number, code, _date(found.findtext(due)))


def _number(text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise Unavailable("arca", "a number that is none") from None


def _decimal(text: str | None) -> Decimal:
    try:
        return Decimal(text or "").quantize(Decimal("0.01"))
    except InvalidOperation:
        raise Unavailable("arca", "an amount that is none") from None


def _date(text: str | None) -> date:
    return _time(text or "", "%Y%m%d").date()


def _time(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form).replace(tzinfo=ARGENTINA)
    except ValueError:
        raise Unavailable("arca", "a time that is none") from None
