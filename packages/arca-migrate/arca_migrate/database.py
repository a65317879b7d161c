"""The database that the environment names, and the limits of a session in it.

The variables are those of docs/service-contract.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg

from arca_migrate.errors import MigrationError

APPLICATION = "arca-migrate"
VARIABLES = (
    "DATABASE_ADDRESS",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USERNAME",
    "DATABASE_PASSWORD",
)
LOCAL = ("127.0.0.1", "::1", "localhost")
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Limits:
    """How long a run may wait, how long a statement may take, and how often it is tried again."""

    lock: float = 5.0
    """Seconds that a statement waits for a lock; later queries on the table wait behind it."""
    statement: float = 15 * 60.0
    """Seconds that a statement may take."""
    runner: float = 30.0
    """Seconds to wait until another runner ends."""
    attempts: int = 6
    """Attempts per revision when the lock times out."""
    pause: float = 1.0
    """Seconds before the second attempt; each later pause is twice as long. A random part of up
    to a half is taken off, so that the attempts keep no rhythm."""
    longest_pause: float = 30.0
    """Seconds that no pause exceeds."""


@dataclass(frozen=True)
class Database:
    """A database: its address, and the user who connects."""

    address: str
    port: int
    name: str
    username: str
    password: str = field(repr=False)
    sslmode: str | None = None
    """The sslmode of libpq; None for `verify-full`, or for `prefer` on this machine."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; raises MigrationError that names every missing one.

        `PGSSLMODE` sets the sslmode; libpq itself reads `PGSSLROOTCERT`.
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
        """The database in a message, without its password."""
        return f"{self.username}@{self.address}:{self.port}/{self.name}"

    def connect(self, limits: Limits, *, application: str = APPLICATION) -> psycopg.Connection[Any]:
        """Open a session with these limits; raises MigrationError where it is refused."""
        local = self.address in LOCAL or self.address.startswith("/")
        options = {
            "lock_timeout": milliseconds(limits.lock),
            "statement_timeout": milliseconds(limits.statement),
            # The statement of a killed runner must not go on alone.
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
                connect_timeout=CONNECT_SECONDS,
                options=" ".join(f"-c {name}={value}" for name, value in options.items()),
            )
        except psycopg.OperationalError as error:
            raise self._refuses(str(error)) from error

    def _refuses(self, text: str) -> MigrationError:
        reason = text.strip().splitlines()[0].rpartition("failed: ")[2]
        if "authentication failed" in text or "no password" in text:
            do = (
                "compare DATABASE_USERNAME and DATABASE_PASSWORD with the secret; it may have been"
                " rotated since the task started: start it again"
            )
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
    """Convert seconds for PostgreSQL's timeouts; never 0, which would mean no limit."""
    return max(1, round(seconds * 1000))


def _unset(what: str) -> MigrationError:
    return MigrationError(
        what,
        where="the environment",
        wanted=f"{', '.join(VARIABLES)} (docs/service-contract.md)",
        do="run it as the migration task, or set them",
    )
