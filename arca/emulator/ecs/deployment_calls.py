"""The calls of ECS about service deployments and service revisions."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from arca.emulator.ecs import responses
from arca.emulator.ecs.api import ApiError, Json, invalid, structure
from arca.emulator.ecs.calls import EcsBackend, EcsCall, page
from arca.emulator.ecs.model import FORWARD, EmulatedDeployment, EmulatedService

MOST_DESCRIBED = 20
"""The most ARNs that DescribeServiceDeployments and DescribeServiceRevisions take at once."""
MOST_LISTED = 100
LISTED = 20
"""Deployments on a page of ListServiceDeployments unless `maxResults` is given."""


class DeploymentCalls:
    """Answers the calls."""

    def __init__(self, backend: EcsBackend) -> None:
        self._backend = backend

    def list(self, call: EcsCall) -> Json:
        """Answer ListServiceDeployments, the latest first."""
        content = call.content
        service = self._backend.service(call, content["service"])
        statuses: list[str] = content.get("status") or []
        created = structure(content, "createdAt")
        after, before = _moment(created.get("after")), _moment(created.get("before"))
        found = [
            one
            for one in reversed(service.deployments)
            if (not statuses or one.status in statuses)
            and (after is None or one.created > after)
            and (before is None or one.created < before)
        ]
        shown, following = page(found, content, most=MOST_LISTED, usual=LISTED)
        return {
            "serviceDeployments": [responses.summarize_deployment(service, one) for one in shown],
            **following,
        }

    def describe(self, call: EcsCall) -> Json:
        """Answer DescribeServiceDeployments."""
        known = {one.arn: (service, one) for service, one in self._all(call)}
        arns = _checked(call.content["serviceDeploymentArns"], "service-deployment")
        return {
            "serviceDeployments": [
                responses.describe_deployment(*known[arn]) for arn in arns if arn in known
            ],
            "failures": _missing(arns, known),
        }

    def revisions(self, call: EcsCall) -> Json:
        """Answer DescribeServiceRevisions."""
        known = {
            one.arn: (service, one) for service in self._services(call) for one in service.revisions
        }
        arns = _checked(call.content["serviceRevisionArns"], "service-revision")
        return {
            "serviceRevisions": [
                responses.describe_revision(*known[arn]) for arn in arns if arn in known
            ],
            "failures": _missing(arns, known),
        }

    def stop(self, call: EcsCall) -> Json:
        """Answer StopServiceDeployment."""
        service, deployment = self._find(call)
        kind = call.content.get("stopType", "ROLLBACK")
        if kind not in ("ROLLBACK", "ABORT"):
            raise invalid(f"Invalid stop type: {kind}.")
        if deployment.status not in FORWARD:
            raise ApiError(
                "ConflictException",
                f"The service deployment cannot be stopped: it is {deployment.status}.",
            )
        now = self._backend.clock.now()
        self._backend.service_controller.deployments.stop(
            service, deployment, now, roll_back=kind == "ROLLBACK"
        )
        return {"serviceDeploymentArn": deployment.arn}

    def proceed(self, call: EcsCall) -> Json:
        """Answer ContinueServiceDeployment: end the pause of a PAUSE hook."""
        _, deployment = self._find(call)
        action = call.content.get("action", "CONTINUE")
        if action not in ("CONTINUE", "ROLLBACK"):
            raise invalid(f"Invalid action: {action}.")
        for hook in deployment.hooks:
            if hook.identifier == call.content["hookId"] and hook.status == "AWAITING_ACTION":
                hook.answer = action
                self._backend.service_controller.advance(self._backend.clock.now())
                return {"serviceDeploymentArn": deployment.arn}
        raise invalid("The lifecycle hook does not await an action.")

    def _services(self, call: EcsCall) -> Iterator[EmulatedService]:
        services = self._backend.service_controller.services.values()
        return (one for one in services if one.region == call.region)

    def _all(self, call: EcsCall) -> Iterator[tuple[EmulatedService, EmulatedDeployment]]:
        for service in self._services(call):
            yield from ((service, one) for one in service.deployments)

    def _find(self, call: EcsCall) -> tuple[EmulatedService, EmulatedDeployment]:
        (arn,) = _checked([call.content["serviceDeploymentArn"]], "service-deployment")
        for service, one in self._all(call):
            if one.arn == arn:
                return service, one
        raise ApiError("ServiceDeploymentNotFoundException", "Service deployment not found.")


def _checked(arns: list[str], kind: str) -> list[str]:
    if not 0 < len(arns) <= MOST_DESCRIBED:
        raise invalid(f"From 1 to {MOST_DESCRIBED} ARNs can be described at once.")
    for arn in arns:
        if not re.fullmatch(rf"arn:[^:]+:ecs:[^:]+:\d{{12}}:{kind}/[^/]+/[^/]+/\w+", arn):
            raise invalid(f"Invalid {kind} ARN: {arn}.")
    return arns


def _missing(arns: list[str], known: dict[str, Any]) -> list[Json]:
    return [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
