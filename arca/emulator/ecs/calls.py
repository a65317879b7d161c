"""What the calls of ECS share: who is asked for, what moto says, how pages are cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.machine import Machine
from arca.emulator.ecs.model import Service, Task
from arca.emulator.ecs.names import last
from arca.emulator.ecs.outside import Outside
from arca.emulator.ecs.refusals import ApiError, invalid
from arca.emulator.ecs.scheduler import Scheduler

Json = dict[str, Any]
Moto = Callable[[], Json]
"""What moto answers to the same call; raises what moto refuses."""


@dataclass(frozen=True)
class Call:
    """A call as it came."""

    region: str
    content: Json
    moto: Moto

    @property
    def cluster(self) -> str:
        """The cluster's name; `default` where none is named."""
        return last(self.content.get("cluster", "default"))


@dataclass
class World:
    """All that the calls work on."""

    machine: Machine
    scheduler: Scheduler
    outside: Outside
    clock: Clock
    faults: list[Any] = field(default_factory=list[Any])
    """What deployments that begin now meet with."""

    def tasks(self) -> Iterator[tuple[Service | None, Task]]:
        """All tasks, those of services first."""
        for service in self.machine.services.values():
            yield from ((service, task) for task in service.tasks)
        yield from ((None, task) for task in self.scheduler.one_off)

    def definition(self, call: Call, name: str) -> Mapping[str, Any]:
        """A task definition that may be run; raises ApiError."""
        try:
            found = self.outside.definition(call.region, name)
        except ClientError:
            raise ApiError("ClientException", "TaskDefinition not found.") from None
        if found.get("status", "ACTIVE") != "ACTIVE":
            raise ApiError("ClientException", "TaskDefinition is inactive")
        return found

    def cluster_arn(self, call: Call) -> str:
        """The ARN of a cluster that is there; raises ApiError."""
        for service in self.machine.services.values():
            if service.region == call.region and last(service.cluster_arn) == call.cluster:
                return service.cluster_arn
        found = self.outside.cluster(call.region, call.cluster)
        if found is None:
            raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return found

    def find(self, call: Call, name: str) -> Service | None:
        """A service by name or ARN."""
        for service in self.machine.services.values():
            if (service.region, last(service.cluster_arn), service.name) == (
                call.region,
                call.cluster,
                last(name),
            ):
                return service
        return None

    def service(self, call: Call, name: str) -> Service:
        """A service that is there; raises ApiError."""
        found = self.find(call, name)
        if found is None:
            self.cluster_arn(call)
            raise ApiError("ServiceNotFoundException", "Service not found.")
        return found


def page(
    found: Sequence[Any], content: Json, *, most: int, usual: int | None = None
) -> tuple[list[Any], Json]:
    """A page of a list, and the member that leads to the next one."""
    token = content.get("nextToken") or "0"
    if not token.isdecimal():
        raise invalid("Invalid token.")
    wanted = content.get("maxResults", usual or most)
    if not 0 < wanted <= most:
        raise invalid(f"maxResults must be from 1 to {most}.")
    begin = int(token)
    end = begin + wanted
    return list(found[begin:end]), ({"nextToken": str(end)} if end < len(found) else {})
