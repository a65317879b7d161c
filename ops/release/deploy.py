"""A release: gates, a new revision, migrations, the deployment, smoke tests, a verdict.

Each step may be done twice: whoever resumes begins with the step that the journal names.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from errors import ArcaError, Refused
from ops import smoke
from ops.check import Check
from ops.clients import explained
from ops.release import definition, failures, gates, smoke_task
from ops.release.clock import Clock
from ops.release.follow import Acts, Follower
from ops.release.journal import Journal, read
from ops.release.judge import judge, serving
from ops.release.migrations import Migrations
from ops.release.service import Deployment, Service, image_of, short
from ops.release.verdict import Interrupted, Lost, Outcome, Verdict
from ops.stack import Stack
from telemetry.runbooks import RUNBOOKS

RUNBOOK = "deployment-rollback"
APPEARS = timedelta(minutes=2)
"""UpdateService is eventually consistent: the deployment may take as long to be listed."""


@dataclass(frozen=True)
class Wishes:
    """How a person wants it."""

    override: tuple[str, ...] = ()
    """Gates to open though they are closed."""
    reason: str | None = None
    migrate: bool = True
    hold: bool = False
    """Leave a paused deployment to `arca promote`."""
    rollback_on_interrupt: bool = False
    timeout: timedelta = timedelta(hours=2)


class Release:
    """One release of a stack, told step by step to `say`."""

    def __init__(
        self,
        stack: Stack,
        *,
        wishes: Wishes,
        say: Callable[[str], None],
        watch: Callable[[Deployment], None],
        clock: Clock | None = None,
    ) -> None:
        self._stack, self._wishes, self._say, self._watch = stack, wishes, say, watch
        self._clock = clock or Clock()
        self._service = Service(stack)
        self._checks = list[Check]()

    def deploy(self, image: str) -> Outcome:
        """Ship an image; raises Refused while somebody else releases."""
        reference, _ = gates.image_reference(self._stack, image)
        journal = Journal.begin(self._stack, what="deploy", image=reference, clock=self._clock)
        return self._guarded(journal)

    def resume(self) -> Outcome:
        """Go on with a release that was interrupted, or follow a deployment that nobody follows."""
        latest = self._service.deployments(most=1)
        if latest and latest[0].under_way and read(self._stack) is None:
            return self._guarded(self._adopt(latest[0]))
        journal = Journal.resume(self._stack, clock=self._clock)
        self._say(f"resuming {journal.entry.what} of {journal.entry.image} at {journal.entry.step}")
        return self._guarded(journal)

    def _adopt(self, deployment: Deployment) -> Journal:
        """Somebody else began it: `pulumi up`, or a person at the console."""
        target = self._service.task_definition(deployment.target.arn)
        sources = [self._service.task_definition(one.arn) for one in deployment.sources]
        image = image_of(self._service.definition(target))
        journal = Journal.begin(self._stack, what="follow", image=image, clock=self._clock)
        journal.record(
            step="following",
            task_definition=target,
            source=sources[0] if sources else None,
            deployment=deployment.arn,
        )
        return journal

    def back_to(self, task_definition: str, image: str) -> Outcome:
        """Deploy a revision that ran before: no gates, no migrations."""
        journal = Journal.begin(self._stack, what="rollback", image=image, clock=self._clock)
        journal.record(step="migrated", task_definition=task_definition, source=self._current())
        return self._guarded(journal)

    def _guarded(self, journal: Journal) -> Outcome:
        """Close the journal when the release has ended, whatever its verdict."""
        try:
            outcome = self._go(journal)
        except (ArcaError, KeyboardInterrupt) as error:
            # From `updating` on ECS goes on without us: the journal says where to begin again.
            if journal.entry.step not in ("updating", "following"):
                with suppress(ArcaError):
                    journal.end()
            elif isinstance(error, ArcaError) and not isinstance(error, Refused):
                raise Lost(error, self._stack) from None
            raise
        if outcome.verdict is not Verdict.UNKNOWN:
            journal.end()
        return replace(outcome, checks=tuple(check.as_json() for check in self._checks))

    def _go(self, journal: Journal) -> Outcome:
        step = journal.entry.step
        if step == "preflight":
            closed = self._preflight(journal)
            if closed is not None:
                return closed
            step = journal.entry.step
        if step == "registered":
            failed = self._migrate(journal)
            if failed is not None:
                return failed
            step = journal.entry.step
        if step in ("migrated", "updating"):
            self._update(journal, again=step == "updating")
        return self._follow(journal)

    def _preflight(self, journal: Journal) -> Outcome | None:
        image = journal.entry.image
        self._say("checking the gates")
        self._checks = gates.run(self._service, image)
        closed = [check for check in self._checks if check.verdict == "FAILED"]
        opened = [check for check in closed if check.name in self._wishes.override]
        for check in opened:
            self._say(f"gate {check.name} opened by hand ({self._wishes.reason}): {check.detail}")
        closed = [check for check in closed if check not in opened]
        if closed:
            reasons = "; ".join(f"{check.name}: {check.detail}" for check in closed)
            return Outcome(Verdict.REFUSED, reasons, image, runs=self._current())
        source = self._current()
        family = self._stack.outputs.service.task_family
        made = definition.register(self._service, family, image)
        self._say(f"revision {short(made)} runs {image}")
        journal.record(step="registered", task_definition=made, source=source)
        return None

    def _migrate(self, journal: Journal) -> Outcome | None:
        entry = journal.entry
        if self._wishes.migrate:
            result = Migrations(self._service, journal.clock, self._say).run(
                entry.image, phases=("expand", "migrate"), timeout=self._wishes.timeout
            )
            if result.exit_code != 0:
                return Outcome(
                    Verdict.FAILED,
                    f"the migrations ended with {result.exit_code}: {result.reason}; nothing was "
                    "deployed",
                    entry.image,
                    entry.task_definition,
                    runs=entry.source,
                    log_lines=result.lines[-failures.MOST_LINES :],
                    runbook=self._page("database-migration-failure"),
                )
        journal.record(step="migrated")
        return None

    def _update(self, journal: Journal, *, again: bool) -> None:
        entry = journal.entry
        if again and self._find(journal) is not None:
            return
        if not again:
            known = self._service.deployments(most=1)
            journal.record(step="updating", newest=known[0].arn if known else None)
        with explained(self._stack, "The service cannot be updated"):
            self._service.ecs.update_service(
                **self._service.names,
                taskDefinition=str(entry.task_definition),
                forceNewDeployment=entry.source == entry.task_definition,
            )
        self._say(f"{short(str(entry.task_definition))} asked for")

    def _find(self, journal: Journal) -> str | None:
        """The deployment that this release asked for, by what it targets."""
        for one in self._service.deployments():
            if one.arn == journal.entry.newest:
                return None
            if self._service.task_definition(one.target.arn) == journal.entry.task_definition:
                return one.arn
        return None

    def _follow(self, journal: Journal) -> Outcome:
        arn = journal.entry.deployment or self._appeared(journal)
        if arn is None:
            return self._outcome(
                journal, None, Verdict.UNKNOWN, f"no deployment appeared within {APPEARS}"
            )
        journal.record(step="following", deployment=arn)
        follower = Follower(
            self._service,
            journal.clock,
            self._watch,
            Acts(
                None if self._wishes.hold else partial(self._at_pause, journal.clock),
                self._after_shift,
            ),
            self._wishes.timeout,
        )
        try:
            ended = follower.to_the_end(arn)
        except KeyboardInterrupt:
            if not self._wishes.rollback_on_interrupt:
                raise Interrupted from None
            follower.stop(self._service.deployment(arn), "interrupted")
            ended = follower.to_the_end(arn)
        verdict, reason = judge(
            ended,
            serving(self._service),
            target=str(journal.entry.task_definition),
            source=journal.entry.source,
        )
        if follower.stopped_because:
            reason = f"{reason}; stopped because {follower.stopped_because}"
        if follower.too_late:
            reason = f"{reason}; somebody let it go on before this was known: {follower.too_late}"
        return self._outcome(journal, ended, verdict, reason)

    def _appeared(self, journal: Journal) -> str | None:
        deadline = self._clock.now() + APPEARS
        while self._clock.now() < deadline:
            found = self._find(journal)
            if found is not None:
                return found
            self._clock.sleep(1)
        return None

    def _at_pause(self, clock: Clock, deployment: Deployment) -> str | None:
        """Smoke tests of the new tasks, on the listener that customers do not reach."""
        self._say("paused before production traffic: smoke tests on the test listener")
        definition_arn = self._service.task_definition(deployment.target.arn)
        return smoke_task.run(self._service, definition_arn, clock, self._say)

    def _after_shift(self, deployment: Deployment) -> str | None:
        """Smoke tests from outside, while a rollback is still a matter of seconds."""
        del deployment
        self._say("production traffic has moved: smoke tests from outside")
        report = smoke.run(self._stack, url=None, timeout=10)
        if report.failed:
            # One lost packet is no reason to take a release back.
            report = smoke.run(self._stack, url=None, timeout=10)
        wrong = [f"{check.name}: {check.detail}" for check in report.failed]
        return f"smoke tests failed: {'; '.join(wrong)}" if wrong else None

    def _outcome(
        self, journal: Journal, deployment: Deployment | None, verdict: Verdict, reason: str
    ) -> Outcome:
        entry = journal.entry
        found = (
            failures.of(self._service, str(entry.task_definition), since=deployment.created)
            if deployment is not None and verdict is not Verdict.LIVE
            else failures.Failures(0, (), ())
        )
        runs: Sequence[str] = sorted(serving(self._service).traffic)
        return Outcome(
            verdict,
            reason,
            entry.image,
            entry.task_definition,
            runs=runs[0] if len(runs) == 1 else None,
            deployment=deployment.arn if deployment else None,
            stop_reasons=found.reasons,
            log_lines=failures.last_lines(self._service, found.tasks),
            runbook=None if verdict is Verdict.LIVE else self._page(RUNBOOK),
        )

    def _current(self) -> str:
        """The task definition that serves, before anything is changed."""
        return str(self._service.describe()["taskDefinition"])

    def _page(self, identifier: str) -> str:
        return RUNBOOKS[identifier].path
