"""Migrations of a release: the image's own runner, as a task with the owner's credentials."""

import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, cast

from arca_migrate import guard
from arca_migrate.applied import Applied
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.phase import Phase

from arca import lever
from arca.clock import Clock
from arca.errors import ArcaError, ExitCode, Refused
from arca.release import held_lock, history, journal, journal_entry
from arca.release.image import image_of, image_reference, register_revision, same_image
from arca.release.service import EcsService, short
from arca.release.tasks import STARTED_BY, OneOffTask, TaskResult
from arca.release.verdict import read_serving
from arca.stack import Stack

LOG = logging.getLogger(__name__)
RELEASE_PHASES = ("expand", "migrate")
"""The phases that a release runs, and `arca migrate` where none is named."""
CONTRACT_GATE = "contract"
"""The gate of a rollback that is closed where a contract ran since its release was live."""
APPLIED_TIMEOUT = timedelta(minutes=10)
"""How long the task that lists the applied migrations may take."""


@contextmanager
def arca_errors() -> Generator[None]:
    """Turn the errors of `arca_migrate`, which is a distribution of its own, into ArcaError."""
    try:
        yield
    except MigrationError as error:
        kind = Refused if isinstance(error, MigrationRefused) else ArcaError
        raise kind(error.what, where=error.where, wanted=error.wanted, do=error.do) from None


@contextmanager
def migration_lock(
    stack: Stack, image: str, phases: Sequence[str], clock: Clock
) -> Generator[Clock]:
    """Hold the release lock; yields the clock whose sleep writes heartbeats.

    Raises Refused while somebody else releases or migrates.
    """
    held = held_lock.read(stack)
    if held is not None and held.entry.what == journal_entry.MIGRATION:
        # A killed migration has no step to resume. If its task still runs, it holds the runner's
        # own lock in the database.
        journal.Journal.close_dead(stack, clock=clock)
    # With the phases it is no image's name, so that `arca deploy --resume` cannot deploy it.
    named = f"{image} ({','.join(phases)})"
    mine = journal.Journal.begin(stack, what=journal_entry.MIGRATION, image=named, clock=clock)
    try:
        yield mine.clock
    except BaseException:
        # The error that ended the migration is raised, not a second one of the journal.
        with suppress(ArcaError):
            mine.end()
        raise
    try:
        mine.end()
    except ArcaError as error:
        # How the migrations ended matters more.
        LOG.warning("%s `arca stop --stack %s` frees the lock", error.what, stack.name)


def require_writable(stack: Stack) -> None:
    """Raise Refused where migrations have no place.

    That is in a standby, in a fenced primary, and in one whose lever is pulled already.
    """
    phase: str = stack.outputs.phase
    if phase == "active":
        if not lever.pulled(stack):
            return
        phase = "without customers, since the failover lever is pulled"
    whose = (
        "its database follows the primary's, whose migrations reach it"
        if phase in ("standby", "promoting")
        else "another region serves with a database of its own"
    )
    raise Refused(
        f"The stack {stack.name} is {phase}: {whose}.",
        where=stack.where,
        wanted="the stack that serves",
        do="run the migrations there",
    )


