"""ECS's calls about services."""

from typing import Any

from botocore.exceptions import ClientError

from localcloud.controller import answers, strategy
from localcloud.controller.calls import Call, Json, World
from localcloud.controller.model import Service
from localcloud.controller.refusals import ApiError, invalid
from localcloud.controller.shapes import part

DEPLOYED = (
    "capacityProviderStrategy",
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)
"""Inputs of UpdateService that begin a deployment where they change something (Amazon ECS API
Reference, "UpdateService")."""
STORED = (
    "deploymentConfiguration",
    "availabilityZoneRebalancing",
    "placementConstraints",
    "placementStrategy",
)
"""Inputs that the next deployment reads."""


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
        strategy.check(part(content, "deploymentConfiguration"))
        made = call.moto()["service"]
        definition = world.outside.definition(call.region, made["taskDefinition"])
        now = world.clock.now()
        service = world.machine.create(made, call.region, content, definition, now)
        return {"service": answers.service(service, made)}

    def update(self, call: Call) -> Json:
        """UpdateService."""
        world, content = self._world, call.content
        service = world.find(call, content["service"])
        if service is None:
            return call.moto()
        desired = content.get("desiredCount", service.desired)
        if desired < 0:
            raise invalid("desiredCount must not be negative.")
        strategy.check(part(content, "deploymentConfiguration"))
        definition = self._definition(call, service)
        answer = call.moto()
        now = world.clock.now()
        configuration: Json = {
            **service.configuration,
            **part(content, "deploymentConfiguration"),
        }
        changed = any(
            name in content and content[name] != service.request.get(name) for name in DEPLOYED
        )
        service.request |= {name: content[name] for name in (*DEPLOYED, *STORED) if name in content}
        service.request["deploymentConfiguration"] = configuration
        if desired != service.desired:
            world.machine.scale(service, desired, now)
        shown = service.latest.leads_to
        if (
            changed
            or content.get("forceNewDeployment")
            or definition["taskDefinitionArn"] != shown.definition_arn
        ):
            world.machine.deployer.begin(service, definition, tuple(world.faults), now)
        return {"service": answers.service(service, answer["service"])}

    def _definition(self, call: Call, service: Service) -> Any:
        wanted = call.content.get("taskDefinition")
        if wanted is None:
            return service.latest.leads_to.definition
        try:
            found = self._world.outside.definition(call.region, wanted)
        except ClientError:
            raise ApiError("ClientException", "TaskDefinition not found.") from None
        if found.get("status") == "INACTIVE":
            raise ApiError("ClientException", "TaskDefinition is inactive")
        return found

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
        if service.desired and not call.content.get("force"):
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        call.content["force"] = True
        answer = call.moto()
        world.machine.remove(service, world.clock.now())
        return answer
