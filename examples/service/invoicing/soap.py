"""SOAP calls to the tax agency."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from invoicing.errors import Unavailable
from invoicing.traces import Traces, propagated

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
CONNECT_SECONDS = 3


class SoapFault(Exception):
    """The agency's answer that it did not carry the call out."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text


@dataclass(frozen=True)
class Soap:
    """A client that tells a refusal, a fault and silence apart."""

    client: httpx.AsyncClient
    traces: Traces

    @classmethod
    def of(cls, timeout: float, traces: Traces) -> "Soap":
        """Create a client whose calls take this many seconds at most."""
        limit = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        return cls(httpx.AsyncClient(timeout=limit, trust_env=False), traces)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def call(
        self, url: str, action: str, method: str, body: str, seconds: float | None = None
    ) -> Element:
        """Return the first element of the answer's body, without namespaces.

        Raises SoapFault, and Unavailable where nobody knows what the agency did.
        """
        text = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>{body}</soap:Body></soap:Envelope>'
        )
        with self.traces.call("arca", method, {"rpc.system": "soap", "rpc.method": method}):
            headers = {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": f'"{action}"',
                **propagated(),
            }
            try:
                limit = self.client.timeout if seconds is None else seconds
                answer = await self.client.post(
                    url, content=text.encode(), headers=headers, timeout=limit
                )
            except httpx.HTTPError as error:
                raise Unavailable("arca", type(error).__name__) from error
            return _body(answer)


def _body(answer: httpx.Response) -> Element:
    try:
        envelope = fromstring(answer.content)
    except (ParseError, DefusedXmlException, ValueError):
        raise Unavailable("arca", f"HTTP {answer.status_code} without XML") from None
    for element in envelope.iter():
        element.tag = element.tag.rpartition("}")[2]
    body = envelope.find("Body")
    if envelope.tag != "Envelope" or body is None or not len(body):
        raise Unavailable("arca", f"HTTP {answer.status_code} without SOAP")
    if body[0].tag == "Fault":
        code = (body[0].findtext("faultcode") or "").strip()
        raise SoapFault(code.rpartition(":")[2], (body[0].findtext("faultstring") or "").strip())
    if answer.status_code != 200:
        raise Unavailable("arca", f"HTTP {answer.status_code}")
    return body[0]


def texts(element: Element, *names: str) -> Mapping[str, str]:
    """Return the texts of an element's children by name; a missing one is empty."""
    return {name: (element.findtext(name) or "").strip() for name in names}
