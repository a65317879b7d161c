"""Tests of ECS's calls as a client makes them: lists, ARNs, bodies, concurrent calls."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.test import Client

from arca.emulator.ecs.calls import EcsCall
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, NEW, REGION, SERVICE, Emulated, ended

SCOPE = f"AWS4-HMAC-SHA256 Credential=emulated/20260101/{REGION}/ecs/aws4_request"


def three(cloud: Emulated) -> list[str]:
    """Make three deployments: the first, a stopped one, and one in progress."""
    cloud.create_service()
    made = [cloud.service()["currentServiceDeployment"]]
    cloud.advance(1)
    made.append(cloud.deploy(NEW))
    cloud.advance(1)
    made.append(cloud.deploy("registry/api:3"))
    return made


def listed(cloud: Emulated, **filters: Any) -> list[str]:
    """Return the ARNs that ListServiceDeployments gives."""
    answer = cloud.client("ecs").list_service_deployments(
        cluster=CLUSTER, service=SERVICE, **filters
    )
    return [one["serviceDeploymentArn"] for one in answer["serviceDeployments"]]


def raw(cloud: Emulated, operation: str, body: bytes) -> tuple[int, Any]:
    """Make a call without a client's checks; returns the status and the JSON."""
    answer = Client(cloud.wsgi).post(
        "/",
        data=body,
        headers={
            "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
            "Authorization": SCOPE,
        },
    )
    return answer.status_code, json.loads(answer.get_data())


def test_filters_of_a_list(cloud: Emulated) -> None:
    """A list is filtered by status and by time; the latest deployment comes first."""
    first, second, third = three(cloud)
    assert listed(cloud) == [third, second, first]
    assert listed(cloud, status=["STOPPED"]) == [second]
    assert listed(cloud, status=["SUCCESSFUL", "STOPPED"]) == [second, first]
    created = cloud.deployment(second)["createdAt"]
    little = timedelta(seconds=1)
    assert listed(cloud, createdAt={"after": created - little}) == [third, second]
    assert listed(cloud, createdAt={"before": created + little}) == [second, first]
    assert listed(cloud, createdAt={"after": cloud.clock.now() + timedelta(days=1)}) == []


def test_pages(cloud: Emulated) -> None:
    """A page has at most `maxResults` items and a token; invalid values are refused."""
    made = three(cloud)
    ecs, names = cloud.client("ecs"), {"cluster": CLUSTER, "service": SERVICE}
    found, token = list[str](), {}
    for size in (2, 1):
        answer = ecs.list_service_deployments(**names, maxResults=2, **token)
        assert len(answer["serviceDeployments"]) == size
        found += [one["serviceDeploymentArn"] for one in answer["serviceDeployments"]]
        token = {"nextToken": answer.get("nextToken")}
    assert token == {"nextToken": None}
    assert found == made[::-1]
    for most in (-1, 0, 101):
        with pytest.raises(ClientError, match="maxResults must be from 1 to 100"):
            ecs.list_service_deployments(**names, maxResults=most)
        with pytest.raises(ClientError, match="maxResults must be from 1 to 100"):
            ecs.list_tasks(cluster=CLUSTER, maxResults=most)
    for wrong in ("-1", "x"):
        with pytest.raises(ClientError, match="Invalid token"):
            ecs.list_tasks(cluster=CLUSTER, nextToken=wrong)


def test_a_page_of_usual_length(cloud: Emulated) -> None:
    """A page has twenty deployments by default."""
    cloud.create_service(desired=0)
    for _ in range(20):
        cloud.client("ecs").update_service(
            cluster=CLUSTER, service=SERVICE, forceNewDeployment=True
        )
    assert len(listed(cloud)) == 20
    assert len(listed(cloud, maxResults=100)) == 21


def test_another_region_knows_nothing(cloud: Emulated) -> None:
    """Another region finds neither the deployment nor the revision, and stops none."""
    cloud.create_service()
    arn = cloud.deploy(NEW)
    revision = cloud.deployment(arn)["targetServiceRevision"]["arn"]
    other = cloud.client("ecs", region="us-east-1")
    answer = other.describe_service_deployments(serviceDeploymentArns=[arn])
    assert answer["serviceDeployments"] == []
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]
    answer = other.describe_service_revisions(serviceRevisionArns=[revision])
    assert answer["failures"] == [{"arn": revision, "reason": "MISSING"}]
    with pytest.raises(other.exceptions.ServiceDeploymentNotFoundException):
        other.stop_service_deployment(serviceDeploymentArn=arn)
    with pytest.raises(other.exceptions.ServiceDeploymentNotFoundException):
        other.continue_service_deployment(serviceDeploymentArn=arn, hookId="h")
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


