"""WSAA: a login ticket of twelve hours, and no second one while one is valid.

Source: ARCA, "Especificación Técnica del WebService de Autenticación y Autorización", whose codes
of errors stand here.
"""

import base64
import hashlib
import uuid
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from agency.clock import ARGENTINA
from agency.cms import BadCms, owner, verified
from agency.soap import Answer, Fault, answer
from agency.state import State, TicketRecord

NAMESPACE = "http://wsaa.view.sua.dvadac.desein.afip.gov"
LASTS = timedelta(hours=12)
SERVICES = ("wsfe",)


def login(state: State, request: Element, now: datetime) -> Answer:
    """Answer loginCms; raises Fault."""
    try:
        signed = verified((request.findtext("in0") or "").strip())
    except BadCms as error:
        raise Fault(f"ns1:{error.code}", error.text) from None
    certificate = signed.certificate
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise Fault("ns1:cms.cert.expired", "Certificado expirado")
    who = owner(certificate)
    if not who:
        raise Fault("ns1:cms.cert.untrusted", "Certificado no emitido por AC de confianza")
    service = _service(signed.content, now)
    with state.lock:
        if any(
            (one.owner, one.service) == (who, service) and one.is_valid(now)
            for one in state.tickets
        ):
            text = "El CEE ya posee un TA valido para el acceso al WSN solicitado"
            raise Fault("ns1:coe.alreadyAuthenticated", text)
        token = base64.b64encode(f"{who} {service} {uuid.uuid4().hex}".encode()).decode()
        sign = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
        expires = now.astimezone(ARGENTINA) + LASTS
        state.add(TicketRecord(who, service, token, sign, expires.isoformat()))
    ticket = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<loginTicketResponse version="1.0"><header>'
        "<source>CN=wsaa, O=AFIP, C=AR, SERIALNUMBER=CUIT 33693450239</source>"
        f"<destination>{escape(certificate.subject.rfc4514_string())}</destination>"
        f"<uniqueId>{int(now.timestamp()) % 2**32}</uniqueId>"
        f"<generationTime>{now.astimezone(ARGENTINA).isoformat()}</generationTime>"
        f"<expirationTime>{expires.isoformat()}</expirationTime></header>"
        f"<credentials><token>{token}</token><sign>{sign}</sign></credentials>"
        "</loginTicketResponse>"
    )
    return answer("loginCms", NAMESPACE, {"loginCmsReturn": ticket})


def _service(content: bytes, now: datetime) -> str:
    """Return the service that a request is for; raises Fault."""
    try:
        request = fromstring(content)
        generated = datetime.fromisoformat(request.findtext("header/generationTime") or "")
        expires = datetime.fromisoformat(request.findtext("header/expirationTime") or "")
        int(request.findtext("header/uniqueId") or "")
    except (ParseError, ValueError):
        raise Fault("ns1:xml.bad", "El xml no responde al schema") from None
    if not now - timedelta(hours=24) <= generated <= now:
        raise Fault("ns1:xml.generationTime.invalid", "generationTime en el futuro o pasado")
    if expires <= now:
        raise Fault("ns1:xml.expirationTime.expired", "expirationTime vencido")
    service = request.findtext("service") or ""
    if service not in SERVICES:
        raise Fault("ns1:wsn.notFound", "El WSN solicitado no existe")
    return service


def is_valid(state: State, token: str, sign: str, now: datetime) -> bool:
    """Return whether a token and its signature are a valid ticket."""
    return any(
        (one.token, one.sign) == (token, sign) and one.is_valid(now) for one in state.tickets
    )
