"""Following a deployment of ECS by its ARN to its end, and acting where it waits or breaks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from arca.clients import Unreachable, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release import failures, held_lock
from arca.release.given_reasons import note_reason
from arca.release.journal_entry import MIGRATION, JournalEntry
from arca.release.outage import outlast
from arca.release.service import EcsDeployment, EcsService, short
from arca.stack import Stack

FEWEST_FAILURES = 3
"""A deployment is stopped after so many failed tasks, or half of those wanted where that is more.
ECS's own circuit breaker is for rolling deployments only (Amazon ECS Developer Guide)."""
AFTER_SHIFT = frozenset({"POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"})
"""Stages in which all production traffic has moved to the new tasks."""

TOLD_TO_STOP = ("STOP_REQUESTED", "ROLLBACK_REQUESTED")
"""Statuses of a deployment that was told to stop or to roll back, and has not begun to."""

DeploymentCheck = Callable[[EcsDeployment], str | None]
"""Checks a deployment that waits; returns what is wrong, None when all is well."""


@dataclass
class DeploymentFollower:
    """Follows one deployment. Whatever it does may be done twice."""

    service: EcsService
    clock: Clock
    watch: Callable[[EcsDeployment], None]
    """Called with each look at the deployment."""
    timeout: timedelta
    """How long deployments are followed in all."""
    check_at_pause: DeploymentCheck | None = None
    """None leaves the pause to `arca promote`."""
    ask_at_pause: Callable[[], None] | None = None
    """Called once at a pause that is left to `arca promote`, to say what a person must do."""
    check_after_shift: DeploymentCheck | None = None
    stopped_because: str | None = None
    """Why this follower asked for a rollback; None where it did not."""
    asked_to_stop: bool = False
    """True from the moment at which ECS may have heard that it is to roll back."""
    too_late: str | None = None
    """Why this follower wanted a rollback that ECS could no longer do."""
    checked_after_shift: bool = False
    """False at the end where no look fell after the shift, as in a short rolling deployment."""
    _deadline: datetime | None = field(default=None, init=False)
    _findings: dict[str, str | None] = field(default_factory=dict[str, str | None], init=False)
    """What the checks at each pause found wrong, by the id of its hook."""
    _answered: set[str] = field(default_factory=set[str], init=False)
    """The hooks whose answer ECS has accepted."""
    _asked: set[str] = field(default_factory=set[str], init=False)
    """The hooks for which a person was asked."""

    def follow(self, arn: str) -> EcsDeployment:
        """Return the deployment as it ended, or as it was when the timeout passed."""
        self._deadline = self._deadline or self.clock.now() + self.timeout
        target = self.service.task_definition(self.service.deployment(arn).target.arn)
        while True:
            deployment = outlast(lambda: self._look(arn, target), self.clock)
            if not deployment.under_way or self.clock.now() > self._deadline:
                return deployment
            self.clock.sleep(self.service.poll_seconds)

    def _look(self, arn: str, target: str) -> EcsDeployment:
        """Look at the deployment, and act where it waits or breaks."""
        deployment = self.service.deployment(arn)
        self.watch(deployment)
        if deployment.status in ("PENDING", "IN_PROGRESS"):
            self._act(deployment, target)
        return deployment

    def stop(self, deployment: EcsDeployment, why: str) -> None:
        """Ask ECS to roll back; where it no longer can, note that this came too late."""
        try:
            accepted = self._ask_to_stop(deployment)
        except Unreachable:
            self.asked_to_stop = True
            # ECS may do it all the same, and the next look does not find the cause again.
            self._note_stop(deployment, why)
            raise
        if accepted:
            self._note_stop(deployment, why)
        else:
            self.too_late = why

    def _ask_to_stop(self, deployment: EcsDeployment) -> bool:
        ecs = self.service.ecs
        with explained(self.service.stack, "The deployment cannot be stopped"):
            try:
                ecs.stop_service_deployment(
                    serviceDeploymentArn=deployment.arn, stopType="ROLLBACK"
                )
            except ecs.exceptions.ConflictException:
                self.asked_to_stop = True
                # After a lost reply, the call is repeated and ECS rolls back already.
                return self.service.deployment(deployment.arn).status in TOLD_TO_STOP
        self.asked_to_stop = True
        return True

    def _note_stop(self, deployment: EcsDeployment, why: str) -> None:
        self.stopped_because = why
        note_reason(self.service.stack, deployment.arn, why, at=self.clock.now())

    def _act(self, deployment: EcsDeployment, target: str) -> None:
        hook = deployment.paused_hook
        if hook is not None and self.check_at_pause is not None:
            if hook not in self._findings:
                self._findings[hook] = self.check_at_pause(deployment)
            if hook not in self._answered:
                self._answer(deployment, wrong=self._findings[hook])
                self._answered.add(hook)
            return
        if hook is not None and self.ask_at_pause is not None and hook not in self._asked:
            self._asked.add(hook)
            self.ask_at_pause()
        if deployment.stage in AFTER_SHIFT and not self.checked_after_shift:
            self.checked_after_shift = True
            wrong = self.check_after_shift(deployment) if self.check_after_shift else None
            if wrong is not None:
                self.stop(deployment, wrong)
                return
        failed = failures.failed_tasks(self.service, target, since=deployment.created)
        if failed.number >= max(FEWEST_FAILURES, deployment.target.requested / 2):
            self.stop(deployment, failed.so_far)

    def _answer(self, deployment: EcsDeployment, *, wrong: str | None) -> None:
        # Checks take minutes: the pause may have timed out, or somebody answered it.
        now = self.service.deployment(deployment.arn)
        if now.paused_hook == deployment.paused_hook:
            self.stopped_because = wrong
            answer_pause(self.service, now, proceed=wrong is None)
            if wrong is not None:
                note_reason(self.service.stack, now.arn, wrong, at=self.clock.now())
        elif wrong is not None and now.under_way:
            self.stop(now, wrong)
        elif wrong is not None:
            self.too_late = wrong


