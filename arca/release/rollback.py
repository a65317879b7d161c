"""Rolling back: stop a deployment under way, or deploy the previous release again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import history, journal
from arca.release.deployment import DeploymentFollower
from arca.release.image import image_of
from arca.release.journal import ReleaseOptions
from arca.release.migrations import Migrations, contract_since
from arca.release.release import Release
from arca.release.service import EcsDeployment, EcsService, short
from arca.release.steps import Interrupted, ends_release
from arca.release.verdict import (
    RUNBOOK,
    ReleaseOutcome,
    Verdict,
    deployment_outcome,
    judge_when_settled,
    read_serving,
)
from arca.stack import Stack

APPLIED_TIMEOUT = timedelta(minutes=10)
"""How long the task that lists the applied migrations may take."""


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback does: it stops a deployment, or deploys a past release again."""

    to: str
    """The task definition that serves afterwards."""
    image: str
    stops: EcsDeployment | None = None
    past: history.PastDeployment | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        stops = short(self.stops.arn) if self.stops else None
        return {"stops": stops, "to": short(self.to), "image": self.image}

    def __str__(self) -> str:
        """Return the plan in words that follow "Would"."""
        first = f"stop {short(self.stops.arn)} and go back" if self.stops else "go back"
        return f"{first} to {short(self.to)} ({self.image})"


class Rollback:
    """A rollback of a stack's service; `to` names a revision, None means the previous release."""

    def __init__(
        self,
        stack: Stack,
        *,
        timeout: timedelta,
        say: Callable[[str], None],
        watch: Callable[[EcsDeployment], None],
        clock: Clock,
        to: str | None = None,
    ) -> None:
        self._to = to
        self._stack, self._timeout, self._say, self._watch = stack, timeout, say, watch
        self._clock = clock
        self._service = EcsService(stack)

    def plan(self) -> RollbackPlan:
        """Return where the rollback leads; raises Refused or ArcaError where it leads nowhere."""
        under_way = self.under_way()
        if under_way is None:
            past = (
                history.previous_release(self._service)
                if self._to is None
                else history.named_release(self._service, self._to)
            )
            return RollbackPlan(past.task_definition, past.image, past=past)
        if self._to is not None:
            raise Refused(
                "A deployment is under way, and stopping it leads to what ran before it.",
                where=f"{self._stack.where}, {short(under_way.arn)}",
                wanted=f"no deployment under way; nothing was done for {self._to}",
                do=f"stop it first: `arca stop --stack {self._stack.name}`",
            )
        source = history.source_of(self._service, under_way)
        return RollbackPlan(source, image_of(self._service.definition(source)), stops=under_way)

    def under_way(self) -> EcsDeployment | None:
        """Return the deployment that has not ended, or None."""
        return self._service.under_way()

    def close_dead_journal(self) -> bool:
        """Close the journal of a killed release; False where there is none.

        Raises Refused while its process lives.
        """
        return journal.close_dead(self._stack)

    def run(self, plan: RollbackPlan, *, past_contract: str | None = None) -> ReleaseOutcome:
        """Carry the plan out, and return the verdict on what runs then.

        `past_contract` is the reason to go back though a contract migration ran since. The
        verdict is LIVE where the past release was deployed and serves, ROLLED_BACK where a
        deployment was stopped.
        """
        if plan.stops is not None:
            return self.stop(plan.stops)
        if plan.past is not None and past_contract is None:
            refused = self._refuse_after_contract(plan.past)
            if refused is not None:
                return refused
        release = Release(
            self._stack,
            options=ReleaseOptions(timeout=self._timeout),
            say=self._say,
            watch=self._watch,
            clock=self._clock,
        )
        outcome = release.back_to(plan.to, plan.image)
        if outcome.verdict is Verdict.ROLLED_BACK:
            # ECS rolled the rollback back: the release that was to go serves.
            outcome = _another_serves(outcome, asked=plan.to)
        opened = {} if past_contract is None else {"contract": past_contract}
        return replace(outcome, opened=opened)

    def _refuse_after_contract(self, past: history.PastDeployment) -> ReleaseOutcome | None:
        """Return a refusal where a contract ran after that release was last live."""
        migrations = Migrations(self._service, self._clock, self._say)
        result = migrations.applied(migrations.image(None), timeout=APPLIED_TIMEOUT)
        finding = contract_since(result, past.replaced, emulated=self._stack.endpoint is not None)
        if finding is None:
            return None
        return ReleaseOutcome(
            Verdict.REFUSED,
            f"{finding}; deploy a repaired image instead, or say --contract-ran with a --reason "
            "when the old code is known to work",
            past.image,
            past.task_definition,
            runs=read_serving(self._service).alone,
        )

    def stop(self, under_way: EcsDeployment) -> ReleaseOutcome:
        """Have ECS roll a deployment back; one that ended meanwhile is left as it is.

        Raises Interrupted on Ctrl-C: ECS goes on.
        """
        source = history.source_of(self._service, under_way)
        self._say(f"{short(under_way.arn)} is under way: asking ECS to roll it back")
        follower = DeploymentFollower(self._service, self._clock, self._watch, self._timeout)
        target = self._service.task_definition(under_way.target.arn)
        try:
            follower.stop(under_way, "an operator asked for it")
            ended = follower.follow(under_way.arn)
            verdict, reason, serving = judge_when_settled(
                self._service, self._clock, ended, target=target, source=source
            )
        except KeyboardInterrupt:
            raise Interrupted from None
        if ends_release(verdict):
            self._free_dead_lock()
        outcome = deployment_outcome(
            self._service,
            ended,
            verdict,
            reason,
            image=image_of(self._service.definition(target)),
            task_definition=target,
            serving=serving,
        )
        if verdict is Verdict.LIVE:
            # The deployment had succeeded before ECS could stop it.
            return _another_serves(outcome, asked=source)
        return outcome

    def _free_dead_lock(self) -> None:
        """Free the lock of the release that was stopped; a failure hides no verdict.

        A process that lives still follows its release, and frees the lock itself.
        """
        try:
            journal.close_dead(self._stack)
        except Refused:
            return
        except ArcaError as error:
            self._say(f"the release's lock is left: {error.what} {error.do}")


def _another_serves(outcome: ReleaseOutcome, *, asked: str) -> ReleaseOutcome:
    return replace(
        outcome,
        verdict=Verdict.ANOTHER_SERVES,
        reason=f"{short(asked)} was asked for; {outcome.reason}",
        runbook=RUNBOOKS[RUNBOOK].path,
    )