def test_what_is_no_arn(cloud: Emulated) -> None:
    """An invalid ARN is refused and not reported as missing."""
    cloud.create_service()
    ecs, service = cloud.client("ecs"), cloud.service()["serviceArn"]
    invalid = pytest.raises(ClientError, match=r"Invalid .* ARN")
    for wrong in ("x", service):
        with invalid:
            ecs.describe_service_deployments(serviceDeploymentArns=[wrong])
        with invalid:
            ecs.describe_service_revisions(serviceRevisionArns=[wrong])
        with invalid:
            ecs.stop_service_deployment(serviceDeploymentArn=wrong)
    with invalid:
        ecs.describe_tasks(cluster=CLUSTER, tasks=[service])


def test_so_many_at_once(cloud: Emulated) -> None:
    """At most a hundred tasks and twenty deployments are described, and at least one."""
    cloud.create_service()
    ecs, arn = cloud.client("ecs"), cloud.service()["currentServiceDeployment"]
    assert len(ecs.describe_tasks(cluster=CLUSTER, tasks=["x"] * 100)["failures"]) == 100
    for number in (0, 101):
        with pytest.raises(ClientError, match="at most 100"):
            ecs.describe_tasks(cluster=CLUSTER, tasks=["x"] * number)
    for number in (0, 21):
        with pytest.raises(ClientError, match="From 1 to 20"):
            ecs.describe_service_deployments(serviceDeploymentArns=[arn] * number)


@pytest.mark.parametrize("kind", ["ROLLBACK", "ABORT"])
def test_what_has_ended_cannot_be_stopped(cloud: Emulated, kind: str) -> None:
    """Stopping an ended deployment is a conflict and changes nothing."""
    cloud.create_service()
    arn = cloud.deploy(NEW)
    found = cloud.until(ended)
    ecs = cloud.client("ecs")
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType=kind)
    cloud.advance(5)
    assert cloud.deployment(arn) == found


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("DescribeTasks", b"{half", "SerializationException"),
        ("DescribeTasks", b"[]", "InvalidParameterException"),
        ("DescribeTasks", b"{}", "InvalidParameterException"),
        ("DescribeTasks", b'{"tasks": null}', "InvalidParameterException"),
        ("DescribeTasks", b'{"tasks": "x"}', "InvalidParameterException"),
        ("UpdateService", b'{"service": "s", "desiredCount": "2"}', "InvalidParameterException"),
        ("StopServiceDeployment", b"{}", "InvalidParameterException"),
        ("GetTaskProtection", b'{"cluster": "c"}', "UnsupportedFeatureException"),
        (
            "UpdateTaskProtection",
            b'{"cluster": "c", "tasks": [], "protectionEnabled": true}',
            "UnsupportedFeatureException",
        ),
    ],
)
def test_a_body_that_makes_no_sense(
    cloud: Emulated, operation: str, body: bytes, code: str
) -> None:
    """The server checks bodies itself and answers with a JSON error."""
    status, answer = raw(cloud, operation, body)
    assert (status, answer["__type"]) == (400, code)
    assert answer["message"]


def test_members_that_nobody_knows_yet(cloud: Emulated) -> None:
    """Unknown members and null members are ignored."""
    cloud.create_service()
    body = json.dumps({"cluster": CLUSTER, "family": None, "newerThanThis": {"a": 1}})
    status, answer = raw(cloud, "ListTasks", body.encode())
    assert (status, len(answer["taskArns"])) == (200, 2)


def test_a_controller_that_breaks_says_so(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the emulator is answered in the API's shape with status 500."""

    def broken(_call: EcsCall) -> None:
        raise KeyError("x")

    monkeypatch.setitem(cloud.application.calls, "ListTasks", broken)
    status, answer = raw(cloud, "ListTasks", b"{}")
    assert (status, answer["__type"]) == (500, "ServerException")
    assert answer["message"] == "The controller failed: KeyError('x') (simulated)"


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeClusters",
        "DescribeTaskDefinition",
        "ListServices",
        "ListTaskDefinitions",
        "RegisterTaskDefinition",
    ],
)
def test_throttling_concerns_every_call(cloud: Emulated, operation: str) -> None:
    """Throttling also concerns calls of ECS that moto answers; no other service."""
    cloud.create_service()
    cloud.fault("throttle", calls=1)
    cloud.client("logs").describe_log_groups()
    assert raw(cloud, operation, b"{}")[1]["__type"] == "ThrottlingException"
    assert cloud.control("GET", "/arca/faults")[1]["faults"] == []
    assert cloud.service()["runningCount"] == 2