def who_answers(stack: Stack, release: JournalEntry | None) -> str:
    """Return who ends a deployment's pause, and what a person must type where nobody else does.

    `release` is the journal of a release whose process lives; None where there is none.
    """
    if release is not None and release.what != MIGRATION and not release.options.hold:
        return "paused: `arca` runs the smoke tests and goes on by itself; nobody has to act"
    return (
        f"paused until a person answers: `arca promote --stack {stack.name}` moves production "
        f"traffic, `arca stop --stack {stack.name}` rolls back"
    )


def paused_deployment(service: EcsService) -> EcsDeployment:
    """Return the latest deployment; raises ArcaError where it does not wait at a pause."""
    latest = service.deployments(most=1)
    if not latest or latest[0].paused_hook is None:
        _refuse_unpaused(service, latest[0] if latest else None)
    return latest[0]


def require_a_persons_answer(service: EcsService, paused: EcsDeployment) -> None:
    """Raise Refused while a living release answers the pause itself, after its smoke tests."""
    try:
        held = held_lock.read(service.stack)
    except held_lock.UnreadableJournal:
        # Another version's release may wait for a person; nobody here can tell.
        return
    if held is None or held.dead or held.entry.options.hold:
        return
    if held.entry.deployment == paused.arn:
        name = service.stack.name
        raise Refused(
            f"The release that began {short(paused.arn)} answers its pause after its smoke tests.",
            where=f"{service.stack.where}, {held.entry.owner}",
            wanted="a pause that waits for a person, as with `arca deploy --hold`; "
            "nothing was answered",
            do=f"wait for it; to end it: `arca stop --stack {name}`",
        )


def answer_pause(service: EcsService, deployment: EcsDeployment, *, proceed: bool) -> None:
    """Let a paused deployment go on or roll back; raises ArcaError where it is not paused."""
    if deployment.paused_hook is None:
        _refuse_unpaused(service, deployment)
    try:
        with explained(service.stack, "The paused deployment cannot be answered"):
            service.ecs.continue_service_deployment(
                serviceDeploymentArn=deployment.arn,
                hookId=deployment.paused_hook,
                action="CONTINUE" if proceed else "ROLLBACK",
            )
    except ArcaError:
        # After a lost reply ECS refuses the repeated call, though it does what was asked.
        now = service.deployment(deployment.arn)
        goes_on = now.status in ("PENDING", "IN_PROGRESS", "SUCCESSFUL")
        if now.paused_hook == deployment.paused_hook or goes_on != proceed:
            raise


def _refuse_unpaused(service: EcsService, latest: EcsDeployment | None) -> NoReturn:
    state = f"{short(latest.arn)}: {latest.status}, stage {latest.stage}" if latest else "none"
    raise ArcaError(
        "No deployment waits at a pause.",
        where=f"{service.stack.where}, {state}",
        wanted="a deployment that is paused",
        do=f"see where it is: `arca status --stack {service.stack.name}`",
    )
