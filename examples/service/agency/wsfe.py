"""WSFEv1: authorizes invoices, one number after the other.

Source: ARCA, "Manual para el desarrollador" of WSFEv1 (R.G. 4291): names of elements and codes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from agency.clock import ARGENTINA
from agency.soap import Answer, Fault, Tree, answer
from agency.state import InvoiceRecord, Key, State
from agency.wsaa import is_valid

NAMESPACE = "http://ar.gov.afip.dif.FEV1/"
CUIT_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
FIRST_CAE = 75_000_000_000_000
CAE_DAYS = 10
LARGEST_AGE = timedelta(days=5)
"""How far an invoice of products may be dated from today."""
BAD_TOKEN = (600, "ValidacionDeToken: No validaron las fechas del token GenTime, ExpTime, NowUTC")
BAD_CUIT = (601, "CUIT representada no incluida en Token")
NOT_FOUND = (602, "No existen datos en nuestros registros para los parametros ingresados.")
NOT_NEXT = (
    10016,
    "El numero o fecha del comprobante no se corresponde con el proximo a autorizar.",
)
BAD_TOTAL = (10048, "El campo ImpTotal no se corresponde con la suma de los otros importes.")
BAD_DOCUMENT = (10015, "El campo DocNro es invalido.")
BAD_COUNT = (10001, "El campo CantReg debe corresponder a la cantidad de comprobantes.")


def dummy(_state: State, _request: Element, _now: datetime) -> Tree:
    """Answer FEDummy."""
    return {"AppServer": "OK", "DbServer": "OK", "AuthServer": "OK"}


def last_authorized(state: State, request: Element, now: datetime) -> Tree:
    """Answer FECompUltimoAutorizado."""
    place, kind = _number(request, "PtoVta"), _number(request, "CbteTipo")
    problem, cuit = _auth(state, request, now)
    if problem is not None:
        return {"PtoVta": 0, "CbteTipo": 0, "CbteNro": 0, **_errors(problem)}
    found = state.last((cuit, place, kind))
    return {"PtoVta": place, "CbteTipo": kind, "CbteNro": found.number if found else 0}


def consult(state: State, request: Element, now: datetime) -> Tree:
    """Answer FECompConsultar."""
    asked = request.find("FeCompConsReq")
    if asked is None:
        raise Fault("soap:Client", "Server was unable to read request.")
    place, kind = _number(asked, "PtoVta"), _number(asked, "CbteTipo")
    problem, cuit = _auth(state, request, now)
    if problem is not None:
        return _errors(problem)
    found = state.invoices.get((cuit, place, kind), {}).get(_number(asked, "CbteNro"))
    if found is None:
        return _errors(NOT_FOUND)
    copied: Tree = {
        name: found.fields[name]
        for name in (
            *("Concepto", "DocTipo", "DocNro", "CbteDesde", "CbteHasta", "CbteFch", "ImpTotal"),
            *("ImpTotConc", "ImpNeto", "ImpOpEx", "ImpTrib", "ImpIVA", "MonId", "MonCotiz"),
        )
    }
    result: Tree = {
        "Resultado": "A",
        "CodAutorizacion": found.cae,
        "EmisionTipo": "CAE",
        "FchVto": found.cae_due,
        "FchProceso": found.processed_at,
        "PtoVta": place,
        "CbteTipo": kind,
    }
    return {"ResultGet": copied | result}


def authorize(state: State, request: Element, now: datetime) -> Tree:
    """Answer FECAESolicitar for one invoice."""
    head = request.find("FeCAEReq/FeCabReq")
    details = request.findall("FeCAEReq/FeDetReq/FECAEDetRequest")
    if head is None or not details:
        raise Fault("soap:Client", "Server was unable to read request.")
    place, kind = _number(head, "PtoVta"), _number(head, "CbteTipo")
    problem, cuit = _auth(state, request, now)
    if problem is None and (len(details) != 1 or _number(head, "CantReg") != 1):
        problem = BAD_COUNT
    if problem is not None:
        return _errors(problem)
    fields = {one.tag: (one.text or "").strip() for one in details[0] if not len(one)}
    reason = _reason(state, (cuit, place, kind), fields, now)
    if reason is not None:
        return refusal(request, reason, now)
    record = InvoiceRecord(
        cuit=cuit,
        point_of_sale=place,
        invoice_type=kind,
        number=int(fields["CbteDesde"]),
        cae=str(FIRST_CAE + state.count() + 1),
        cae_due=f"{now.astimezone(ARGENTINA) + timedelta(days=CAE_DAYS):%Y%m%d}",
        date=fields["CbteFch"],
        processed_at=_at(now),
        fields=fields,
    )
    state.add(record)
    granted: Tree = {"Resultado": "A", "CAE": record.cae, "CAEFchVto": record.cae_due}
    return _result((cuit, place, kind), fields, now, granted)


def refusal(request: Element, reason: tuple[int, str], now: datetime) -> Tree:
    """Return the answer that refuses a request of FECAESolicitar."""
    head = request.find("FeCAEReq/FeCabReq")
    detail = request.find("FeCAEReq/FeDetReq/FECAEDetRequest")
    if head is None or detail is None:
        raise Fault("soap:Client", "Server was unable to read request.")
    fields = {one.tag: (one.text or "").strip() for one in detail if not len(one)}
    code, text = reason
    refused: Tree = {
        "Resultado": "R",
        "Observaciones": {"Obs": {"Code": code, "Msg": text}},
        "CAE": "",
        "CAEFchVto": "",
    }
    place, kind = _number(head, "PtoVta"), _number(head, "CbteTipo")
    return _result((request.findtext("Auth/Cuit") or "", place, kind), fields, now, refused)


METHODS: Mapping[str, Callable[[State, Element, datetime], Tree]] = {
    "FEDummy": dummy,
    "FECompUltimoAutorizado": last_authorized,
    "FECompConsultar": consult,
    "FECAESolicitar": authorize,
}


def answered(method: str, result: Tree) -> Answer:
    """Return a method's result as an answer."""
    return answer(method, NAMESPACE, {f"{method}Result": result})


