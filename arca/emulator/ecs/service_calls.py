"""The calls of ECS about services and clusters."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.ecs import responses, strategy
from arca.emulator.ecs.api import (
    DEPLOYED,
    LAUNCHED,
    STORED,
    ApiError,
    Json,
    invalid,
    structure,
    structures,
)
from arca.emulator.ecs.calls import EcsBackend, EcsCall


class ServiceCalls:
    """Answers the calls; where the service is not simulated, moto does."""

    def __init__(self, backend: EcsBackend) -> None:
        self._backend = backend

    def create(self, call: EcsCall) -> Json:
        """Answer CreateService."""
        backend, content = self._backend, call.content
        if backend.find(call, content.get("serviceName", "")) is not None:
            raise invalid("Creation of service was not idempotent.")
        if structure(content, "deploymentController").get("type", "ECS") != "ECS":
            return call.moto()
        _desired(content, 0)
        chosen = structure(content, "deploymentConfiguration")
        strategy.check_configuration(chosen)
        strategy.check_load_balancers(chosen, structures(content, "loadBalancers"))
        if "taskDefinition" not in content:
            raise invalid("taskDefinition must be specified.")
        definition = backend.definition(call, content["taskDefinition"])
        made = call.moto()["service"]
        now = backend.clock.now()
        service = backend.service_controller.create(
            made, call.region, content, definition, injected=tuple(backend.faults), at=now
        )
        return {"service": responses.describe_service(service, made)}

    def update(self, call: EcsCall) -> Json:
        """Answer UpdateService."""
        backend, content = self._backend, call.content
        service = backend.find(call, content["service"])
        if service is None:
            if backend.moto.was_deleted(call.region, call.cluster, content["service"]):
                raise ApiError("ServiceNotActiveException", "Service was not ACTIVE.")
            return call.moto()
        desired = _desired(content, service.desired)
        requested = structure(content, "deploymentConfiguration")
        configuration: Json = {**service.configuration, **requested}
        # Only the hooks of this call are checked: those of another strategy may stay.
        strategy.check_configuration(
            {**configuration, "lifecycleHooks": structures(requested, "lifecycleHooks")}
        )
        balancers = structures({**service.request, **content}, "loadBalancers")
        strategy.check_load_balancers(configuration, balancers)
        strategy.check_change(
            service.configuration, configuration, under_way=service.latest.under_way
        )
        shown = service.latest.leads_to
        wanted = content.get("taskDefinition")
        definition = backend.definition(call, wanted) if wanted else shown.definition
        answer = call.moto()
        now = backend.clock.now()
        changed = any(
            name in content and content[name] != service.request.get(name) for name in DEPLOYED
        )
        launched = {name: content[name] for name in LAUNCHED if name in content}
        shown.request = {**shown.request, **launched}
        service.request |= launched
        service.request |= {name: content[name] for name in (*DEPLOYED, *STORED) if name in content}
        service.request["deploymentConfiguration"] = configuration
        if desired != service.desired:
            backend.service_controller.scale(service, desired, now)
        if (
            changed
            or content.get("forceNewDeployment")
            or definition["taskDefinitionArn"] != shown.definition_arn
        ):
            backend.service_controller.deployments.begin(
                service, definition, tuple(backend.faults), now
            )
        return {"service": responses.describe_service(service, answer["service"])}

    def describe(self, call: EcsCall) -> Json:
        """Answer DescribeServices."""
        answer = call.moto()
        answer["services"] = [
            responses.describe_service(service, found)
            if (service := self._backend.service_controller.services.get(found["serviceArn"]))
            else found
            for found in answer["services"]
        ]
        return answer

    def delete(self, call: EcsCall) -> Json:
        """Answer DeleteService."""
        backend = self._backend
        service = backend.find(call, call.content["service"])
        if service is None:
            return call.moto()
        # Moto refuses to delete a service with tasks unless `force` is set.
        answer = call.moto()
        backend.service_controller.delete(service, backend.clock.now())
        return answer

    def clusters(self, call: EcsCall) -> Json:
        """Answer DescribeClusters with the numbers of what runs here."""
        answer = call.moto()
        for cluster in answer["clusters"]:
            arn = cluster["clusterArn"]
            states = [t.status for _, t in self._backend.all_tasks() if t.cluster_arn == arn]
            services = self._backend.service_controller.services.values()
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
