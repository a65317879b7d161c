"""What the calls of ECS share: the call itself, the state behind it, and the pages of lists."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from arca.emulator.ecs.api import ApiError, Json, invalid
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.faults import AnyFault
from arca.emulator.ecs.identifiers import arn_name
from arca.emulator.ecs.model import EcsTask, EmulatedService
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.service_controller import ServiceController
from arca.emulator.ecs.task_scheduler import TaskScheduler

MotoAnswer = Callable[[], Json]
"""Returns moto's answer to the same call; raises what moto refuses."""


@dataclass(frozen=True)
class EcsCall:
    """A call of ECS's API that a client made."""

    region: str
    content: Json
    moto: MotoAnswer

    @property
    def cluster(self) -> str:
        """The cluster's name; `default` if the call names none."""
        return arn_name(self.content.get("cluster", "default"))


@dataclass
class EcsBackend:
    """The state behind ECS's calls."""

    service_controller: ServiceController
    task_scheduler: TaskScheduler
    moto: MotoServices
    clock: EcsClock
    faults: list[AnyFault] = field(default_factory=list[AnyFault])
    """The faults that deployments and one-off tasks get when they begin."""

    def all_tasks(self) -> Iterator[tuple[EmulatedService | None, EcsTask]]:
        """Yield all tasks with their services; one-off tasks come last and have none."""
        for service in self.service_controller.services.values():
            yield from ((service, task) for task in service.tasks)
        yield from ((None, task) for task in self.task_scheduler.one_off)

    def definition(self, call: EcsCall, name: str) -> Mapping[str, Any]:
        """Return an active task definition; raises ApiError."""
        try:
            found = self.moto.definition(call.region, name)
        except ClientError:
            raise ApiError("ClientException", "TaskDefinition not found.") from None
        if found.get("status", "ACTIVE") != "ACTIVE":
            raise ApiError("ClientException", "TaskDefinition is inactive")
        return found

    def cluster_arn(self, call: EcsCall) -> str:
        """Return the ARN of the call's cluster; raises ApiError if there is none."""
        for service in self.service_controller.services.values():
            if service.region == call.region and arn_name(service.cluster_arn) == call.cluster:
                return service.cluster_arn
        found = self.moto.cluster(call.region, call.cluster)
        if found is None:
            raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return found

    def find(self, call: EcsCall, name: str) -> EmulatedService | None:
        """Return a service by name or ARN; None if there is none."""
        for service in self.service_controller.services.values():
            if (service.region, arn_name(service.cluster_arn), service.name) == (
                call.region,
                call.cluster,
                arn_name(name),
            ):
                return service
        return None

    def service(self, call: EcsCall, name: str) -> EmulatedService:
        """Return a service by name or ARN; raises ApiError if there is none."""
        found = self.find(call, name)
        if found is None:
            self.cluster_arn(call)
            raise ApiError("ServiceNotFoundException", "Service not found.")
        return found


def page(
    found: Sequence[Any], content: Json, *, most: int, usual: int | None = None
) -> tuple[list[Any], Json]:
    """Return a page of a list, and the answer's `nextToken` if more follow."""
    token = content.get("nextToken") or "0"
    if not token.isdecimal():
        raise invalid("Invalid token.")
    wanted = content.get("maxResults", usual or most)
    if not 0 < wanted <= most:
        raise invalid(f"maxResults must be from 1 to {most}.")
    begin = int(token)
    end = begin + wanted
    return list(found[begin:end]), ({"nextToken": str(end)} if end < len(found) else {})
