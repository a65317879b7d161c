"""A deployment's way forward and back, as scripts that wait.

Source: Amazon ECS Developer Guide, "Amazon ECS blue/green deployments" and "Lifecycle hooks for
Amazon ECS service deployments"; where it gives no figure, the figure here is simulated.
"""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from arca.emulator.ecs import faults, strategy
from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.model import Deployment, Hook, Revision, Script, Service, Wait
from arca.emulator.ecs.names import last
from arca.emulator.ecs.outside import Outside

QUICK = 0.1
"""Simulated minutes of a stage that only does something."""
PAUSE = 1440
"""Minutes that a PAUSE hook waits unless it says otherwise (API Reference)."""
Kind = TypeVar("Kind")
Part = Generator[Wait, datetime, datetime]
"""A part of a script; it gives the moment of its end."""


class Failed(Exception):
    """The deployment fails; its way back begins unless the service wants none."""

    def __init__(self, reason: str, *, back: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.back = reason, back


class Scripts:
    """Writes the scripts."""

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside, self._clock = outside, clock

    def after(self, at: datetime, minutes: float) -> Wait:
        """Wait for some simulated minutes."""
        return Wait(at=at + minutes * self._clock.minute)

    def forward(self, service: Service, deployment: Deployment, at: datetime) -> Script:
        """From PENDING to the last stage; raises Failed."""
        at = yield self.after(at, QUICK)
        deployment.status, deployment.started = "IN_PROGRESS", at
        for stage in strategy.stages(deployment.configuration):
            deployment.stage, deployment.updated = stage, at
            if _stalls(deployment, stage):
                at = yield Wait(until=lambda stage=stage: not _stalls(deployment, stage))
            refusal = _fault(deployment, faults.HookRefuses)
            if refusal is not None and refusal.stage == stage:
                deployment.hooks.append(_hook(deployment, {"targetType": "AWS_LAMBDA"}, "FAILED"))
                raise Failed(f"A lifecycle hook failed at {stage}.")
            at = yield from self._stage(service, deployment, stage, at)

    def first(self, service: Service, deployment: Deployment, at: datetime) -> Script:
        """A service's first deployment, whose tasks are started already: until they are well."""
        deployment.status, deployment.started = "IN_PROGRESS", at
        deployment.stage = "SCALE_UP"
        if not service.ready(deployment.target):
            at = yield Wait(until=lambda: service.ready(deployment.target))
        deployment.stage, deployment.updated = "CLEAN_UP", at

    def _stage(self, service: Service, deployment: Deployment, stage: str, at: datetime) -> Part:
        match stage:
            case "SCALE_UP":
                at = yield from self._scale_up(service, deployment)
            case "TEST_TRAFFIC_SHIFT":
                move(service, deployment.target, test=100.0)
                self._outside.weigh(service)
            case "PRODUCTION_TRAFFIC_SHIFT":
                return (yield from self._shift(service, deployment, at))
            case "BAKE_TIME":
                minutes = deployment.configuration.get("bakeTimeInMinutes") or 0
                return (yield self.after(at, max(QUICK, minutes)))
            case _:
                pass
        at = yield from self._hooks(deployment, stage, at)
        return (yield self.after(at, QUICK))

    def _scale_up(self, service: Service, deployment: Deployment) -> Part:
        target, source = deployment.target, deployment.source
        target.requested = service.desired
        at = yield Wait(until=lambda: service.ready(target))
        if not strategy.shifts(deployment.configuration):
            if source is not None:
                source.requested = 0
            target.production = 100.0
            self._alarm_at(service, deployment)
        return at

    def _shift(self, service: Service, deployment: Deployment, at: datetime) -> Part:
        for percent, minutes in strategy.steps(deployment.configuration):
            at = yield from self._hooks(deployment, "PRE_PRODUCTION_TRAFFIC_SHIFT", at)
            move(service, deployment.target, production=percent)
            self._outside.weigh(service)
            deployment.updated = at
            self._alarm_at(service, deployment)
            at = yield from self._hooks(deployment, "PRODUCTION_TRAFFIC_SHIFT", at)
            at = yield self.after(at, max(QUICK, minutes))
        return at

    def _hooks(self, deployment: Deployment, stage: str, at: datetime) -> Part:
        for declared in strategy.hooks(deployment.configuration, stage):
            if declared.get("targetType") != "PAUSE":
                hook = _hook(deployment, declared, "IN_PROGRESS")
                deployment.hooks.append(hook)
                at = yield self.after(at, QUICK)
                hook.status = "SUCCEEDED"
                continue
            hook = _hook(deployment, declared, "AWAITING_ACTION")
            minutes = declared.get("timeoutConfiguration", {}).get("timeoutInMinutes", PAUSE)
            hook.expires = at + minutes * self._clock.minute
            deployment.hooks.append(hook)
            at = yield Wait(at=hook.expires, until=lambda hook=hook: hook.answer is not None)
            answer = hook.answer or hook.timeout_action
            if hook.answer is None:
                hook.status = "TIMED_OUT"
            else:
                hook.status = "SUCCEEDED" if answer == "CONTINUE" else "FAILED"
            if answer != "CONTINUE":
                how = "was answered with ROLLBACK" if hook.answer else "timed out"
                raise Failed(f"The pause at {stage} {how}.")
        return at

    def _alarm_at(self, service: Service, deployment: Deployment) -> None:
        wanted = _fault(deployment, faults.AlarmAt)
        if wanted is not None and deployment.target.production >= wanted.percent:
            names = strategy.alarms(deployment.configuration)
            if names:
                self._outside.fire(service.region, names[0])

    def back(self, service: Service, deployment: Deployment, at: datetime) -> Script:
        """From wherever it is to the source revision; raises Failed when it cannot."""
        source = deployment.source
        if source is None:
            raise Failed("There is no revision to go back to.")
        if deployment.status == "ROLLBACK_REQUESTED":
            at = yield self.after(at, QUICK)
        deployment.status, deployment.updated = "ROLLBACK_IN_PROGRESS", at
        if _stalls_back(deployment):
            at = yield Wait(until=lambda: not _stalls_back(deployment))
        at = yield self.after(at, QUICK)
        if _fault(deployment, faults.RollbackFails) is not None:
            raise Failed("The rollback failed.")
        source.requested = service.desired
        yield Wait(until=lambda: service.ready(source))
        move(service, source, production=100.0, test=100.0)
        self._outside.weigh(service)


def move(
    service: Service,
    revision: Revision,
    *,
    production: float | None = None,
    test: float | None = None,
) -> None:
    """Give a revision a share of the traffic; the other revisions keep their parts of the rest.

    One other revision at most takes traffic: before a deployment begins, all goes back to one.
    """
    for name, share in (("production", production), ("test", test)):
        if share is None:
            continue
        for other in service.revisions:
            if other is not revision and getattr(other, name):
                setattr(other, name, 100.0 - share)
        setattr(revision, name, share)


def _hook(deployment: Deployment, declared: Mapping[str, Any], status: str) -> Hook:
    return Hook(f"{last(deployment.arn)}-{len(deployment.hooks) + 1}", declared, status)


def _fault(deployment: Deployment, kind: type[Kind]) -> Kind | None:
    return next((one for one in deployment.target.faults if isinstance(one, kind)), None)


def _stalls(deployment: Deployment, stage: str) -> bool:
    stall = _fault(deployment, faults.Stall)
    return stall is not None and stall.stage == stage


def _stalls_back(deployment: Deployment) -> bool:
    return _fault(deployment, faults.RollbackStalls) is not None
