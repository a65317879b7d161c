"""The state machine of a deployment: forward through the lifecycle stages, or back.

Each way is a generator. It yields what it waits for and is resumed with the moment of the wait's
end, so that the code reads in the order in which things happen.

Sources: Amazon ECS Developer Guide, "Amazon ECS blue/green deployments" and "Lifecycle hooks for
Amazon ECS service deployments". Where these give no duration, the one here is made up.
"""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from arca.emulator.ecs import faults, strategy
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.identifiers import arn_name
from arca.emulator.ecs.model import (
    DeploymentSteps,
    EmulatedDeployment,
    EmulatedRevision,
    EmulatedService,
    LifecycleHook,
    Wait,
)
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.strategy import Stage

SHORT_STAGE = 0.1
"""Simulated minutes of a stage without a wait of its own."""
PAUSE_TIMEOUT = 1440
"""Minutes until a PAUSE hook times out by default (Amazon ECS API Reference)."""
FaultKind = TypeVar("FaultKind")
StageSteps = Generator[Wait, datetime, datetime]
"""The steps of one stage; they return the moment of its end."""


class DeploymentFailed(Exception):
    """The deployment failed; a rollback follows unless the service disables it."""

    def __init__(self, reason: str, *, roll_back: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.roll_back = reason, roll_back


class DeploymentStateMachine:
    """Makes the steps of a deployment: forward, of a first deployment, and of a rollback."""

    def __init__(self, moto: MotoServices, clock: EcsClock) -> None:
        self._moto, self._clock = moto, clock

    def after(self, at: datetime, minutes: float) -> Wait:
        """Return a wait of simulated minutes."""
        return Wait(at=at + minutes * self._clock.minute)

    def forward(
        self, service: EmulatedService, deployment: EmulatedDeployment, at: datetime
    ) -> DeploymentSteps:
        """Go from PENDING through all stages; raises DeploymentFailed."""
        at = yield self.after(at, SHORT_STAGE)
        deployment.status, deployment.started = "IN_PROGRESS", at
        for stage in strategy.stages(deployment.configuration):
            deployment.stage, deployment.updated = stage, at
            if _stalls(deployment, stage):
                at = yield Wait(until=lambda stage=stage: not _stalls(deployment, stage))
            refusal = _fault(deployment, faults.HookRefuses)
            if refusal is not None and refusal.stage == stage:
                deployment.hooks.append(_hook(deployment, {"targetType": "AWS_LAMBDA"}, "FAILED"))
                raise DeploymentFailed(f"A lifecycle hook failed at {stage}.")
            at = yield from self._stage(service, deployment, stage, at)

    def first(
        self, service: EmulatedService, deployment: EmulatedDeployment, at: datetime
    ) -> DeploymentSteps:
        """Wait until the tasks of a service's first deployment are healthy."""
        deployment.status, deployment.started = "IN_PROGRESS", at
        deployment.stage = "SCALE_UP"
        if not service.ready(deployment.target):
            at = yield Wait(until=lambda: service.ready(deployment.target))
        deployment.stage, deployment.updated = "CLEAN_UP", at

    def rollback(
        self, service: EmulatedService, deployment: EmulatedDeployment, at: datetime
    ) -> DeploymentSteps:
        """Return to the source revision from any stage; raises DeploymentFailed."""
        source = deployment.source
        if source is None:
            raise DeploymentFailed("There is no revision to go back to.")
        if deployment.status == "ROLLBACK_REQUESTED":
            at = yield self.after(at, SHORT_STAGE)
        deployment.status, deployment.updated = "ROLLBACK_IN_PROGRESS", at
        if _rollback_stalls(deployment):
            at = yield Wait(until=lambda: not _rollback_stalls(deployment))
        at = yield self.after(at, SHORT_STAGE)
        if _fault(deployment, faults.RollbackFails) is not None:
            raise DeploymentFailed("The rollback failed.")
        source.requested = service.desired
        yield Wait(until=lambda: service.ready(source))
        shift_traffic(service, source, production=100.0, test=100.0)
        self._moto.set_weights(service)

    def _stage(
        self, service: EmulatedService, deployment: EmulatedDeployment, stage: Stage, at: datetime
    ) -> StageSteps:
        match stage:
            case "SCALE_UP":
                at = yield from self._scale_up(service, deployment)
            case "TEST_TRAFFIC_SHIFT":
                shift_traffic(service, deployment.target, test=100.0)
                self._moto.set_weights(service)
            case "PRODUCTION_TRAFFIC_SHIFT":
                return (yield from self._shift_production(service, deployment, at))
            case "BAKE_TIME":
                minutes = deployment.configuration.get("bakeTimeInMinutes") or 0
                return (yield self.after(at, max(SHORT_STAGE, minutes)))
            case _:
                pass
        at = yield from self._run_hooks(deployment, stage, at)
        return (yield self.after(at, SHORT_STAGE))

    def _scale_up(self, service: EmulatedService, deployment: EmulatedDeployment) -> StageSteps:
        target, source = deployment.target, deployment.source
        target.requested = service.desired
        at = yield Wait(until=lambda: service.ready(target))
        if not strategy.shifts(deployment.configuration):
            if source is not None:
                source.requested = 0
            target.production = 100.0
            self._inject_alarm(service, deployment)
        return at

    def _shift_production(
        self, service: EmulatedService, deployment: EmulatedDeployment, at: datetime
    ) -> StageSteps:
        for percent, minutes in strategy.traffic_steps(deployment.configuration):
            at = yield from self._run_hooks(deployment, "PRE_PRODUCTION_TRAFFIC_SHIFT", at)
            shift_traffic(service, deployment.target, production=percent)
            self._moto.set_weights(service)
            deployment.updated = at
            self._inject_alarm(service, deployment)
            at = yield from self._run_hooks(deployment, "PRODUCTION_TRAFFIC_SHIFT", at)
            at = yield self.after(at, max(SHORT_STAGE, minutes))
        return at

    def _run_hooks(self, deployment: EmulatedDeployment, stage: str, at: datetime) -> StageSteps:
        for declared in strategy.hooks(deployment.configuration, stage):
            if declared.get("targetType") == "PAUSE":
                at = yield from self._pause(deployment, declared, stage, at)
            else:
                # The function of a Lambda hook is not invoked, nor need it exist.
                hook = _hook(deployment, declared, "IN_PROGRESS")
                deployment.hooks.append(hook)
                at = yield self.after(at, SHORT_STAGE)
                hook.status = "SUCCEEDED"
        return at

    def _pause(
        self, deployment: EmulatedDeployment, declared: Mapping[str, Any], stage: str, at: datetime
    ) -> StageSteps:
        hook = _hook(deployment, declared, "AWAITING_ACTION")
        timeout = declared.get("timeoutConfiguration", {})
        minutes = timeout.get("timeoutInMinutes", PAUSE_TIMEOUT)
        hook.expires = at + minutes * self._clock.minute
        deployment.hooks.append(hook)
        at = yield Wait(at=hook.expires, until=lambda: hook.answer is not None)
        action = hook.answer or hook.timeout_action
        if hook.answer is None:
            hook.status = "TIMED_OUT"
        else:
            hook.status = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
        if action != "CONTINUE":
            how = "was answered with ROLLBACK" if hook.answer else "timed out"
            raise DeploymentFailed(f"The pause at {stage} {how}.")
        return at

    def _inject_alarm(self, service: EmulatedService, deployment: EmulatedDeployment) -> None:
        wanted = _fault(deployment, faults.AlarmAt)
        if wanted is not None and deployment.target.production >= wanted.percent:
            names = strategy.alarm_names(deployment.configuration)
            if names:
                self._moto.trigger_alarm(service.region, names[0])


def shift_traffic(
    service: EmulatedService,
    revision: EmulatedRevision,
    *,
    production: float | None = None,
    test: float | None = None,
) -> None:
    """Give a revision a percentage of the traffic, and the rest to the other that has traffic.

    At most one other revision has traffic, because a deployment begins with all of it on one.
    """
    for name, percent in (("production", production), ("test", test)):
        if percent is None:
            continue
        for other in service.revisions:
            if other is not revision and getattr(other, name):
                setattr(other, name, 100.0 - percent)
        setattr(revision, name, percent)


def _hook(
    deployment: EmulatedDeployment, declared: Mapping[str, Any], status: str
) -> LifecycleHook:
    identifier = f"{arn_name(deployment.arn)}-{len(deployment.hooks) + 1}"
    return LifecycleHook(identifier, declared, status)


def _fault(deployment: EmulatedDeployment, kind: type[FaultKind]) -> FaultKind | None:
    return next((one for one in deployment.target.faults if isinstance(one, kind)), None)


def _stalls(deployment: EmulatedDeployment, stage: Stage) -> bool:
    stall = _fault(deployment, faults.Stall)
    return stall is not None and stall.stage == stage


def _rollback_stalls(deployment: EmulatedDeployment) -> bool:
    return _fault(deployment, faults.RollbackStalls) is not None
