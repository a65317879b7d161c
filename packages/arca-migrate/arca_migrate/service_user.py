"""The database user of the service: the runner creates it and grants what the service needs.

Sources: docs/service-contract.md (APP_DATABASE_USERNAME, APP_DATABASE_PASSWORD), and PostgreSQL's
documentation, ALTER DEFAULT PRIVILEGES.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg
from psycopg import sql

from arca_migrate.applied import AUDIT_TABLE
from arca_migrate.errors import MigrationError

USER_VARIABLES = ("APP_DATABASE_USERNAME", "APP_DATABASE_PASSWORD")
RIGHTS = (
    ("TABLES", "SELECT, INSERT, UPDATE, DELETE"),
    ("SEQUENCES", "USAGE, SELECT"),
)
RUNNERS_TABLES = (AUDIT_TABLE, "alembic_version")
"""Tables that only the runner may write."""


@dataclass(frozen=True)
class ServiceUser:
    """The name and the password of the service's user."""

    name: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        """Read the variables; None where neither is set, MigrationError where only one is."""
        values = [environment.get(name) or "" for name in USER_VARIABLES]
        if not any(values):
            return None
        if not all(values):
            raise MigrationError(
                f"{USER_VARIABLES[values.index('')]} is not set, and its other half is.",
                where="the environment",
                wanted=f"both of {' and '.join(USER_VARIABLES)}, or neither",
                do="run it as the migration task, or set both",
            )
        return cls(*values)

    def make(self, session: psycopg.Connection[Any]) -> None:
        """Create the user or set its password, and grant it every table of the schema public.

        All in one transaction. The password leaves this process only as its SCRAM verifier, so
        that no log of the server holds it.
        """
        with session.transaction():
            known = session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (self.name,))
            verb = sql.SQL("ALTER" if known.fetchone() is not None else "CREATE")
            verifier = session.pgconn.encrypt_password(
                self.password.encode(), self.name.encode(), b"scram-sha-256"
            )
            user = sql.Identifier(self.name)
            self._run(session, "{} ROLE {} LOGIN PASSWORD {}", verb, user, verifier.decode())
            self._run(session, "GRANT USAGE ON SCHEMA public TO {}", user)
            for what, rights in RIGHTS:
                granted = f"GRANT {rights} ON"
                self._run(session, f"{granted} ALL {what} IN SCHEMA public TO {{}}", user)
                self._run(
                    session,
                    f"ALTER DEFAULT PRIVILEGES IN SCHEMA public {granted} {what} TO {{}}",
                    user,
                )
            for table in RUNNERS_TABLES:
                if session.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,):
                    rights = "INSERT, UPDATE, DELETE, TRUNCATE"
                    self._run(session, f"REVOKE {rights} ON {table} FROM {{}}", user)

    @staticmethod
    def _run(session: psycopg.Connection[Any], text: str, *parts: sql.Composable | str) -> None:
        session.execute(sql.SQL(text).format(*parts))  # pyright: ignore[reportArgumentType] # the text is made of constants
