"""ECS's calls about service deployments and service revisions."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from arca.emulator.ecs import answers
from arca.emulator.ecs.calls import Call, Json, World, page
from arca.emulator.ecs.model import FORWARD, Deployment, Service
from arca.emulator.ecs.refusals import ApiError, invalid
from arca.emulator.ecs.shapes import part

MOST = 20
"""DescribeServiceDeployments and DescribeServiceRevisions take so many at once."""
MOST_LISTED = 100
LISTED = 20
"""ListServiceDeployments gives so many where nobody says how many."""


class DeploymentCalls:
    """The calls."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list(self, call: Call) -> Json:
        """ListServiceDeployments: the latest first."""
        content = call.content
        service = self._world.service(call, content["service"])
        statuses: list[str] = content.get("status") or []
        created = part(content, "createdAt")
        after, before = _moment(created.get("after")), _moment(created.get("before"))
        found = [
            one
            for one in reversed(service.deployments)
            if (not statuses or one.status in statuses)
            and (after is None or one.created > after)
            and (before is None or one.created < before)
        ]
        shown, following = page(found, content, most=MOST_LISTED, usual=LISTED)
        return {"serviceDeployments": [answers.brief(service, one) for one in shown], **following}

    def describe(self, call: Call) -> Json:
        """DescribeServiceDeployments."""
        known = {one.arn: (service, one) for service, one in self._all(call)}
        arns = _some(call.content["serviceDeploymentArns"], "service-deployment")
        return {
            "serviceDeployments": [answers.deployment(*known[arn]) for arn in arns if arn in known],
            "failures": _missing(arns, known),
        }

    def revisions(self, call: Call) -> Json:
        """DescribeServiceRevisions."""
        known = {
            one.arn: (service, one) for service in self._services(call) for one in service.revisions
        }
        arns = _some(call.content["serviceRevisionArns"], "service-revision")
        return {
            "serviceRevisions": [answers.revision(*known[arn]) for arn in arns if arn in known],
            "failures": _missing(arns, known),
        }

    def stop(self, call: Call) -> Json:
        """StopServiceDeployment."""
        service, deployment = self._find(call)
        kind = call.content.get("stopType", "ROLLBACK")
        if kind not in ("ROLLBACK", "ABORT"):
            raise invalid(f"Invalid stop type: {kind}.")
        if deployment.status not in FORWARD:
            raise ApiError(
                "ConflictException",
                f"The service deployment cannot be stopped: it is {deployment.status}.",
            )
        now = self._world.clock.now()
        self._world.machine.deployer.stop(service, deployment, now, back=kind == "ROLLBACK")
        return {"serviceDeploymentArn": deployment.arn}

    def proceed(self, call: Call) -> Json:
        """ContinueServiceDeployment: answer a PAUSE hook."""
        _, deployment = self._find(call)
        action = call.content.get("action", "CONTINUE")
        if action not in ("CONTINUE", "ROLLBACK"):
            raise invalid(f"Invalid action: {action}.")
        for hook in deployment.hooks:
            if hook.identifier == call.content["hookId"] and hook.status == "AWAITING_ACTION":
                hook.answer = action
                self._world.machine.advance(self._world.clock.now())
                return {"serviceDeploymentArn": deployment.arn}
        raise invalid("The lifecycle hook does not await an action.")

    def _services(self, call: Call) -> Iterator[Service]:
        services = self._world.machine.services.values()
        return (one for one in services if one.region == call.region)

    def _all(self, call: Call) -> Iterator[tuple[Service, Deployment]]:
        for service in self._services(call):
            yield from ((service, one) for one in service.deployments)

    def _find(self, call: Call) -> tuple[Service, Deployment]:
        (arn,) = _some([call.content["serviceDeploymentArn"]], "service-deployment")
        for service, one in self._all(call):
            if one.arn == arn:
                return service, one
        raise ApiError("ServiceDeploymentNotFoundException", "Service deployment not found.")


def _some(arns: list[str], kind: str) -> list[str]:
    if not 0 < len(arns) <= MOST:
        raise invalid(f"From 1 to {MOST} ARNs can be described at once.")
    for arn in arns:
        if not re.fullmatch(rf"arn:[^:]+:ecs:[^:]+:\d{{12}}:{kind}/[^/]+/[^/]+/\w+", arn):
            raise invalid(f"Invalid {kind} ARN: {arn}.")
    return arns


def _missing(arns: list[str], known: dict[str, Any]) -> list[Json]:
    return [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
