"""The watch over task definitions, against moto's ECS and the definitions that prod declares."""

import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from copy import deepcopy
from io import BytesIO
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from arca.monitoring.definition_watch import UnknownDefinition, findings, handler
from tests.policies import of_role
from tests.stacks import STACKS, graph, settings_of

PULUMI = "arn:aws:sts::000000000000:assumed-role/arca-prod-infra/prod-infra-1"
RELEASE = "arn:aws:sts::000000000000:assumed-role/arca-prod-release/prod-release-1"
OTHER = RELEASE.replace("arca-prod-release", "arca-staging-release")


def archive(stack: str) -> zipfile.ZipFile:
    """Return the function's code as the stack uploads it."""
    code = graph(stack).one(
        "aws:s3/bucketObjectv2:BucketObjectv2", "observability-definition-watch"
    )
    return zipfile.ZipFile(BytesIO(b64decode(code.inputs["contentBase64"])))


def declared(stack: str = "prod") -> dict[str, Any]:
    """Return what the function compares with."""
    return json.loads(archive(stack).read("declared.json"))


class Ecs:
    """Moto's ECS, and who registered what, which moto does not keep."""

    def __init__(self) -> None:
        make = cast("Any", boto3.client)
        self._client = make("ecs", region_name="sa-east-1")
        self._by: dict[str, str] = {}

    def register(self, family: str, by: str, **changed: Any) -> None:
        """Register a revision as the stack declares it, with changes."""
        wanted = declared()["families"][family]
        content: dict[str, Any] = {
            "family": family,
            "containerDefinitions": deepcopy(wanted["containers"]),
            "executionRoleArn": wanted["executionRoleArn"],
            "taskRoleArn": wanted["taskRoleArn"],
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "512",
            "memory": "1024",
        }
        container = changed.pop("container", {})
        content.update(changed)
        content["containerDefinitions"][0].update(container)
        made = self._client.register_task_definition(**content)
        self._by[made["taskDefinition"]["taskDefinitionArn"]] = by

    def list_task_definitions(self, **asked: Any) -> dict[str, Any]:
        """Answer as ECS does; moto sorts upwards whatever it is asked."""
        listed = self._client.list_task_definitions(**asked)["taskDefinitionArns"]
        newest = sorted(listed, key=lambda arn: int(arn.rpartition(":")[2]), reverse=True)
        return {"taskDefinitionArns": newest if asked["sort"] == "DESC" else listed}

    def describe_task_definition(self, **asked: Any) -> dict[str, Any]:
        """Answer as moto does, with `registeredBy` as AWS has it."""
        content = self._client.describe_task_definition(**asked)["taskDefinition"]
        by = self._by[content["taskDefinitionArn"]]
        return {"taskDefinition": {**content, "registeredBy": by}}


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    """Return an ECS with what Pulumi registered."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        made = Ecs()
        for family in declared()["families"]:
            made.register(family, PULUMI)
        yield made


API, MIGRATIONS = "arca-prod-api", "arca-prod-migrations"
IMAGE = declared()["images"][0]
RELEASED = {"image": f"{IMAGE}@sha256:{'a' * 64}"}


def test_a_release_changes_the_version_of_an_image(ecs: Ecs) -> None:
    """Nothing is found, however many there are."""
    for family in (API, MIGRATIONS, API, API):
        ecs.register(family, RELEASE, container=RELEASED)
    assert list(findings(ecs, declared())) == []


STRANGE: Mapping[str, tuple[dict[str, Any], str]] = {
    "command": ({"container": {"command": ["env"]}}, 'has command ["env"]'),
    "entry point": ({"container": {"entryPoint": ["sh"]}}, 'has entryPoint ["sh"]'),
    "variable": (
        {"container": {"environment": [{"name": "LD_PRELOAD", "value": "/x"}]}},
        "has environment",
    ),
    "image": ({"container": {"image": "ghcr.io/evil/x:1"}}, "runs ghcr.io/evil/x:1"),
    "another repository": ({"container": {"image": f"{IMAGE}-2:1"}}, f"runs {IMAGE}-2:1"),
    "container": (
        {"containerDefinitions": [{"name": "evil", "image": f"{IMAGE}:1", "memory": 8}]},
        "container evil is unknown",
    ),
    "role": ({"executionRoleArn": "arn:aws:iam::1:role/x"}, "executionRoleArn is arn:aws"),
    "secret": (
        {"container": {"secrets": [{"name": "OWNER", "valueFrom": "arn:aws:x:owner"}]}},
        "reads [('OWNER', 'arn:aws:x:owner')]",
    ),
}


@pytest.mark.parametrize("family", [API, MIGRATIONS])
@pytest.mark.parametrize("name", STRANGE)
def test_whatever_else_a_release_registers_is_found(ecs: Ecs, name: str, family: str) -> None:
    """Also where a later release hides it."""
    changed, line = STRANGE[name]
    ecs.register(family, RELEASE, **deepcopy(changed))
    ecs.register(family, RELEASE, container=RELEASED)
    found = list(findings(ecs, declared()))
    assert found
    assert all(one.startswith(f"{family}:2, by {RELEASE}: ") for one in found)
    assert any(line in one for one in found), found


def test_what_pulumi_registers_is_the_stacks(ecs: Ecs) -> None:
    """It declares other commands when the settings change, and older releases fitted the older."""
    ecs.register(API, RELEASE, container={"command": ["old"]})
    assert list(findings(ecs, declared())) != []
    ecs.register(API, PULUMI, container={"command": ["new"]})
    assert list(findings(ecs, declared())) == []


def test_another_stacks_release_is_not_this_ones(ecs: Ecs) -> None:
    """The watch of a stack names its own release role."""
    ecs.register(API, OTHER, container={"command": ["env"]})
    assert list(findings(ecs, declared())) == []
    assert declared("dr")["releaser"] == ":assumed-role/arca-dr-release/"


def test_the_function_fails_where_something_is_found(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, ecs: Ecs
) -> None:
    """Its errors are what the alarm reads; the text is in its log."""
    archive("prod").extractall(tmp_path)
    module = "arca.monitoring.definition_watch"
    monkeypatch.setattr(f"{module}.__file__", str(tmp_path / "arca/monitoring/definition_watch.py"))

    def client(_: str) -> Ecs:
        return ecs

    monkeypatch.setattr(f"{module}.boto3.client", client)
    assert handler({}, None) == {"unknown": []}
    ecs.register(API, RELEASE, container={"command": ["env"]})
    with pytest.raises(UnknownDefinition, match=r"arca-prod-api:2, by .* has command"):
        handler({}, None)


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_has_the_watch_and_its_alarm(stack: str) -> None:
    """A standby too: its tasks read replicas of the primary's secrets."""
    name = "observability-definition-watch"
    function = graph(stack).one("aws:lambda/function:Function", name)
    schedule = graph(stack).one("aws:scheduler/schedule:Schedule", name)
    assert schedule.inputs["scheduleExpression"] == "rate(5 minutes)"
    assert set(archive(stack).namelist()) == {
        *("arca/__init__.py", "arca/monitoring/__init__.py"),
        *("arca/monitoring/definition_watch.py", "declared.json"),
    }
    if not settings_of(stack).observability.alarms:
        return
    alarm = graph(stack).one(
        "aws:cloudwatch/metricAlarm:MetricAlarm", "observability-definition-unknown"
    )
    assert alarm.inputs["dimensions"] == {"FunctionName": function.inputs["name"]}
    assert alarm.inputs["treatMissingData"] == "breaching"
    assert alarm.inputs["alarmActions"]
    actions = {one for s in of_role(graph(stack), name) for one in s["Action"]}
    assert {one for one in actions if not one.startswith("logs:")} == {
        *("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"),
    }
    families = graph(stack).outputs["service"]
    assert set(declared(stack)["families"]) == {
        *(families["task_family"], families["migration_family"]),
    }
