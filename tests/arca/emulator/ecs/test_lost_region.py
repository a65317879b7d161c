"""A region that is lost: its APIs do not answer, its processes are gone, and it may come back."""

import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import REGION, Emulated, wait_for

SERVER = """
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    connection.recv(9999)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    connection.close()
"""
IMAGE = "registry/api:1"


def tasks(cloud: Emulated) -> list[Any]:
    """Let a little time pass, and return the service's tasks from the controller."""
    cloud.advance(0.05)
    cloud.application.catch_up()
    (service,) = cloud.application.backend.service_controller.services.values()
    return service.tasks


def healthy(cloud: Emulated) -> list[Any]:
    """Return the tasks that get traffic."""
    return [one for one in tasks(cloud) if one.healthy and one.live]


def serve(cloud: Emulated) -> None:
    """Run a service of two processes."""
    cloud.control(
        "PUT", "/arca/images", {"image": IMAGE, "command": [sys.executable, "-c", SERVER]}
    )
    cloud.create_service(strategy="BLUE_GREEN", desired=2, image=IMAGE)
    wait_for(lambda: len(healthy(cloud)) == 2, "two healthy tasks")


def test_nothing_of_a_lost_region_answers(cloud: Emulated) -> None:
    """Every API of the region is silent, other regions and the global services are not."""
    cloud.create_service(strategy="BLUE_GREEN", desired=0, image=IMAGE)
    assert cloud.control("PUT", "/arca/regions", {"lost": [REGION]}) == (200, {"lost": [REGION]})
    assert cloud.control("GET", "/arca/regions") == (200, {"lost": [REGION]})
    for service, call in {
        "ecs": "list_clusters",
        "s3": "list_buckets",
        "rds": "describe_events",
    }.items():
        with pytest.raises(ClientError) as refused:
            getattr(cloud.client(service), call)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    cloud.client("ecs", region="us-east-1").list_clusters()
    cloud.client("route53", region="us-east-1").list_hosted_zones()
    cloud.control("PUT", "/arca/regions", {"lost": []})
    cloud.client("ecs").list_clusters()


def test_its_processes_are_killed_and_started_again(cloud: Emulated) -> None:
    """While it is lost nothing starts; given back, it replaces what it lost."""
    serve(cloud)
    before = [one.process for one in healthy(cloud)]
    cloud.control("PUT", "/arca/regions", {"lost": [REGION]})
    for process in before:
        wait_for(lambda process=process: process.code() is not None, "its end")
        assert process.code() == 128 + 9
    cloud.advance(60)
    assert len(tasks(cloud)) == 2
    cloud.control("PUT", "/arca/regions", {"lost": []})
    wait_for(lambda: len(healthy(cloud)) == 2, "two new tasks")
    assert not {*before} & {one.process for one in healthy(cloud)}


def test_another_region_loses_nothing(cloud: Emulated) -> None:
    """A service elsewhere goes on."""
    serve(cloud)
    before = {one.process for one in healthy(cloud)}
    cloud.control("PUT", "/arca/regions", {"lost": ["us-east-1"]})
    assert {one.process for one in healthy(cloud)} == before
    cloud.control("PUT", "/arca/regions", {"lost": []})


def test_a_region_is_asked_for_in_words_that_are_checked(cloud: Emulated) -> None:
    """A wrong body changes nothing."""
    status, answer = cloud.control("PUT", "/arca/regions", {"dead": []})
    assert status == 400
    assert "lost" in answer["error"]
