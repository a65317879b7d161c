"""Fill in data in batches: the application's revisions of the phase `migrate` call this."""

import time

import sqlalchemy
from alembic import op

from arca_migrate.errors import MigrationError

MOST_BATCHES = 1_000_000
"""Batches after which a statement is taken for one that never ends."""


def in_batches(statement: str, *, pause: float = 0.05, most: int = MOST_BATCHES) -> None:
    """Run a statement until it changes no row; each run is a transaction of its own.

    The statement changes one batch, and must not find rows that an earlier batch changed:
    `UPDATE ... WHERE id IN (SELECT id FROM ... WHERE new IS NULL LIMIT 1000)`. So it holds row
    locks for a short time, and an interrupted backfill continues where it stopped. `pause` is in
    seconds; it lets replicas and vacuum keep up. Without a database the statement is rendered once.

    Raises MigrationError after `most` batches.
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
        wanted="a statement that does not find the rows which it has changed",
        do="correct its WHERE; what it changed so far is committed",
    )
