"""What a stand-in's environment says: secrets, parameters, and where the addresses lead."""

import json
import sys
from itertools import count
from typing import Any

import pytest

from arca.emulator.ecs.places import Places
from tests.arca.emulator.ecs.emulated_ecs import (
    CLUSTER,
    GROUP,
    SECONDS,
    SERVICE,
    Emulated,
    wait_for,
)

IMAGE = "registry/api:1"
NUMBERS = count()
SERVER = """
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    connection.recv(9999)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    connection.close()
"""
HOST, PLACE = "db.sa-east-1.rds.amazonaws.com", "127.0.0.1:40001"


def secrets(cloud: Emulated) -> list[dict[str, str]]:
    """Make a secret and parameters; returns a container's reference to each."""
    made = cloud.client("secretsmanager").create_secret(
        Name=f"db-{next(NUMBERS)}", SecretString=json.dumps({"password": "p:w"})
    )["ARN"]
    found = [{"name": "DATABASE_PASSWORD", "valueFrom": f"{made}:password::"}]
    for name, value in {"DATABASE_HOST": HOST, "DATABASE_PORT": "5432"}.items():
        cloud.client("ssm").put_parameter(
            Name=f"/t/{name}", Value=value, Type="String", Overwrite=True
        )
        arn = f"arn:aws:ssm:sa-east-1:123456789012:parameter/t/{name}"
        found.append({"name": name, "valueFrom": arn})
    return found


def ran(cloud: Emulated, words: list[str], **container: Any) -> tuple[dict[str, Any], list[str]]:
    """Run a one-off task to its end; returns its description and its lines."""
    cloud.create_service(strategy="ROLLING", desired=0, image=IMAGE)
    definition = cloud.register(IMAGE, family="once", **container)
    task = cloud.client("ecs").run_task(
        cluster=CLUSTER,
        taskDefinition=definition,
        networkConfiguration=cloud.network,
        overrides={"containerOverrides": [{"name": "api", "command": words}]},
    )["tasks"][0]["taskArn"]

    def description() -> dict[str, Any]:
        cloud.advance(0.1)
        return cloud.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[task])["tasks"][0]

    wait_for(lambda: description()["lastStatus"] == "STOPPED", "its end")
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    lines = [
        event["message"]
        for stream in streams
        if stream["logStreamName"].endswith(task.rpartition("/")[2])
        for event in logs.get_log_events(
            logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]
    return description(), lines


def test_secrets_addresses_and_urls(cloud: Emulated) -> None:
    """A process gets what ECS gives a container, with this machine's places in it."""
    cloud.control(
        "PUT",
        "/arca/places",
        {"places": {f"{HOST}:5432": PLACE, "lb.example:8443": "127.0.0.1:40002"}},
    )
    script = 'echo "$DATABASE_PASSWORD $DATABASE_HOST $DATABASE_PORT $ONLY_HERE $STAGE $1 $2"'
    stand_in = {"image": IMAGE, "command": ["sh", "-c", script, "sh"]}
    cloud.control("PUT", "/arca/images", {**stand_in, "environment": {"ONLY_HERE": "1"}})
    _, lines = ran(
        cloud, ["https://lb.example:8443/x", "https://other.example/"], secrets=secrets(cloud)
    )
    assert lines == ["p:w 127.0.0.1 40001 1 test http://127.0.0.1:40002/x https://other.example/"]


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("{db}:username::", "did not contain json key username"),
        ("arn:aws:ssm:sa-east-1:123456789012:parameter/t/none", "invalid ssm parameters: /t/none"),
    ],
)
def test_a_value_that_is_not_there(cloud: Emulated, secret: str, said: str) -> None:
    """The task does not start, and says why."""
    cloud.control("PUT", "/arca/images", {"image": IMAGE, "command": ["true"]})
    arn = secrets(cloud)[0]["valueFrom"].removesuffix(":password::")
    wrong = [{"name": "A", "valueFrom": secret.replace("{db}", arn)}]
    task, lines = ran(cloud, [], secrets=wrong)
    assert (task["stopCode"], lines) == ("TaskFailedToStart", [])
    assert said in task["stoppedReason"]


def test_a_secret_may_not_choose_what_runs(cloud: Emulated) -> None:
    """A secret's variable is reserved as a plain one is."""
    definition = {**secrets(cloud)[0], "name": "LD_PRELOAD"}
    with pytest.raises(Exception, match="The variable LD_PRELOAD"):
        ran(cloud, [], secrets=[definition])


def test_only_a_known_address_is_changed() -> None:
    """A port follows the host that it belongs to, and nothing else is touched."""
    places = Places()
    places.known = {"cache.example:6379": "127.0.0.1:1"}
    given = {
        "CACHE_HOST": "cache.example",
        "CACHE_PORT": "6379",
        "DATABASE_HOST": "db.example",
        "DATABASE_PORT": "5432",
        "OTHER": "cache.example",
    }
    found = places.localize(given)
    assert found == {**given, "CACHE_HOST": "127.0.0.1", "CACHE_PORT": "1"}
    places.known = {"db.example:6379": "127.0.0.1:1"}
    assert places.localize(given) == given


def test_a_balancer_forgets_a_target_before_it_is_told_to_stop(cloud: Emulated) -> None:
    """The process of a deregistered task lives on for the time that a balancer may take."""
    cloud.control("PUT", "/arca/places", {"places": {}, "drain_seconds": SECONDS})
    cloud.control(
        "PUT", "/arca/images", {"image": IMAGE, "command": [sys.executable, "-c", SERVER]}
    )
    cloud.create_service(strategy="BLUE_GREEN", desired=1, image=IMAGE)

    def tasks() -> list[Any]:
        cloud.advance(0.05)
        cloud.application.catch_up()
        (service,) = cloud.application.backend.service_controller.services.values()
        return service.tasks

    wait_for(lambda: [one for one in tasks() if one.healthy], "a healthy task")
    cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=0)
    wait_for(lambda: not cloud.targets(cloud.blue), "its deregistration")
    (task,) = tasks()
    assert task.process is not None
    assert (task.status, task.process.code()) == ("STOPPING", None)
    assert not task.process.told_to_stop
    cloud.end_stand_ins()
    assert task.process.code() is not None
