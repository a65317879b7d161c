"""The deployment configuration: that of an emergency, and the way back to the declared one."""

from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from arca.release import configuration, smoke_tests
from arca.stack import Stack
from tests.arca.emulator.ecs.emulated_ecs import STEPS
from tests.arca.release.failing import Killed, denied, killer
from tests.arca.release.stage import Arca, Stage, printed_json

UPDATE: Any = get_session().get_service_model("ecs").operation_model("UpdateService").input_shape


def used(stage: Stage) -> Any:
    """Return the deployment configuration that the service has now."""
    return stage.cloud.service()["deploymentConfiguration"]


@pytest.mark.parametrize("strategy", STEPS)
def test_the_configuration_of_an_emergency(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """It is all at once, and botocore's model of ECS takes it."""
    stage = Stage(monkeypatch, strategy=strategy)
    service = stage.service()
    found = configuration.emergency(service)
    assert found["strategy"] == ("ROLLING" if strategy == "ROLLING" else "BLUE_GREEN")
    assert (found["bakeTimeInMinutes"], found["lifecycleHooks"]) == (0, [])
    assert found["alarms"] == {"alarmNames": [], "enable": False, "rollback": False}
    assert not {"canaryConfiguration", "linearConfiguration"} & {*found}
    assert ("deploymentCircuitBreaker" in found) == (strategy == "ROLLING")
    for one in (found, configuration.declared(service)):
        request = {**service.names, "taskDefinition": "api:1", "deploymentConfiguration": one}
        validate_parameters(request, UPDATE)


@pytest.mark.parametrize("strategy", STEPS)
def test_a_rollback_at_once(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """It has one step, no pause, no bake and no alarm, and the declared configuration comes back.

    Giving it back begins no deployment.
    """
    stage = Stage(monkeypatch, strategy=strategy)
    arca = stage.commands(monkeypatch)
    stage.push("2")
    declared = used(stage)
    arca("deploy", "2")
    assert used(stage) == declared
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.alarm("ALARM")
    result = arca("rollback", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (0, "live"), result.output
    assert "production 10%" not in result.stderr
    assert "  paused" not in result.stderr
    assert stage.serves() == ({"api:1"}, {"api:1"})
    assert len(stage.service().deployments()) == 3
    ended = stage.cloud.deployment()
    assert ended["deploymentConfiguration"]["bakeTimeInMinutes"] == 0
    assert ended["alarms"]["status"] == "DISABLED"
    assert configuration.undeclared(stage.service(), stage.cloud.service()) == ()
    assert used(stage) == declared


def test_a_rollback_at_once_that_ecs_refuses(stage: Stage, arca: Arca) -> None:
    """The rollback goes on gradually and says so, and the journal knows it."""
    arca("deploy", "2")
    content: Any = {
        "Error": {"Code": "InvalidParameterException", "Message": "no bake time of 0"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    kinds = stage.service().ecs.exceptions
    refusals = [kinds.InvalidParameterException(content, "UpdateService")]
    kept: list[bool] = []

    def refuse(call: str) -> None:
        if call == "ecs.update_service" and refusals:
            raise refusals.pop()
        if call == "ecs.describe_service_deployments" and stage.journal:
            kept.append(stage.journal["wishes"]["emergency"])

    stage.before = refuse
    result = arca("rollback", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (0, "live"), result.output
    assert "so the rollback is gradual: " in result.stderr
    assert "no bake time of 0" in result.stderr
    assert "production 10%" in result.stderr
    assert kept[-1] is False
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_a_gradual_rollback(stage: Stage, arca: Arca) -> None:
    """With --gradual the deployment is the stack's own."""
    arca("deploy", "2")
    result = arca("rollback", "--gradual", "--json")
    assert result.exit_code == 0
    assert "production 10%" in result.stderr
    assert "  paused" in result.stderr
    assert stage.cloud.deployment()["deploymentConfiguration"] == used(stage)


def emergency_left(stage: Stage, arca: Arca) -> None:
    """Leave the configuration of an emergency: kill a rollback while its deployment runs."""
    arca("deploy", "2")
    stage.after = killer("ecs.update_service")
    with pytest.raises(Killed):
        arca("rollback")
    stage.after = lambda _call: None
    stage.abandon()


def test_the_next_release_has_its_canary_again(stage: Stage, arca: Arca) -> None:
    """Whoever was killed, the next release passes the declared configuration; `status` says so."""
    declared = used(stage)
    emergency_left(stage, arca)
    stage.cloud.advance(60)
    assert used(stage)["strategy"] == "BLUE_GREEN"
    found = printed_json(arca("status", "--json"))["undeclared"]
    assert "strategy is BLUE_GREEN, declared CANARY" in found
    assert {one.partition(" ")[0] for one in found} == {
        *("strategy", "bakeTimeInMinutes", "lifecycleHooks", "alarms")
    }
    assert "undeclared  strategy is BLUE_GREEN, declared CANARY" in arca("status").stdout
    assert arca("stop").exit_code == 0
    stage.push("3")
    result = arca("deploy", "3")
    assert result.exit_code == 0
    assert "production 10%" in result.stderr
    assert used(stage) == declared
    assert printed_json(arca("status", "--json"))["undeclared"] == []


def test_a_resumed_emergency_is_one(stage: Stage, arca: Arca) -> None:
    """A rollback that was killed before ECS was asked goes on as it began."""
    declared = used(stage)
    arca("deploy", "2")
    stage.before = killer("ecs.update_service")
    with pytest.raises(Killed):
        arca("rollback")
    stage.before = lambda _call: None
    stage.abandon()
    result = arca("deploy", "--resume", "--json")
    assert printed_json(result)["verdict"] == "live"
    assert "production 10%" not in result.stderr
    assert used(stage) == declared
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_a_configuration_that_cannot_be_restored(stage: Stage, arca: Arca) -> None:
    """The verdict stays; a line says what is left, and who restores it."""
    arca("deploy", "2")

    def refuse_second(call: str) -> None:
        if call == "ecs.update_service":
            denied(stage, call)

    stage.after = refuse_second
    result = arca("rollback", "--json")
    stage.after = stage.before = lambda _call: None
    assert (result.exit_code, printed_json(result)["verdict"]) == (0, "live"), result.output
    assert "The declared deployment configuration cannot be restored" in result.stderr
    assert "The next `arca deploy` restores it." in result.stderr
    assert used(stage)["strategy"] == "BLUE_GREEN"


def test_smoke_tests_bring_no_bad_release_back(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an outage they may fail for another reason; they judge the rollback, and stop nothing."""
    arca("deploy", "2")
    # So slow that a look falls between the shift and the end.
    stage.clock.minutes = 0.5

    def fails(_stack: Stack, _say: object) -> str:
        return "smoke tests failed"

    monkeypatch.setattr(smoke_tests, "check_after_shift", fails)
    result = arca("rollback", "--json")
    said = printed_json(result)
    assert (result.exit_code, said["verdict"]) == (1, "failed")
    assert said["reason"].endswith("it is live all the same, and smoke tests failed")
    assert "ecs.stop_service_deployment" not in stage.calls
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_dead_tasks_end_an_emergency(stage: Stage, arca: Arca) -> None:
    """Where the previous release does not start, its deployment ends, and the code says so."""
    arca("deploy", "2")
    stage.cloud.fault("exits", image=f"{stage.stack.outputs.registry.repository_url}:1", code=9)
    result = arca("rollback", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (7, "another serves")
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_exports_from_before_the_configuration(stage: Stage, arca: Arca) -> None:
    """Without a declared configuration there is none to return to: the rollback is gradual."""
    service = stage.stack.outputs.service.model_copy(update={"deployment_configuration": {}})
    outputs = stage.stack.outputs.model_copy(update={"service": service})
    stage.stack = Stack(stage.stack.name, outputs, stage.stack.endpoint)
    declared = used(stage)
    arca("deploy", "2")
    assert printed_json(arca("rollback", "--dry-run", "--json"))["way"] == "gradual"
    assert "production 10%" in arca("rollback").stderr
    assert used(stage) == declared
    assert printed_json(arca("status", "--json"))["undeclared"] == []


def described(stage: Stage, **changes: Any) -> dict[str, Any]:
    """Return DescribeServices' answer with another configuration."""
    return {"deploymentConfiguration": {**used(stage), **changes}}


def test_what_ecs_adds_is_no_difference(stage: Stage) -> None:
    """ECS may sort alarms, fill in defaults, and leave out what is empty."""
    service = stage.service()
    alarms = used(stage)["alarms"]
    backwards = {**alarms, "alarmNames": alarms["alarmNames"][::-1]}
    hook: dict[str, Any] = {**used(stage)["lifecycleHooks"][0], "hookDetails": None}
    hooks = [hook]
    same = described(stage, alarms=backwards, lifecycleHooks=hooks, maximumPercent=200)
    assert configuration.undeclared(service, same) == ()
    for name, value in (("lifecycleHooks", None), ("alarms", {**alarms, "enable": False})):
        (difference,) = configuration.undeclared(service, described(stage, **{name: value}))
        assert difference.startswith(f"{name} is ")


def test_a_release_brings_the_declared_capacity(stage: Stage, arca: Arca) -> None:
    """The tasks of the new revision run where the stack's file says."""
    wanted = [{"capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 3}]
    service = stage.stack.outputs.service.model_copy(update={"capacity_provider_strategy": wanted})
    outputs = stage.stack.outputs.model_copy(update={"service": service})
    stage.stack = Stack(stage.stack.name, outputs, stage.stack.endpoint)
    before = stage.cloud.service()["capacityProviderStrategy"]
    arca("deploy", "2")
    after = stage.cloud.service()["capacityProviderStrategy"]
    assert (before != wanted, after) == (True, wanted)
