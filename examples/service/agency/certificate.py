"""`python -m agency.certificate`: a certificate and keys for tests and for running by hand.

WSAA finds the owner in the subject: its serial number is "CUIT" and eleven digits (ARCA, "Cómo
generar el CSR").
"""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
SIGNED_BY_ITSELF_DAYS = 730


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """Return a private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwt_key() -> str:
    """Create a key that signs the API's tokens."""
    return pem(ec.generate_private_key(ec.SECP256R1()))


def created(cuit: str, now: datetime) -> tuple[str, str]:
    """Create a certificate and its private key, both PEM."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "arca-api"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"CUIT {cuit}"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=SIGNED_BY_ITSELF_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode(), pem(key)


def main() -> None:
    """Write arca.crt, arca.key and jwt.key into a folder."""
    parser = argparse.ArgumentParser(prog="agency.certificate", description=__doc__)
    parser.add_argument("--cuit", required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    certificate, key = created(asked.cuit, datetime.now(UTC))
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, text in (("arca.crt", certificate), ("arca.key", key), ("jwt.key", jwt_key())):
        path = asked.out / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
