"""The service: deployments, what others set, and its tasks."""

import json
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from arca.emulator.program.engine import Registration
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.resources import CALLS
from arca.monitoring.catalogue import THRESHOLD_VARIABLES
from arca.monitoring.slo.objectives import read_objectives, thresholds
from components.service.deployment import exported
from components.service.spec import LinearSpec
from tests.changes import refusal
from tests.components.alone import alone
from tests.components.alone import service as declare_service
from tests.stacks import STACKS, graph, settings_of

SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
UNWATCHED: dict[str, Any] = {"enable": False, "rollback": False, "alarmNames": []}
PULUMI_RELEASES: dict[str, Any] = {"service.delegated": {"task_definition": False}}
"""Settings with which an update of the stack deploys, and `arca` does not."""
CONFIGURATION = get_session().get_service_model("ecs").shape_for("DeploymentConfiguration")


def service(stack: str, changes: dict[str, Any] | None = None) -> Registration:
    """Return the service as a stack declares it, or alone with changed settings."""
    declared = alone(declare_service, stack, changes) if changes else graph(stack)
    return declared.one(SERVICE)


def test_ask_3_native_canary_and_linear() -> None:
    """Both are ECS's own strategies and wait for smoke tests before production traffic moves."""
    hooks = [
        {
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            "targetType": "PAUSE",
            "timeoutConfiguration": {"timeoutInMinutes": "30", "action": "ROLLBACK"},
        }
    ]
    assert service("prod", PULUMI_RELEASES).inputs["deploymentConfiguration"] == {
        "strategy": "CANARY",
        "bakeTimeInMinutes": "15",
        "lifecycleHooks": hooks,
        "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": "10"},
    }
    linear: dict[str, Any] = {
        "service.deployment": {"strategy": "linear", "step_percent": 25, "step_minutes": 3},
        **PULUMI_RELEASES,
    }
    assert service("staging", linear).inputs["deploymentConfiguration"] == {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": "10",
        "lifecycleHooks": hooks,
        "linearConfiguration": {"stepPercent": 25, "stepBakeTimeInMinutes": "3"},
    }


def test_ask_4_the_pipeline_ships_images_and_memory_still_changes() -> None:
    """The program ignores the service's revision, and a changed template makes a new one."""
    assert "taskDefinition" in service("prod").ignore_changes
    task = graph("prod").one(TASK, "service")
    assert task.ignore_changes == ()
    assert (task.inputs["skipDestroy"], task.inputs["trackLatest"]) == (True, False)
    bigger = alone(declare_service, "prod", {"service.memory_mib": 4096})
    assert bigger.one(TASK, "service").inputs["memory"] == "4096"


def test_ask_5_the_count_is_left_alone_only_where_it_varies() -> None:
    """The program sets a fixed number of tasks; autoscaling sets a number within a range."""
    assert "desiredCount" in service("prod").ignore_changes
    fixed = {"service.scaling": {"min_tasks": 2, "max_tasks": 2}}
    declared = alone(declare_service, "staging", fixed)
    assert "desiredCount" not in declared.one(SERVICE).ignore_changes
    assert declared.of("aws:appautoscaling/target:Target") == []


def test_ask_6_each_ignore_is_a_setting_of_its_own() -> None:
    """Task definition and load balancers each have a setting that leaves them to others."""
    both = {"service.delegated": {"task_definition": False, "load_balancers": True}}
    assert service("prod", both).ignore_changes == ("desiredCount", "loadBalancers")


def test_ask_20_exec_with_a_read_only_root_needs_its_paths() -> None:
    """ECS Exec is refused without its writable paths, and mounts them otherwise."""
    assert "/var/lib/amazon" in refusal("dev", {"service.execute_command": True})
    paths = {
        "service.execute_command": True,
        "service.writable_paths": ["/tmp", "/var/lib/amazon", "/var/log/amazon"],
    }
    declared = alone(declare_service, changes=paths)
    assert declared.one(SERVICE).inputs["enableExecuteCommand"] is True
    task = declared.one(TASK, "service").inputs
    mounts = json.loads(task["containerDefinitions"])[0]["mountPoints"]
    assert [mount["containerPath"] for mount in mounts] == paths["service.writable_paths"]


