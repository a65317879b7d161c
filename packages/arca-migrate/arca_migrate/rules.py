"""The rules that the runner itself enforces on a planned revision.

A revision does only what its phase allows, and it is applied whole or not at all. The rules of
squawk (lint.py) are for the review; the runner does not know them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from arca_migrate.errors import MigrationRefused
from arca_migrate.phase import Phase
from arca_migrate.plan import MigrationPlan, PlannedRevision
from arca_migrate.statements import SqlStatement, split

MISLABELLED, NOT_ATOMIC = "mislabelled-phase", "not-atomic"
_ACTION = r"ALTER TABLE\b.*"
_PART = r"(?:[^,()]|\([^()]*\))"
"""A piece of one action in an ALTER TABLE that may have several, up to the next comma."""
DESTRUCTIVE: Mapping[str, re.Pattern[str]] = {
    "drops a table or what stands beside one": re.compile(
        r"\bDROP (FOREIGN )?(TABLE|SCHEMA|VIEW|MATERIALIZED VIEW|TYPE|DOMAIN|SEQUENCE|FUNCTION"
        r"|PROCEDURE|ROUTINE|AGGREGATE|OPERATOR|CAST|COLLATION|TEXT SEARCH|EXTENSION|SERVER"
        r"|TRIGGER|RULE|POLICY|OWNED|ROLE|USER|DATABASE)\b"
    ),
    "drops a column": re.compile(
        _ACTION + r"\bDROP (COLUMN\b|(?!CONSTRAINT\b|DEFAULT\b|NOT NULL\b|IDENTITY\b"
        r"|EXPRESSION\b)[\w\"])|\bDROP ATTRIBUTE\b"
    ),
    "renames": re.compile(r"\bALTER\b.*\bRENAME\b"),
    "moves to another schema": re.compile(r"\bALTER\b.*\bSET SCHEMA\b"),
    "changes a column's type": re.compile(
        _ACTION + r"\bALTER (COLUMN )?\S+ (SET DATA )?TYPE\b|\bALTER ATTRIBUTE\b"
    ),
    "drops what fills a column that old code leaves out": re.compile(
        r"\bALTER\b.*\bDROP (DEFAULT|IDENTITY|EXPRESSION)\b"
    ),
    "makes a column NOT NULL": re.compile(r"\bSET NOT NULL\b"),
    "adds a column that old code does not fill": re.compile(
        _ACTION + r"\bADD (COLUMN\b|(?!CONSTRAINT\b|CHECK\b|UNIQUE\b|PRIMARY\b|FOREIGN\b"
        rf"|EXCLUDE\b|GENERATED\b)[\w\"])(?!{_PART}*\b(DEFAULT|GENERATED|(BIG|SMALL)?SERIAL)\b)"
        rf"{_PART}*((?<!\bIS )\bNOT NULL\b|\bPRIMARY KEY\b)"
    ),
    "empties a table": re.compile(r"\bTRUNCATE\b|\bDELETE FROM\b(?![^;]*\bWHERE\b)"),
    "takes a partition's rows away": re.compile(_ACTION + r"\bDETACH PARTITION\b"),
    "takes a right away": re.compile(r"\bREVOKE\b|\bENABLE ROW LEVEL SECURITY\b"),
}
"""Statements that can break running code, which only a contract may contain.

Sources: PostgreSQL's documentation, chapter 5.7, "Modifying Tables", and the reference pages of
ALTER TABLE and DROP. CREATE OR REPLACE VIEW is missing because PostgreSQL itself refuses one that
loses, renames or retypes a column (its reference page). The rows of a view are for the review.
"""
SCHEMA = re.compile(r"(CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|REINDEX|TRUNCATE)\b")
REPEATABLE = re.compile(r"DROP INDEX CONCURRENTLY IF EXISTS\b|SET\b")


@dataclass(frozen=True)
class Finding:
    """One problem of a planned revision."""

    revision: str
    rule: str
    line: int
    """The line in the revision's SQL, from 1."""
    message: str
    level: str
    """`error` where the runner refuses the revision, else `warning`."""

    def as_json(self) -> dict[str, Any]:
        """Return the problem as `arca migrate --plan --json` prints it."""
        return asdict(self)


def breaches(planned: PlannedRevision) -> Iterator[Finding]:
    """Find the problems for which the runner refuses a revision."""
    statements = list(split(planned.sql))
    if planned.phase is not Phase.CONTRACT:
        yield from _mislabelled(planned, statements)
    yield from _not_atomic(planned, statements)


def require(plan: MigrationPlan) -> None:
    """Raise MigrationRefused where a planned revision breaks a rule."""
    found = [(one, finding) for one in plan.revisions for finding in breaches(one)]
    if not found:
        return
    planned, first = found[0]
    others = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    if first.rule == MISLABELLED:
        wanted = f"in the phase {planned.phase} only what leaves running code intact"
        do = 'declare phase = "contract", or split the revision'
    else:
        wanted = "a revision that is applied whole or not at all"
        do = "split the revision: one statement that runs outside a transaction each"
    raise MigrationRefused(
        f"Revision {first.revision} is refused: {first.message}{others}.",
        where=f"{planned.revision.path}, line {first.line} of its SQL",
        wanted=wanted,
        do=do,
    )


def _mislabelled(planned: PlannedRevision, statements: list[SqlStatement]) -> Iterator[Finding]:
    """Find statements that only a contract may contain."""
    for statement in statements:
        for what, pattern in DESTRUCTIVE.items():
            if pattern.search(statement.bare):
                message = f"declared {planned.phase}, and it {what}"
                yield Finding(planned.id, MISLABELLED, statement.line, message, "error")


def _not_atomic(planned: PlannedRevision, statements: list[SqlStatement]) -> Iterator[Finding]:
    """Find parts that would stay committed where a later part of the revision fails."""
    inside: list[SqlStatement] = []
    outside: list[SqlStatement] = []
    now = outside
    for statement in statements:
        if statement.bare.startswith(("BEGIN", "START TRANSACTION")):
            now = inside
        elif statement.bare.startswith(("COMMIT", "END")):
            now = outside
        elif not REPEATABLE.match(statement.bare):
            now.append(statement)
    schema = [statement for statement in outside if SCHEMA.match(statement.bare)]
    wrong: list[SqlStatement] = []
    if outside and inside:
        wrong = inside
    elif schema and len(outside) > 1:
        wrong = [statement for statement in outside if statement is not schema[0]]
    for statement in wrong[:1]:
        message = "it has more than the one statement that runs outside a transaction"
        yield Finding(planned.id, NOT_ATOMIC, statement.line, message, "error")