def is_cuit(text: str) -> bool:
    """Return whether eleven digits are a CUIT (modulus 11)."""
    if len(text) != 11 or not text.isascii() or not text.isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, CUIT_WEIGHTS, strict=False))
    return (11 - total % 11) % 11 == int(text[10])


def _auth(state: State, request: Element, now: datetime) -> tuple[tuple[int, str] | None, str]:
    """Return what is wrong with a request's credentials, and the CUIT that it is for."""
    token, sign, cuit = (
        request.findtext(f"Auth/{name}") or "" for name in ("Token", "Sign", "Cuit")
    )
    if not is_valid(state, token, sign, now):
        return BAD_TOKEN, cuit
    return (None if is_cuit(cuit) else BAD_CUIT), cuit


def _reason(
    state: State, key: Key, fields: Mapping[str, str], now: datetime
) -> tuple[int, str] | None:
    """Return why an invoice is refused; None where it is not."""
    last = state.last(key)
    expected = last.number + 1 if last else 1
    numbers = (fields.get("CbteDesde"), fields.get("CbteHasta"))
    if numbers != (str(expected), str(expected)):
        return NOT_NEXT
    try:
        dated = datetime.strptime(fields.get("CbteFch", "") + "-0300", "%Y%m%d%z").date()
        amounts = {
            name: Decimal(fields[name])
            for name in ("ImpTotal", "ImpTotConc", "ImpNeto", "ImpOpEx", "ImpTrib", "ImpIVA")
        }
    except (ValueError, KeyError, InvalidOperation):
        raise Fault("soap:Client", "Server was unable to read request.") from None
    today = now.astimezone(ARGENTINA).date()
    if abs(dated - today) > LARGEST_AGE or (last and fields["CbteFch"] < last.date):
        return NOT_NEXT
    if amounts.pop("ImpTotal") != sum(amounts.values()):
        return BAD_TOTAL
    kind, document = fields.get("DocTipo"), fields.get("DocNro", "")
    if (kind == "80" and not is_cuit(document)) or (kind == "99" and document != "0"):
        return BAD_DOCUMENT
    return None


def _result(key: Key, fields: Mapping[str, str], now: datetime, end: Tree) -> Tree:
    cuit, place, kind = key
    head: Tree = {
        "Cuit": cuit,
        "PtoVta": place,
        "CbteTipo": kind,
        "FchProceso": _at(now),
        "CantReg": 1,
        "Resultado": end["Resultado"],
        "Reproceso": "N",
    }
    names = ("Concepto", "DocTipo", "DocNro", "CbteDesde", "CbteHasta", "CbteFch")
    detail: Tree = {name: fields.get(name, "") for name in names}
    return {"FeCabResp": head, "FeDetResp": {"FECAEDetResponse": detail | end}}


def _errors(problem: tuple[int, str]) -> Tree:
    code, text = problem
    return {"Errors": {"Err": {"Code": code, "Msg": text}}}


def _at(now: datetime) -> str:
    return f"{now.astimezone(ARGENTINA):%Y%m%d%H%M%S}"


def _number(element: Element, name: str) -> int:
    try:
        return int(element.findtext(name) or "")
    except ValueError:
        raise Fault("soap:Client", "Server was unable to read request.") from None
