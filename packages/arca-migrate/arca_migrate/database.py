"""The database that the environment names, as docs/service-contract.md says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg

from arca_migrate.errors import MigrationError
from arca_migrate.limits import Limits

APPLICATION = "arca-migrate"
VARIABLES = (
    "DATABASE_ADDRESS",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USERNAME",
    "DATABASE_PASSWORD",
)
LOCAL = ("127.0.0.1", "::1", "localhost")
SECONDS_TO_CONNECT = 10


@dataclass(frozen=True)
class Database:
    """Where it is, and who connects."""

    address: str
    port: int
    name: str
    username: str
    password: str = field(repr=False)
    sslmode: str | None = None
    """Of libpq; None for verify-full, and for what the server offers on this machine."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables. Raises MigrationError that names every one that is missing.

        `PGSSLMODE` changes the demand for TLS; libpq itself reads `PGSSLROOTCERT`.
        """
        missing = [name for name in VARIABLES if not environment.get(name)]
        if missing:
            raise _unset(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.")
        port = environment["DATABASE_PORT"]
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise _unset(f"DATABASE_PORT is {port!r}.")
        return cls(
            address=environment["DATABASE_ADDRESS"],
            port=int(port),
            name=environment["DATABASE_NAME"],
            username=environment["DATABASE_USERNAME"],
            password=environment["DATABASE_PASSWORD"],
            sslmode=environment.get("PGSSLMODE") or None,
        )

    @property
    def where(self) -> str:
        """For a message."""
        return f"{self.username}@{self.address}:{self.port}/{self.name}"

    def connect(self, limits: Limits, *, application: str = APPLICATION) -> psycopg.Connection[Any]:
        """A session of its own with these limits. Raises MigrationError."""
        local = self.address in LOCAL or self.address.startswith("/")
        options = {
            "lock_timeout": milliseconds(limits.lock),
            "statement_timeout": milliseconds(limits.statement),
            # A runner that is killed must not leave a statement that goes on alone.
            "client_connection_check_interval": 2000,
        }
        try:
            return psycopg.connect(
                host=self.address,
                port=self.port,
                dbname=self.name,
                user=self.username,
                password=self.password,
                sslmode=self.sslmode or ("prefer" if local else "verify-full"),
                application_name=application,
                connect_timeout=SECONDS_TO_CONNECT,
                options=" ".join(f"-c {name}={value}" for name, value in options.items()),
            )
        except psycopg.OperationalError as error:
            raise self._unreachable(str(error)) from error

    def _unreachable(self, text: str) -> MigrationError:
        reason = text.strip().splitlines()[0].rpartition("failed: ")[2]
        if "authentication failed" in text or "no password" in text:
            do = "compare DATABASE_USERNAME and DATABASE_PASSWORD with the secret; it may have been"
            do += " rotated since the task started: start it again"
        elif "certificate" in text or "SSL" in text:
            do = "put RDS's certificate authorities into the image and name them in PGSSLROOTCERT"
        else:
            do = "look at the database's state, its security group, and the address"
        return MigrationError(
            f"The database refuses the connection: {reason}",
            where=self.where,
            wanted="a database that answers; nothing was changed",
            do=do,
        )


def milliseconds(seconds: float) -> int:
    """As PostgreSQL's timeouts are set; never 0, which would be no limit."""
    return max(1, round(seconds * 1000))


def _unset(what: str) -> MigrationError:
    return MigrationError(
        what,
        where="the environment",
        wanted=f"{', '.join(VARIABLES)} (docs/service-contract.md)",
        do="run it as the migration task, or set them",
    )
