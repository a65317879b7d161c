"""WSAA, the tax agency's service of login tickets.

Source: ARCA, "Especificación Técnica del WebService de Autenticación y Autorización" (WSAA).
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import ParseError

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from defusedxml.ElementTree import fromstring

from invoicing.clock import ARGENTINA, Clock
from invoicing.errors import Unavailable
from invoicing.settings import ArcaSettings, SettingsError
from invoicing.soap import Soap

NAMESPACE = "http://wsaa.view.sua.dvadac.desein.afip.gov"
SERVICE = "wsfe"
CLOCK_SKEW = timedelta(minutes=10)
"""WSAA refuses a request from the future, so the request claims to be older."""
LOGIN_SECONDS = 45
"""More patience than with other calls: a ticket whose answer is lost cannot be had again."""
ALREADY = "coe.alreadyAuthenticated"
"""The fault of a second request while a ticket is valid."""


@dataclass(frozen=True)
class Ticket:
    """A login ticket: what every call of WSFEv1 carries."""

    token: str
    sign: str
    expires_at: datetime


class Wsaa:
    """Asks for login tickets."""

    def __init__(self, settings: ArcaSettings, soap: Soap, clock: Clock) -> None:
        self._url, self._soap, self._clock = settings.wsaa_url, soap, clock
        try:
            self.certificate = x509.load_pem_x509_certificate(settings.certificate.encode())
            key = serialization.load_pem_private_key(settings.private_key.encode(), None)
        except ValueError:
            raise SettingsError("ARCA_CERTIFICATE or ARCA_PRIVATE_KEY is not PEM") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SettingsError("ARCA_PRIVATE_KEY is neither an RSA nor an EC key")
        self._key = key

    def certificate_days(self) -> float:
        """Return the days until our certificate expires; 0 after that."""
        left = self.certificate.not_valid_after_utc - self._clock.now()
        return round(max(0, left.total_seconds() / 86400), 2)

    async def login(self) -> Ticket:
        """Get a new ticket; raises SoapFault and Unavailable."""
        body = f'<loginCms xmlns="{NAMESPACE}"><in0>{self.signed_request()}</in0></loginCms>'
        answer = await self._soap.call(self._url, "urn:LoginCms", "loginCms", body, LOGIN_SECONDS)
        try:
            response = fromstring(answer.findtext("loginCmsReturn") or "")
            expires = response.findtext("header/expirationTime") or ""
            return Ticket(
                token=response.findtext("credentials/token") or "",
                sign=response.findtext("credentials/sign") or "",
                expires_at=datetime.fromisoformat(expires),
            )
        except (ParseError, ValueError):
            raise Unavailable("arca", "a ticket that is not XML") from None

    def signed_request(self) -> str:
        """Return the request as CMS with its content, in base64."""
        now = self._clock.now().astimezone(ARGENTINA).replace(microsecond=0)
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><loginTicketRequest version="1.0"><header>'
            f"<uniqueId>{int(now.timestamp()) % 2**32}</uniqueId>"
            f"<generationTime>{(now - CLOCK_SKEW).isoformat()}</generationTime>"
            f"<expirationTime>{(now + CLOCK_SKEW).isoformat()}</expirationTime>"
            f"</header><service>{SERVICE}</service></loginTicketRequest>"
        )
        signed = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(text.encode())
            .add_signer(self.certificate, self._key, hashes.SHA256())
            .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
        )
        return base64.b64encode(signed).decode()