class Migrations:
    """The migration task of a stack; `say` gets a line for each event."""

    def __init__(self, service: EcsService, clock: Clock, say: Callable[[str], None]) -> None:
        self._service, self._clock, self._say = service, clock, say

    def image(self, wanted: str | None) -> str:
        """Return the reference of a tag or digest, or of the service's image for None."""
        if wanted:
            return image_reference(self._service.stack, wanted)[0]
        return image_of(self._service.current_definition())

    def require_contract_allowed(
        self, image: str, *, phases: Sequence[str], wait: timedelta
    ) -> None:
        """Raise Refused where the contract phase is named and may not run yet.

        A contract removes what no release that runs or may come back still uses. So it must be
        that of the release that serves alone, and has been live for `wait`.
        """
        if Phase.CONTRACT not in phases:
            return
        stack = self._service.stack
        under_way = self._service.under_way()
        if under_way is not None:
            raise self._refused(
                f"{short(under_way.arn)} is {under_way.status}",
                wanted="no deployment under way: its code, or the previous release's, may still "
                "use what the contract removes",
                do="run it when the new release has been live for a while",
            )
        current = self._service.current_definition()
        arn, runs = current["taskDefinitionArn"], image_of(current)
        serving = read_serving(self._service)
        if not serving.only(arn):
            raise self._refused(
                f"{serving} serves, and {short(arn)} should",
                wanted="one release that serves alone",
                do=f"see what runs: `arca status --stack {stack.name}`",
            )
        if not same_image(stack, image, runs):
            raise self._refused(
                f"{image} is not what serves, which is {runs}",
                wanted="the migrations of the release that serves",
                do="release it first; without --image the contract is that of what serves",
            )
        with arca_errors():
            guard.contract_allowed(
                tuple(map(Phase, phases)),
                live_since=history.live_since(self._service, arn),
                now=self._clock.now(),
                wait=wait,
            ).require(where=f"{stack.where}, {short(arn)}")

    def _refused(self, why: str, *, wanted: str, do: str) -> Refused:
        return Refused(
            f"The contract is refused: {why}.",
            where=self._service.stack.where,
            wanted=wanted,
            do=do,
        )

    def run_locked(
        self, image: str, *, phases: Sequence[str], wait: timedelta, timeout: timedelta
    ) -> TaskResult:
        """Run the phases while the release lock is held; raises Refused where that may not be."""
        require_writable(self._service.stack)
        with migration_lock(self._service.stack, image, phases, self._clock) as clock:
            self.require_contract_allowed(image, phases=phases, wait=wait)
            self._say(f"{', '.join(phases)} of {image}")
            locked = Migrations(self._service, clock, self._say)
            return locked.run(image, phases=phases, timeout=timeout)

    def run(
        self, image: str, *, phases: Sequence[str], timeout: timedelta, token: str = STARTED_BY
    ) -> TaskResult:
        """Run the phases' pending migrations; a task of that token that still runs is followed."""
        tag_or_digest = image.rpartition("@" if "@" in image else ":")[2]
        arguments = ["--phases", ",".join(phases), "--release", tag_or_digest]
        return self._run_task(image, arguments, timeout, token)

    def applied(self, image: str, *, timeout: timedelta) -> TaskResult:
        """Have the task print the applied migrations, as one `migration.history` line."""
        return self._run_task(image, ["--applied"], timeout, STARTED_BY)

    def check_restored(
        self, image: str, *, until: str, variables: Mapping[str, str], timeout: timedelta
    ) -> TaskResult:
        """Have the task check the restored database that the variables name."""
        arguments = ["--check-restored", until]
        return self._run_task(image, arguments, timeout, STARTED_BY, variables)

    def _run_task(
        self,
        image: str,
        arguments: Sequence[str],
        timeout: timedelta,
        token: str,
        variables: Mapping[str, str] | None = None,
    ) -> TaskResult:
        family = self._service.stack.outputs.service.migration_family
        arn = register_revision(self._service, family, image)
        definition = self._service.definition(arn)
        command = [*definition["containerDefinitions"][0]["command"], *arguments]
        self._say(f"{short(arn)}: {' '.join(command)}")
        task = OneOffTask(self._service, definition, self._clock)
        return task.run(
            command,
            show=lambda line: self._say(sentence(line)),
            timeout=timeout,
            token=token,
            variables=variables,
        )


def exit_code(result: TaskResult) -> ExitCode:
    """Return the process exit code for a migration task that ended."""
    known = (ExitCode.DONE, ExitCode.REFUSED)
    return ExitCode(result.exit_code) if result.exit_code in known else ExitCode.FAILED