def test_every_stack_tells_the_service_what_is_fast() -> None:
    """The thresholds of the objectives are variables, on standby too, and nobody else sets them."""
    limits = thresholds(read_objectives())
    assert set(limits) == set(THRESHOLD_VARIABLES)
    for stack in STACKS:
        values = {
            node.inputs["name"]: node.inputs["value"]
            for node in graph(stack).of("aws:ssm/parameter:Parameter")
        }
        for variable, limit_ms in limits.items():
            assert values[f"/arca-{stack}/{variable}"] == str(limit_ms)
    for variable in THRESHOLD_VARIABLES:
        said = refusal("dev", {"service.environment": {variable: "10"}})
        assert variable in said
        assert "a name that the platform does not set itself" in said


@pytest.mark.parametrize("stack", STACKS)
def test_the_exports_have_what_is_declared(stack: str) -> None:
    """`arca` passes the exports' configuration to ECS, so it is the one that the program sets."""
    inputs = service(stack, PULUMI_RELEASES).inputs
    (create, *_) = CALLS[SERVICE]
    declared = to_api_parameters(create.params(inputs)["deploymentConfiguration"], CONFIGURATION)
    found = graph(stack).outputs["service"]["deployment_configuration"]
    declared["alarms"]["alarmNames"] = found["alarms"]["alarmNames"]
    assert {"lifecycleHooks": [], "alarms": UNWATCHED, **declared} == found
    validate_parameters(found, CONFIGURATION)


def test_a_linear_configuration_is_exported_too() -> None:
    """No stack is linear, but an owner's may be, without a pause and without alarms."""
    spec = settings_of("staging").service.model_copy(
        update={"deployment": LinearSpec(step_percent=25, step_minutes=3, pause_minutes=0)}
    )
    found = exported(spec, [])
    assert found["linearConfiguration"] == {"stepPercent": 25, "stepBakeTimeInMinutes": 3}
    assert (found["strategy"], found["lifecycleHooks"]) == ("LINEAR", [])
    assert found["alarms"] == UNWATCHED
    validate_parameters(found, CONFIGURATION)


@pytest.mark.parametrize("stack", STACKS)
def test_the_exports_have_the_declared_capacity(stack: str) -> None:
    """`arca` passes it to ECS with each release, and Pulumi sets it at creation alone."""
    declared = service(stack)
    found = graph(stack).outputs["service"]["capacity_provider_strategy"]
    (create, *_) = CALLS[SERVICE]
    created = create.params(declared.inputs)["capacityProviderStrategy"]
    assert [{"base": 0, **one} for one in created] == found
    update: Any = get_session().get_service_model("ecs").operation_model("UpdateService")
    request = {"cluster": "c", "service": "s", "capacityProviderStrategy": found}
    validate_parameters(request, update.input_shape)


def test_the_cluster_has_the_capacity_first() -> None:
    """ECS refuses a service whose capacity providers its cluster does not have."""
    assert any("clusterCapacityProviders" in urn for urn in service("dev").dependencies)


def test_a_standby_is_healthy_while_it_lives() -> None:
    """It answers that it is not ready, and ECS would replace its tasks for ever."""
    for stack, path in (("prod", "/health/ready"), ("dr", "/health/live")):
        groups = graph(stack).of("aws:lb/targetGroup:TargetGroup")
        assert {group.inputs["healthCheck"]["path"] for group in groups} == {path}
    assert "standby-no-healthy-tasks" in graph("dr").outputs["observability"]["alarm_names"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_fresh_service_waits_for_its_first_release(stack: str) -> None:
    """Its image and the owner's secrets come later, and nobody answers a pause."""
    inputs, outputs = service(stack).inputs, graph(stack).outputs["service"]
    created = inputs["deploymentConfiguration"]
    assert created == {
        "strategy": "ROLLING" if stack == "dev" else "BLUE_GREEN",
        "bakeTimeInMinutes": "0",
    }
    # The standby's only task starts by itself: prod has the image and the secrets already.
    assert inputs["desiredCount"] == (1 if stack == "dr" else 0)
    assert outputs["min_tasks"] == settings_of(stack).service_now.scaling.min_tasks
