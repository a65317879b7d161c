"""Fill in data a batch at a time: for the application's revisions of the phase `migrate`."""

import time

import sqlalchemy
from alembic import op

from arca_migrate.errors import MigrationError

MOST = 1_000_000
"""Batches after which a statement is taken for one that never ends."""


def in_batches(statement: str, *, pause: float = 0.05, most: int = MOST) -> None:
    """Run a statement until it changes no row; each run is a transaction of its own.

    The statement changes a batch and must not find the rows that it has done: `UPDATE ... WHERE id
    IN (SELECT id FROM ... WHERE new IS NULL LIMIT 1000)`. Row locks are short, and what is
    interrupted goes on where it was. `pause` is in seconds, for replicas and vacuum to keep up.
    Without a database it renders the statement once.
    """
    context = op.get_context()
    with context.autocommit_block():
        if context.as_sql:
            op.execute(statement)
            return
        for _ in range(most):
            if op.get_bind().execute(sqlalchemy.text(statement)).rowcount <= 0:
                return
            time.sleep(pause)
    raise MigrationError(
        f"A backfill has changed rows {most} times, and does not end.",
        where=" ".join(statement.split())[:200],
        wanted="a statement that does not find the rows which it has done",
        do="correct its WHERE; what it changed so far is committed",
    )
