"""Follow a deployment by its id to its end, and act where it waits or breaks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn

from arca.clients import explained
from arca.clock import Clock
from arca.errors import ArcaError
from arca.release import failures
from arca.release.service import Deployment, Service, short

FEWEST_FAILURES = 3
"""Of a revision's tasks before it is given up, or half of them, whichever is more. ECS's own
circuit breaker is for rolling deployments only (Amazon ECS Developer Guide)."""
AFTER_SHIFT = frozenset({"POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"})

Look = Callable[[Deployment], str | None]
"""Looks at a deployment that waits; None when all is well, else what is wrong."""


@dataclass(frozen=True)
class Acts:
    """What is done on the way; None leaves it to a person."""

    at_pause: Look | None
    after_shift: Look


@dataclass
class Follower:
    """Follows one deployment; whatever it does may be done twice."""

    service: Service
    clock: Clock
    watch: Callable[[Deployment], None]
    acts: Acts
    timeout: timedelta
    stopped_because: str | None = None
    """Why this follower asked for a rollback, if it did."""
    too_late: str | None = None
    """What it found wrong when somebody had taken the deployment to its end meanwhile."""
    _looked: set[str] = field(default_factory=set[str])

    @property
    def looked_after_shift(self) -> bool:
        """Whether there was time to look before the end; a rolling deployment may leave none."""
        return "shifted" in self._looked

    def to_the_end(self, arn: str) -> Deployment:
        """Give the deployment as it ended, or as it was when the time ran out."""
        deadline = self.clock.now() + self.timeout
        target = self.service.task_definition(self.service.deployment(arn).target.arn)
        while True:
            deployment = self.service.deployment(arn)
            self.watch(deployment)
            if not deployment.under_way or self.clock.now() > deadline:
                return deployment
            if deployment.status in ("PENDING", "IN_PROGRESS"):
                self._act(deployment, target)
            self.clock.sleep(self.service.poll_seconds)

    def stop(self, deployment: Deployment, why: str) -> None:
        """Ask ECS to roll back; one that ended meanwhile is left as it is."""
        self.stopped_because = why
        ecs = self.service.ecs
        with explained(self.service.stack, "The deployment cannot be stopped"):
            try:
                ecs.stop_service_deployment(
                    serviceDeploymentArn=deployment.arn, stopType="ROLLBACK"
                )
            except ecs.exceptions.ConflictException:
                return

    def _act(self, deployment: Deployment, target: str) -> None:
        hook = deployment.paused_hook
        if hook is not None and self.acts.at_pause is not None:
            if hook not in self._looked:
                self._looked.add(hook)
                self._answer(deployment, wrong=self.acts.at_pause(deployment))
            return
        if deployment.stage in AFTER_SHIFT and "shifted" not in self._looked:
            self._looked.add("shifted")
            wrong = self.acts.after_shift(deployment)
            if wrong is not None:
                self.stop(deployment, wrong)
                return
        found = failures.of(self.service, target, since=deployment.created)
        if found.number >= max(FEWEST_FAILURES, deployment.target.requested / 2):
            self.stop(deployment, f"{found.number} tasks died: {'; '.join(found.reasons)}")

    def _answer(self, deployment: Deployment, *, wrong: str | None) -> None:
        # Looking takes minutes: the pause may have timed out, or somebody answered it.
        now = self.service.deployment(deployment.arn)
        if now.paused_hook == deployment.paused_hook:
            answer(self.service, now, proceed=wrong is None)
            self.stopped_because = wrong
        elif wrong is not None and now.under_way:
            self.stop(now, wrong)
        elif wrong is not None:
            self.too_late = wrong


def refuse_unpaused(service: Service, latest: Deployment | None) -> NoReturn:
    """Raise ArcaError: nothing waits for an answer."""
    state = f"{short(latest.arn)}: {latest.status}, stage {latest.stage}" if latest else "none"
    raise ArcaError(
        "No deployment waits for anybody.",
        where=f"{service.stack.where}, {state}",
        wanted="a deployment that is paused",
        do=f"see where it is: `arca status --stack {service.stack.name}`",
    )


def answer(service: Service, deployment: Deployment, *, proceed: bool) -> None:
    """Answer the hook that waits; raises ArcaError where none does."""
    if deployment.paused_hook is None:
        refuse_unpaused(service, deployment)
    with explained(service.stack, "The paused deployment cannot be answered"):
        service.ecs.continue_service_deployment(
            serviceDeploymentArn=deployment.arn,
            hookId=deployment.paused_hook,
            action="CONTINUE" if proceed else "ROLLBACK",
        )
