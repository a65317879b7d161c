"""Alembic's context for one revision, with a database or without one.

The history's `env.py` is not run. Source: Alembic's documentation, "API Details", Runtime Objects:
EnvironmentContext configures a MigrationContext, and Operations.context binds `alembic.op` to it.
"""

import io
from collections.abc import Generator
from contextlib import contextmanager

from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from arca_migrate.errors import MigrationError
from arca_migrate.history import History, Revision, place


def rendered(history: History, revision: Revision) -> str:
    """Return a revision's SQL with its transactions, without the change of alembic_version.

    Raises MigrationError where the revision needs a database to render its SQL.
    """
    buffer = io.StringIO()
    environment = EnvironmentContext(history.config, history.script, as_sql=True)
    try:
        with environment:
            environment.configure(dialect_name="postgresql", output_buffer=buffer)
            context = environment.get_context()
            with Operations.context(context), context.begin_transaction():
                revision.upgrade()
    except MigrationError:
        raise
    except Exception as error:
        raise MigrationError(
            f"The SQL of revision {revision.id} cannot be rendered: {type(error).__name__}: "
            f"{error}",
            where=place(error, history.directory),
            wanted="a revision that does not read the database as it is rendered",
            do="write it with op.* and, for data, arca_migrate.backfill.in_batches",
        ) from error
    return buffer.getvalue().strip() + "\n"


@contextmanager
def transaction(history: History, connection: Connection) -> Generator[MigrationContext]:
    """Bind `alembic.op` to a transaction; commit it at the end, roll it back on an error."""
    with EnvironmentContext(history.config, history.script) as environment:
        environment.configure(connection=connection)
        context = environment.get_context()
        with Operations.context(context), context.begin_transaction():
            yield context


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """Read the revisions in alembic_version; none for an empty database."""
    heads = MigrationContext.configure(connection).get_current_heads()
    connection.rollback()
    return heads
