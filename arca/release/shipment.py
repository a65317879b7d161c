"""What ECS does of a release: ask for the new revision, follow its deployment, judge its end."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from botocore.exceptions import ClientError

from arca.clients import explained
from arca.errors import ArcaError, Refused
from arca.release import ending, smoke_task
from arca.release.follow import Acts, Follower
from arca.release.journal import Journal
from arca.release.judge import Serving, serving
from arca.release.service import Deployment, Service, short
from arca.release.verdict import Outcome, Verdict
from arca.release.wishes import Wishes
from arca.smoke import suite

APPEARS = timedelta(minutes=2)
"""UpdateService is eventually consistent: the deployment may take as long to be listed."""


class Shipment:
    """A registered revision on its way, from the step that the journal names."""

    def __init__(
        self,
        service: Service,
        journal: Journal,
        wishes: Wishes,
        *,
        say: Callable[[str], None],
        watch: Callable[[Deployment], None],
    ) -> None:
        self._service, self._journal, self._wishes = service, journal, wishes
        self._say, self._watch, self._clock = say, watch, journal.clock

    def ship(self) -> Outcome:
        """To its end; Ctrl-C rolls it back where that is wished."""
        try:
            if self._journal.entry.step != "following":
                self._update()
            return self._follow()
        except KeyboardInterrupt:
            if not self._wishes.rollback_on_interrupt:
                raise
            return self._follow(stop="interrupted")

    def _update(self) -> None:
        entry = self._journal.entry
        if entry.step == "updating":
            if self._find() is not None:
                return
        else:
            known = self._service.deployments(most=1)
            self._journal.record(step="updating", newest=known[0].arn if known else None)
        with explained(self._service.stack, "The service cannot be updated"):
            try:
                self._service.ecs.update_service(
                    **self._service.names,
                    taskDefinition=str(entry.task_definition),
                    forceNewDeployment=entry.source == entry.task_definition,
                )
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500:
                    # It was refused: ECS works on nothing of ours.
                    self._journal.record(step="migrated")
                raise
        self._say(f"{short(str(entry.task_definition))} asked for")

    def _find(self) -> str | None:
        """The deployment that this release asked for, by what it targets."""
        entry = self._journal.entry
        for one in self._service.deployments():
            if one.arn == entry.newest:
                return None
            if self._service.task_definition(one.target.arn) == entry.task_definition:
                return one.arn
        return None

    def _appeared(self) -> str | None:
        deadline = self._clock.now() + APPEARS
        while self._clock.now() < deadline:
            found = self._find()
            if found is not None:
                return found
            self._clock.sleep(1)
        return None

    def _follow(self, *, stop: str | None = None) -> Outcome:
        """Follow the deployment to its end; `stop` says why it is stopped first."""
        arn = self._journal.entry.deployment or self._appeared()
        if arn is None:
            reason = f"no deployment appeared within {APPEARS}"
            return self._outcome(None, Verdict.UNKNOWN, reason, serving(self._service))
        self._journal.record(step="following", deployment=arn)
        follower = Follower(
            self._service,
            self._clock,
            self._watch,
            Acts(None if self._wishes.hold else self._at_pause, self._after_shift),
            self._wishes.timeout,
        )
        if stop is not None:
            follower.stop(self._service.deployment(arn), stop)
        ended = follower.to_the_end(arn)
        entry = self._journal.entry
        verdict, reason, found = ending.settled(
            self._service,
            self._clock,
            ended,
            target=str(entry.task_definition),
            source=entry.source,
        )
        if follower.stopped_because:
            reason = f"{reason}; stopped because {follower.stopped_because}"
        if verdict is Verdict.LIVE:
            wrong = follower.too_late or (
                None if follower.looked_after_shift else self._after_shift(ended)
            )
            if wrong is not None:
                verdict = Verdict.FAILED
                reason = f"{reason}; it is live all the same, and {wrong}"
        return self._outcome(ended, verdict, reason, found)

    def _at_pause(self, deployment: Deployment) -> str | None:
        """Smoke tests of the new tasks, on the listener that customers do not reach."""
        self._say("paused before production traffic: smoke tests on the test listener")
        target = self._service.task_definition(deployment.target.arn)
        try:
            return smoke_task.run(self._service, target, self._clock, self._say)
        except Refused:
            # Somebody else has this release now, and looks.
            raise
        except ArcaError as error:
            return f"smoke tests on the test listener could not be run: {error.what}"

    def _after_shift(self, deployment: Deployment) -> str | None:
        """Smoke tests from outside, while a rollback is still a matter of seconds."""
        del deployment
        self._say("production traffic has moved: smoke tests from outside")
        once_more = partial(suite.run, self._service.stack, url=None, timeout=10)
        report = once_more()
        if report.failed:
            # One lost packet is no reason to take a release back.
            report = once_more()
        wrong = [f"{check.name}: {check.detail}" for check in report.failed]
        return f"smoke tests failed: {'; '.join(wrong)}" if wrong else None

    def _outcome(
        self, deployment: Deployment | None, verdict: Verdict, reason: str, found: Serving
    ) -> Outcome:
        entry = self._journal.entry
        return ending.outcome(
            self._service,
            deployment,
            verdict,
            reason,
            image=entry.image,
            task_definition=entry.task_definition,
            found=found,
        )
