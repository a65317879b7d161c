"""Real keys and certificates, as Pulumi's tls provider makes them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from arca.emulator.provider.resources.definition import DeclaredResource

Key = ec.EllipticCurvePrivateKey


def private_key(resource: DeclaredResource, _now: datetime) -> dict[str, Any]:
    """Make a P-256 key that depends only on the URN."""
    # Any number below the curve's order is a private key.
    secret = int.from_bytes(hashlib.sha256(resource.urn.encode()).digest()[:31], "big")
    key = ec.derive_private_key(secret, ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return {"privateKeyPem": pem.decode(), "publicKeyPem": _public(key)}


def self_signed(resource: DeclaredResource, now: datetime) -> dict[str, Any]:
    """Make a certificate that its own key signs."""
    key = _load(resource.inputs["privateKeyPem"])
    subject = _name(resource.inputs["subject"])
    builder = _builder(resource, now, subject, subject, key.public_key()).add_extension(
        x509.BasicConstraints(ca=bool(resource.inputs.get("isCaCertificate")), path_length=None),
        critical=True,
    )
    return {"certPem": _pem(builder.sign(key, hashes.SHA256()))}


def certificate_request(resource: DeclaredResource, _now: datetime) -> dict[str, Any]:
    """Make a certificate signing request."""
    key = _load(resource.inputs["privateKeyPem"])
    signed_request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_name(resource.inputs["subject"]))
        .sign(key, hashes.SHA256())
    )
    return {"certRequestPem": signed_request.public_bytes(serialization.Encoding.PEM).decode()}


def locally_signed(resource: DeclaredResource, now: datetime) -> dict[str, Any]:
    """Make a client certificate that the given certificate authority signs."""
    wanted = x509.load_pem_x509_csr(resource.inputs["certRequestPem"].encode())
    authority = x509.load_pem_x509_certificate(resource.inputs["caCertPem"].encode())
    public = cast("ec.EllipticCurvePublicKey", wanted.public_key())
    builder = _builder(resource, now, wanted.subject, authority.subject, public).add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
    )
    key = _load(resource.inputs["caPrivateKeyPem"])
    return {"certPem": _pem(builder.sign(key, hashes.SHA256()))}


def _builder(
    resource: DeclaredResource,
    now: datetime,
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=int(resource.inputs["validityPeriodHours"])))
    )


def _name(subject: Mapping[str, str]) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, subject["commonName"]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject["organization"]),
        ]
    )


def _load(pem: str) -> Key:
    return cast("Key", serialization.load_pem_private_key(pem.encode(), password=None))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _public(key: Key) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