def refusal(result: TaskResult) -> str | None:
    """Return the runner's reason where it refused, None where it did not.

    It refuses before it changes anything: for the order, a mislabelled revision, another runner,
    or a database with another history (docs/migrations.md).
    """
    if exit_code(result) is not ExitCode.REFUSED:
        return None
    return _reported(result) or result.reason or "the task did not say why"


def ending(result: TaskResult) -> str:
    """Return why a task's migrations did not succeed, what to do, and the exit code."""
    if result.exit_code is None:
        return f"the migrations never ran: {result.reason or 'ECS gives no reason'}"
    said = _reported(result)
    if said:
        return f"{said} The migrations ended with {result.exit_code}"
    reason = result.reason or "ECS gives no reason"
    return f"the migrations ended with {result.exit_code}: {reason}"


def events_of(result: TaskResult) -> Iterator[Mapping[str, Any]]:
    """Yield the events that a task's runner printed."""
    for line in result.lines:
        content = _json_object(line)
        if str(content.get("event")).startswith("migration."):
            yield content


def sentence(line: str) -> str:
    """Return an event of the runner as a sentence; another line stays as it is.

    Source of the events' fields: docs/migrations.md, "What a run does".
    """
    content = _json_object(line)
    if not str(content.get("event")).startswith("migration.") or not content.get("message"):
        return line
    text = str(content["message"])
    revision = content.get("revision")
    if revision and str(revision) not in text:
        text = f"{revision} ({content.get('phase')}): {text}"
    blocked = content.get("blocked_by")
    if isinstance(blocked, list) and content["event"] == "migration.retried":
        named = (_blocker(one) for one in cast("list[Any]", blocked))
        text += f" Blocked by {'; '.join(named) or 'a session that has ended since'}."
    do = str(content.get("do") or "").removesuffix(".")
    return f"{text} To do: {do}." if do else text


def _blocker(session: Any) -> str:
    """Return a session in words; the field `blocked_by` lists them."""
    known = cast("dict[str, Any]", session) if isinstance(session, dict) else {}
    return f"pid {known.get('pid')} of {known.get('user')}"


def _reported(result: TaskResult) -> str | None:
    """Return the runner's reason for a failure or refusal and what to do; None without one."""
    for line in reversed(result.lines):
        if _json_object(line).get("event") in ("migration.failed", "migration.refused"):
            return sentence(line)
    return None


def contract_since(result: TaskResult, moment: datetime | None, *, emulated: bool) -> str | None:
    """Tell which contract ran since a release was last live; None where none did.

    `result` is that of `Migrations.applied`. A task that cannot tell is a reason too, because
    nobody knows then what was dropped.
    """
    if result.exit_code != ExitCode.DONE:
        why = _reported(result) or f"the task ended with {result.exit_code}"
        return f"the applied migrations are unknown: {why}"
    for line in result.lines:
        content = _json_object(line)
        if content.get("event") != "migration.history":
            continue
        try:
            applied = [Applied.from_json(one) for one in content["applied"]]
        except (KeyError, TypeError, ValueError) as error:
            return f"the applied migrations are unknown: the task printed {line!r} ({error!r})"
        verdict = guard.rollback_allowed(None, applied, last_live=moment)
        return None if verdict.allowed else f"{verdict.reason} To do: {verdict.do}"
    # The emulated cloud runs no migration without a stand-in, so nothing was dropped there.
    return None if emulated else "the applied migrations are unknown: the task printed none"


def contract_after(
    service: EcsService, task_definition: str, clock: Clock, say: Callable[[str], None]
) -> str | None:
    """Tell which contract ran since a release was last live; None where none did.

    It starts a task of what serves, which only reads the applied migrations.
    """
    migrations = Migrations(service, clock, say)
    result = migrations.applied(migrations.image(None), timeout=APPLIED_TIMEOUT)
    moment = history.last_live(service, task_definition)
    finding = contract_since(result, moment, emulated=service.stack.endpoint is not None)
    if finding is None:
        return None
    return (
        f"{finding}; deploy a repaired image instead, or say --contract-ran with a --reason "
        "when the old code is known to work"
    )


def _json_object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
