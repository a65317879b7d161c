"""Verifies the signed message of a login request (RFC 5652, "Cryptographic Message Syntax")."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms  # pyright: ignore[reportMissingTypeStubs] # it has no types
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

CONTENT: Any = cms.ContentInfo
HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512}


class BadCms(Exception):
    """The message is not signed as it should be; `code` is WSAA's."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True)
class Signed:
    """A verified message and its signer."""

    content: bytes
    certificate: x509.Certificate


def verified(text: str) -> Signed:
    """Verify a message in base64; raises BadCms."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadCms("cms.bad.base64", "No se puede decodificar el BASE64") from None
    try:
        info: Any = CONTENT.load(data, strict=True)
        if info["content_type"].native != "signed_data":
            raise BadCms("cms.bad", "El CMS no es valido")
        signed: Any = info["content"]
        content: bytes = signed["encap_content_info"]["content"].native
        signer: Any = signed["signer_infos"][0]
        certificate = x509.load_der_x509_certificate(signed["certificates"][0].chosen.dump())
    except (ValueError, TypeError, IndexError, KeyError):
        raise BadCms("cms.bad", "El CMS no es valido") from None
    name: str = signer["digest_algorithm"]["algorithm"].native
    attributes: dict[str, Any] = {
        one["type"].native: one["values"][0] for one in signer["signed_attrs"]
    }
    digest = attributes.get("message_digest")
    if digest is None or digest.native != hashlib.new(name, content).digest():
        raise BadCms("cms.sign.invalid", "Firma inválida o algoritmo no soportado")
    # The signature covers the attributes as a SET, which has another tag inside the message
    # (RFC 5652, section 5.4).
    message: bytes = signer["signed_attrs"].untag().dump()
    _check(certificate, signer["signature"].native, message, HASHES[name]())
    return Signed(content, certificate)


def _check(
    certificate: x509.Certificate, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
            return
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
            return
    except InvalidSignature:
        pass
    raise BadCms("cms.sign.invalid", "Firma inválida o algoritmo no soportado")


def owner(certificate: x509.Certificate) -> str:
    """Return the CUIT of a certificate's subject; empty where it has none."""
    found = certificate.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
    words = str(found[0].value).split() if found else []
    return words[1] if len(words) == 2 and words[0] == "CUIT" else ""
