"""ECS's calls about services."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.ecs import answers, strategy
from arca.emulator.ecs.calls import Call, Json, World
from arca.emulator.ecs.refusals import ApiError, invalid
from arca.emulator.ecs.shapes import DEPLOYED, LAUNCHED, STORED, part, parts


class ServiceCalls:
    """The calls."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self, call: Call) -> Json:
        """CreateService."""
        world, content = self._world, call.content
        if world.find(call, content.get("serviceName", "")) is not None:
            raise invalid("Creation of service was not idempotent.")
        if part(content, "deploymentController").get("type", "ECS") != "ECS":
            return call.moto()
        _desired(content, 0)
        strategy.check(part(content, "deploymentConfiguration"))
        if "taskDefinition" not in content:
            raise invalid("taskDefinition must be specified.")
        definition = world.definition(call, content["taskDefinition"])
        made = call.moto()["service"]
        now, broken = world.clock.now(), tuple(world.faults)
        service = world.machine.create(
            made, call.region, content, definition, broken=broken, at=now
        )
        return {"service": answers.service(service, made)}

    def update(self, call: Call) -> Json:
        """UpdateService."""
        world, content = self._world, call.content
        service = world.find(call, content["service"])
        if service is None:
            if world.outside.gone(call.region, call.cluster, content["service"]):
                raise ApiError("ServiceNotActiveException", "Service was not ACTIVE.")
            return call.moto()
        desired = _desired(content, service.desired)
        asked = part(content, "deploymentConfiguration")
        configuration: Json = {**service.configuration, **asked}
        # Hooks that are kept from another strategy are left alone.
        strategy.check({**configuration, "lifecycleHooks": parts(asked, "lifecycleHooks")})
        shown = service.latest.leads_to
        wanted = content.get("taskDefinition")
        definition = world.definition(call, wanted) if wanted else shown.definition
        answer = call.moto()
        now = world.clock.now()
        changed = any(
            name in content and content[name] != service.request.get(name) for name in DEPLOYED
        )
        launched = {name: content[name] for name in LAUNCHED if name in content}
        shown.request = {**shown.request, **launched}
        service.request |= launched
        service.request |= {name: content[name] for name in (*DEPLOYED, *STORED) if name in content}
        service.request["deploymentConfiguration"] = configuration
        if desired != service.desired:
            world.machine.scale(service, desired, now)
        if (
            changed
            or content.get("forceNewDeployment")
            or definition["taskDefinitionArn"] != shown.definition_arn
        ):
            world.machine.deployer.begin(service, definition, tuple(world.faults), now)
        return {"service": answers.service(service, answer["service"])}

    def describe(self, call: Call) -> Json:
        """DescribeServices."""
        answer = call.moto()
        answer["services"] = [
            answers.service(service, found)
            if (service := self._world.machine.services.get(found["serviceArn"]))
            else found
            for found in answer["services"]
        ]
        return answer

    def delete(self, call: Call) -> Json:
        """DeleteService."""
        world = self._world
        service = world.find(call, call.content["service"])
        if service is None:
            return call.moto()
        # Moto refuses it where tasks are wanted and no force is used.
        answer = call.moto()
        world.machine.remove(service, world.clock.now())
        return answer

    def clusters(self, call: Call) -> Json:
        """DescribeClusters, with what runs in them: moto counts what it was told to run."""
        answer = call.moto()
        for cluster in answer["clusters"]:
            arn = cluster["clusterArn"]
            states = [t.status for _, t in self._world.tasks() if t.cluster_arn == arn]
            services = self._world.machine.services.values()
            cluster |= {
                "runningTasksCount": states.count("RUNNING"),
                "pendingTasksCount": states.count("PROVISIONING"),
                "activeServicesCount": sum(one.cluster_arn == arn for one in services),
            }
        return answer


def _desired(content: Mapping[str, Any], otherwise: int) -> int:
    desired = content.get("desiredCount", otherwise)
    if desired < 0:
        raise invalid("desiredCount must not be negative.")
    return desired
