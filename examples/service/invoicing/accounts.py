"""Accounts, and the tokens that their API keys buy."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from invoicing.clock import Clock
from invoicing.database import Database
from invoicing.errors import ApiError
from invoicing.metrics import Metrics
from invoicing.settings import SettingsError

TOKEN_LASTS = timedelta(hours=1)
CUIT_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


@dataclass(frozen=True)
class Account:
    """A customer's account."""

    id: str
    quota: int
    """Requests a minute."""


@dataclass(frozen=True)
class NewAccount:
    """An account to create."""

    name: str
    cuit: str
    api_key: str
    quota: int

    def statement(self, clock: Clock) -> tuple[str, dict[str, Any]]:
        """Return the statement that creates the account and returns its id, and its values.

        An account with this CUIT gets the name, the key and the quota instead.
        """
        values = {
            "id": f"acc_{uuid.uuid4().hex}",
            "name": self.name,
            "cuit": self.cuit,
            "hash": key_hash(self.api_key),
            "quota": self.quota,
            "now": clock.now(),
        }
        return CREATE, values


CREATE = """
INSERT INTO accounts (id, name, cuit, api_key_hash, requests_per_minute, created_at)
VALUES (%(id)s, %(name)s, %(cuit)s, %(hash)s, %(quota)s, %(now)s)
ON CONFLICT (cuit) DO UPDATE SET name = excluded.name, api_key_hash = excluded.api_key_hash,
    requests_per_minute = excluded.requests_per_minute
RETURNING id
"""


def key_hash(api_key: str) -> str:
    """Return what the database keeps of a key; a random key needs no slow hash."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def is_cuit(text: str) -> bool:
    """Return whether eleven digits are a CUIT, by its check digit (modulus 11)."""
    if len(text) != 11 or not text.isascii() or not text.isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, CUIT_WEIGHTS, strict=False))
    return (11 - total % 11) % 11 == int(text[10])


class Tokens:
    """Signs and checks the API's tokens."""

    def __init__(self, key: str, issuer: str, clock: Clock, metrics: Metrics) -> None:
        try:
            found = load_pem_private_key(key.encode(), None)
        except ValueError:
            raise SettingsError("JWT_KEY is not a private key in PEM") from None
        if not isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SettingsError("JWT_KEY is neither an RSA nor an EC key")
        self._key, self._issuer = found, issuer
        self._clock, self._metrics = clock, metrics
        self._algorithm = "RS256" if isinstance(found, rsa.RSAPrivateKey) else "ES256"

    async def issue(self, database: Database, api_key: str) -> tuple[str, Account]:
        """Return a token for an API key; raises ApiError with 401."""
        self._metrics.count("Authentications")
        self._metrics.count("AuthenticationsSucceeded", 0)
        async with database.transaction() as session:
            row = await session.one(
                "SELECT id, requests_per_minute FROM accounts WHERE api_key_hash = %(hash)s",
                hash=key_hash(api_key),
            )
        if row is None:
            raise refused("The API key is not known.")
        self._metrics.count("AuthenticationsSucceeded")
        account, now = Account(row["id"], row["requests_per_minute"]), self._clock.now()
        claims = {
            "iss": self._issuer,
            "sub": account.id,
            "quota": account.quota,
            "iat": now,
            "exp": now + TOKEN_LASTS,
        }
        return jwt.encode(claims, self._key, self._algorithm), account

    def account(self, headers: Mapping[str, str]) -> Account:
        """Return the account of a request; raises ApiError with 401."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refused("The request has no bearer token.")
        self._metrics.count("Authentications")
        self._metrics.count("AuthenticationsSucceeded", 0)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                [self._algorithm],
                issuer=self._issuer,
                options={"require": ["exp", "sub", "quota"]},
            )
        except jwt.PyJWTError:
            raise refused("The token is not valid, or it has expired.") from None
        self._metrics.count("AuthenticationsSucceeded")
        return Account(str(claims["sub"]), int(claims["quota"]))


def refused(message: str) -> ApiError:
    """Return the answer to a request without valid credentials."""
    return ApiError(401, "unauthenticated", message, headers={"WWW-Authenticate": "Bearer"})
