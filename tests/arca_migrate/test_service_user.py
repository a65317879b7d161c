"""The service's own user: made, given its password, and kept to what it needs."""

from dataclasses import replace

import psycopg
import pytest
from arca_migrate import runner
from arca_migrate.database import Database
from arca_migrate.errors import MigrationError
from arca_migrate.events import MigrationEvents
from arca_migrate.service_user import ServiceUser

from tests.arca_migrate.histories import EVERY, HASTY, Lines, asked, invoices, session


def migrate(database: Database, user: ServiceUser) -> Lines:
    """Run the runner so that it creates the user."""
    lines = Lines()
    events = MigrationEvents(write=lines.take)
    runner.run(database, invoices(), phases=EVERY, events=events, limits=HASTY, user=user)
    return lines


@pytest.fixture
def user(database: Database) -> ServiceUser:
    """Return a user name for this database; roles belong to the whole server."""
    return ServiceUser(f'app "{database.name}"', "first")


def test_it_may_read_and_write_and_nothing_else(database: Database, user: ServiceUser) -> None:
    """It may use present and future tables, but not the runner's own, nor change the schema."""
    lines = migrate(database, user)
    assert [line["event"] for line in lines][-2:] == ["migration.user", "migration.done"]
    with session(database) as owner:
        owner.execute("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, b bigint)")
    own = replace(database, username=user.name, password="first")  # noqa: S106 - a test's own
    with session(own) as service:
        service.autocommit = True
        service.execute("INSERT INTO accounts (name) VALUES ('A')")
        service.execute("INSERT INTO later (b) VALUES (1)")
        service.execute("SELECT revision FROM arca_migrations")
        for forbidden in (
            "DELETE FROM arca_migrations",
            "UPDATE alembic_version SET version_num = 'x'",
            "DROP TABLE accounts",
            "CREATE TABLE mine (b bigint)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(forbidden.encode())


def test_a_new_password_takes_the_place_of_the_old(database: Database, user: ServiceUser) -> None:
    """A rotation sets one; the server keeps only a verifier."""
    migrate(database, user)
    migrate(database, replace(user, password="second"))  # noqa: S106 - a test's own
    own = replace(database, username=user.name, password="first")  # noqa: S106 - a test's own
    with pytest.raises(MigrationError, match="authentication failed"):
        session(own)
    session(replace(own, password="second")).close()  # noqa: S106 - a test's own
    stored = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user.name}'"  # noqa: S608 - a test's own
    assert asked(database, stored).startswith("SCRAM-SHA-256$")


def test_both_variables_or_neither() -> None:
    """One alone is an error; a password is never shown."""
    assert ServiceUser.of({}) is None
    with pytest.raises(MigrationError, match="APP_DATABASE_PASSWORD is not set"):
        ServiceUser.of({"APP_DATABASE_USERNAME": "app"})
    found = ServiceUser.of({"APP_DATABASE_USERNAME": "app", "APP_DATABASE_PASSWORD": "hidden"})
    assert found is not None
    assert "hidden" not in repr(found)
