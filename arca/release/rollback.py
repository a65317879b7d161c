"""Rolling back: stop a deployment under way, or deploy the previous release again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import configuration, held_lock, history
from arca.release.deployment import DeploymentFollower
from arca.release.image import image_of
from arca.release.journal import Journal
from arca.release.journal_entry import ROLLBACK, ReleaseOptions
from arca.release.migrations import CONTRACT_GATE, contract_after
from arca.release.outage import outlast
from arca.release.release import Release
from arca.release.service import EcsDeployment, EcsService, short
from arca.release.steps import Step, after_failure, ends_release
from arca.release.verdict import (
    RUNBOOK,
    ReleaseOutcome,
    Verdict,
    deployment_outcome,
    judge_when_settled,
)
from arca.stack import Stack


class Way(StrEnum):
    """How a rollback goes back; the values are what `--json` prints."""

    STOP = "stop"
    """ECS rolls back the deployment under way."""
    AT_ONCE = "at once"
    """A past release is deployed with the configuration of an emergency (configuration.py)."""
    GRADUAL = "gradual"
    """A past release is deployed as the stack declares it."""


IN_WORDS = {
    Way.STOP: "",
    Way.AT_ONCE: ", at once: without canary, pause, bake and alarms",
    Way.GRADUAL: ", gradually: as the stack deploys a release",
}


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback does: it stops a deployment, or deploys a past release again."""

    to: str
    """The task definition that serves afterwards."""
    image: str
    way: Way
    stops: EcsDeployment | None = None
    registers: bool = False
    """True where the task definition was deregistered, so that a copy of it is deployed."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "stops": short(self.stops.arn) if self.stops else None,
            "to": short(self.to),
            "image": self.image,
            "way": self.way,
            "registers": self.registers,
        }

    def __str__(self) -> str:
        """Return the plan in words that follow "Would"."""
        first = f"stop {short(self.stops.arn)} and go back" if self.stops else "go back"
        again = ", which is registered again" if self.registers else ""
        return f"{first} to {short(self.to)} ({self.image}){again}{IN_WORDS[self.way]}"


class Rollback:
    """A rollback of a stack's service; `to` names a revision, None means the previous release.

    A past release is deployed at once, or as the stack declares it with `gradual`. `past_contract`
    is the reason to go back though a contract migration ran since.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        timeout: timedelta,
        say: Callable[[str], None],
        watch: Callable[[EcsDeployment], None],
        clock: Clock,
        to: str | None = None,
        gradual: bool = False,
        past_contract: str | None = None,
    ) -> None:
        self._to, self._gradual, self._past_contract = to, gradual, past_contract
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
            return RollbackPlan(
                past.task_definition, past.image, self._way(), registers=not past.active
            )
        if self._to is not None:
            raise Refused(
                "A deployment is under way, and stopping it leads to what ran before it.",
                where=f"{self._stack.where}, {short(under_way.arn)}",
                wanted=f"no deployment under way; nothing was done for {self._to}",
                do=f"stop it first: `arca stop --stack {self._stack.name}`",
            )
        self._refuse_to_undo(under_way)
        source = history.source_of(self._service, under_way)
        image = image_of(self._service.definition(source))
        return RollbackPlan(source, image, Way.STOP, stops=under_way)

    def _refuse_to_undo(self, under_way: EcsDeployment) -> None:
        """Raise Refused where the deployment under way is a rollback: stopping it undoes it."""
        try:
            held = held_lock.read(self._stack)
        except held_lock.UnreadableJournal:
            return
        if held is None or held.entry.what != ROLLBACK:
            return
        target = self._service.task_definition(under_way.target.arn)
        if target != held.entry.task_definition:
            return
        name = self._stack.name
        raise Refused(
            f"A rollback to {short(target)} is under way, and stopping it would undo it.",
            where=f"{self._stack.where}, {held.entry.owner}",
            wanted="a release to go back from; nothing was done",
            do="wait for it; if it was killed, follow it with "
            f"`arca deploy --resume --stack {name}`; to undo it: `arca stop --stack {name}`",
        )

    def _way(self) -> Way:
        # Exports from before the declared configuration leave nothing to return to.
        known = bool(configuration.declared(self._service))
        return Way.AT_ONCE if known and not self._gradual else Way.GRADUAL

    def refusal(self, plan: RollbackPlan) -> str | None:
        """Return why `run` would refuse the plan now, None where it would not.

        Raises Refused while somebody else releases. It asks what `run` asks, but holds no lock.
        """
        if plan.stops is not None:
            return None
        held_lock.require_free(self._stack, or_dead=True)
        if self._past_contract is not None:
            return None
        return contract_after(self._service, plan.to, self._clock, self._say)

    def under_way(self) -> EcsDeployment | None:
        """Return the deployment that has not ended, or None."""
        return self._service.under_way()

    def close_dead_journal(self) -> bool:
        """Close the journal of a killed release; False where there is none.

        Raises Refused while its process lives.
        """
        return Journal.close_dead(self._stack, clock=self._clock)

    def run(self, plan: RollbackPlan) -> ReleaseOutcome:
        """Carry the plan out, and return the verdict on what runs then.

        The verdict is LIVE where the past release was deployed and serves, ROLLED_BACK where a
        deployment was stopped.
        """
        if plan.stops is not None:
            return self.stop(plan.stops)
        self._say(f"plan: {plan}")
        release = Release(
            self._stack,
            options=ReleaseOptions(
                override=() if self._past_contract is None else (CONTRACT_GATE,),
                reason=self._past_contract,
                timeout=self._timeout,
                emergency=plan.way is Way.AT_ONCE,
            ),
            say=self._say,
            watch=self._watch,
            clock=self._clock,
        )
        outcome = release.back_to(plan.to, plan.image)
        if outcome.verdict is Verdict.ROLLED_BACK:
            # ECS rolled the rollback back: the release that was to go serves.
            return _another_serves(outcome, asked=plan.to)
        return outcome

    def stop(self, under_way: EcsDeployment) -> ReleaseOutcome:
        """Have ECS roll a deployment back; one that ended meanwhile is left as it is.

        Raises Interrupted on Ctrl-C, and ConnectionLost where its end cannot be read: ECS goes on.
        """
        source = history.source_of(self._service, under_way)
        self._say(f"{short(under_way.arn)} is under way: asking ECS to roll it back")
        follower = DeploymentFollower(self._service, self._clock, self._watch, self._timeout)
        target = self._service.task_definition(under_way.target.arn)
        try:
            outlast(lambda: follower.stop(under_way, "an operator asked for it"), self._clock)
            return self._follow_stopped(follower, under_way, target=target, source=source)
        except (Exception, KeyboardInterrupt) as error:
            if not follower.asked_to_stop and not isinstance(error, KeyboardInterrupt):
                raise
            raise after_failure(Step.FOLLOWING, error, self._stack).error from None

    def _follow_stopped(
        self, follower: DeploymentFollower, stopped: EcsDeployment, *, target: str, source: str
    ) -> ReleaseOutcome:
        ended = follower.follow(stopped.arn)
        verdict, reason, serving = judge_when_settled(
            self._service, self._clock, ended, target=target, source=source
        )
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
            Journal.close_dead(self._stack, clock=self._clock)
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
