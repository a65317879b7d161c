"""SOAP 1.1 as the agency's servers write it."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
Tree = dict[str, "str | int | Tree | list[Tree]"]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = "text/xml; charset=utf-8"


class Fault(Exception):
    """A SOAP fault."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text

    def answer(self) -> Answer:
        """Return the fault as an answer; SOAP 1.1 over HTTP uses status 500."""
        fault = (
            f"<soap:Fault><faultcode>{escape(self.code)}</faultcode>"
            f"<faultstring>{escape(self.text)}</faultstring></soap:Fault>"
        )
        return Answer(500, _envelope(fault))


def read(body: bytes) -> Element:
    """Return the first element of a request's body, without namespaces; raises Fault."""
    try:
        envelope = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        raise Fault("soap:Client", "Server was unable to read request.") from None
    for element in envelope.iter():
        element.tag = element.tag.rpartition("}")[2]
    found = envelope.find("Body")
    if found is None or not len(found):
        raise Fault("soap:Client", "Server was unable to read request.")
    return found[0]


def answer(method: str, namespace: str, tree: Tree) -> Answer:
    """Return the answer of a method."""
    name = f"{method}Response"
    return Answer(200, _envelope(f'<{name} xmlns="{namespace}">{_xml(tree)}</{name}>'))


def _envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    )


def _xml(tree: Tree) -> str:
    parts: list[str] = []
    for name, value in tree.items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            inner = _xml(one) if isinstance(one, dict) else escape(str(one))
            parts.append(f"<{name}>{inner}</{name}>")
    return "".join(parts)
