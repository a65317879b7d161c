"""`arca-migrate`: bring a database's schema up to date, or leave it as it was.

The application's image runs it as `/app/migrate` (docs/migrations.md). It prints one JSON object
a line, and exits with 0 when done, 1 when something failed, 2 for wrong usage and 6 when the run
was refused.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from arca_migrate import phase, restored, rules, runner
from arca_migrate.attempt import RevisionFailed, of_server
from arca_migrate.database import Database, Limits
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.events import MigrationEvents
from arca_migrate.history import History, read
from arca_migrate.phase import Phase
from arca_migrate.plan import MigrationPlan, plan, revision
from arca_migrate.service_user import ServiceUser

NAME = "arca-migrate"
DEFAULT = Limits()
EXIT_CODES = """\b
Exit codes:
  0  done, or nothing to do
  1  failed; the schema is as it was before the revision that failed
  2  wrong usage
  6  refused; nothing was changed
"""


class Phases(click.ParamType[tuple[Phase, ...]]):
    """Phases separated by commas."""

    name = "phases"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Phase, ...]:
        """Read the phases; anything else is a usage error."""
        if not isinstance(value, str):
            return value
        try:
            return phase.parse(value)
        except MigrationError as error:
            self.fail(f"{error.what} Wanted {error.wanted}.", param, ctx)


@click.command(NAME, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--history",
    "directory",
    required=True,
    type=click.Path(path_type=Path),
    help="The Alembic history: a directory with alembic.ini or versions/.",
)
@click.option(
    "--phases",
    type=Phases(),
    default="expand,migrate",
    show_default=True,
    help="The phases that may run; name contract only where the operator's guard allows it.",
)
@click.option("--release", help="The release whose image this is, for the audit table.")
@click.option(
    "--from",
    "start",
    help="With --plan: plan from this revision, or from base, without asking the database.",
)
@click.option("--plan", "planned", is_flag=True, help="Print what would run; change nothing.")
@click.option("--applied", is_flag=True, help="Print the audit table; change nothing.")
@click.option(
    "--check-restored",
    "until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="Check the copy that RESTORED_ADDRESS and RESTORED_PORT name, which was restored to this "
    "moment, such as 2026-12-01T09:00:00Z; change nothing in the database.",
)
@click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0.001),
    default=DEFAULT.lock,
    show_default=True,
    help="Seconds that a statement waits for a lock.",
)
@click.option(
    "--statement-timeout",
    type=click.FloatRange(min=0.001),
    default=DEFAULT.statement,
    show_default=True,
    help="Seconds that a statement may take.",
)
@click.option(
    "--runner-wait",
    type=click.FloatRange(min=0),
    default=DEFAULT.runner,
    show_default=True,
    help="Seconds to wait until another runner ends.",
)
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=DEFAULT.attempts,
    show_default=True,
    help="Attempts per revision when the lock times out.",
)
def main(
    directory: Path,
    phases: tuple[Phase, ...],
    release: str | None,
    start: str | None,
    *,
    planned: bool,
    applied: bool,
    until: datetime | None,
    lock_timeout: float,
    statement_timeout: float,
    runner_wait: float,
    attempts: int,
) -> None:
    """Bring the schema up to date, or leave it as it was.

    The variables DATABASE_ADDRESS, _PORT, _NAME, _USERNAME and _PASSWORD name the database. With
    APP_DATABASE_USERNAME and _PASSWORD the service's user is created too. Prints one JSON object
    a line.
    """
    if (planned, applied, until is not None).count(True) > 1:
        raise click.UsageError("--plan, --applied and --check-restored are questions: ask one.")
    if start and not planned:
        raise click.UsageError("--from goes with --plan: a run asks the database where it is.")
    limits = Limits(lock_timeout, statement_timeout, runner_wait, attempts)
    events, code = MigrationEvents(release), 0
    try:
        if applied:
            _print_history(events, limits)
        elif until is not None:
            code = _print_checked(events, read(directory), until)
        elif planned:
            _print_plan(events, _plan(directory, phases, start, limits))
        else:
            runner.run(
                Database.of(os.environ),
                read(directory),
                phases=phases,
                events=events,
                limits=limits,
                user=ServiceUser.of(os.environ),
            )
    except MigrationError as error:
        raise SystemExit(_report(events, error)) from None
    except Exception as error:
        # The database ended a session outside a revision. Any other error is a bug of ours, and
        # keeps its traceback.
        if of_server(error) is None:
            raise
        raise SystemExit(_report(events, _lost(error))) from None
    if code:
        raise SystemExit(code)


def _plan(
    directory: Path, phases: tuple[Phase, ...], start: str | None, limits: Limits
) -> MigrationPlan:
    history = read(directory)
    if start:
        return plan(history, start=revision(start), phases=phases)
    return runner.pending(Database.of(os.environ), history, phases=phases, limits=limits)


def _print_plan(events: MigrationEvents, found: MigrationPlan) -> None:
    for one in found.revisions:
        message = f"Would apply {one.revision.message}."
        events.emit(
            "migration.planned", message, revision=one.id, phase=one.phase.value, sql=one.sql
        )
    events.emit(
        "migration.plan",
        f"{len(found.revisions)} to apply, {len(found.held)} held back.",
        current=found.start,
        revisions=[one.id for one in found.revisions],
        held=[one.id for one in found.held],
    )
    # A plan whose run would be refused ends as the run would.
    found.require_order()
    rules.require(found)


def _print_history(events: MigrationEvents, limits: Limits) -> None:
    current, records = runner.recorded(Database.of(os.environ), limits=limits)
    events.emit(
        "migration.history",
        f"{len(records)} revisions were applied; the schema is at {current or 'nothing'}.",
        current=current,
        applied=[one.as_json() for one in records],
    )


def _print_checked(events: MigrationEvents, history: History, until: datetime) -> int:
    """Print what was found in a restored database, and return the exit code."""
    source = Database.of(os.environ)
    copy = restored.copy_of(source, os.environ)
    checked = restored.check(source, copy, history, until=until)
    for one in checked.findings:
        level = "ERROR" if one.outcome == "FAILED" else "INFO"
        failure = {"error_class": "RestoredDatabaseWrong"} if level == "ERROR" else {}
        message = f"{one.outcome} {one.name}: {one.seen}"
        events.emit("migration.check", message, level=level, **failure, **one.as_json())
    events.emit(
        "migration.checked",
        "The restored database passed." if checked.passed else "The restored database is wrong.",
        schema_of_source=checked.schema_of_source,
        schema_of_copy=checked.schema_of_copy,
        passed=checked.passed,
    )
    return 0 if checked.passed else 1


def _lost(error: Exception) -> MigrationError:
    """Make the error of a session that the database ended outside a revision."""
    failure = MigrationError(
        "The database ended the session, or refused a statement of the runner itself: "
        f"{type(of_server(error)).__name__}.",
        where="the runner, outside a revision",
        wanted="a database that answers, and an owner who may create tables and roles",
        do="look at the database's state and its log, and run again",
    )
    failure.__cause__ = error
    return failure


def _report(events: MigrationEvents, error: MigrationError) -> int:
    """Write the last line of a failed run, and return the exit code."""
    refused = isinstance(error, MigrationRefused)
    cause = of_server(error) or error.__cause__ or error
    events.emit(
        "migration.refused" if refused else "migration.failed",
        error.what,
        level="WARN" if refused else "ERROR",
        error_class=type(cause).__name__,
        where=error.where,
        wanted=error.wanted,
        do=error.do,
        **(error.as_json() if isinstance(error, RevisionFailed) else {}),
        exit_code=error.exit_code,
    )
    return error.exit_code


if __name__ == "__main__":
    main(prog_name=NAME)
