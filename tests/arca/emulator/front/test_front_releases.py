"""Releases under load: real processes as tasks, real requests through the front."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from arca.emulator.ecs import health_checks
from arca.emulator.front.front import POLL_SECONDS
from tests.arca.emulator.ecs.emulated_ecs import Emulated, ended, wait_for
from tests.arca.emulator.front.emulated_front import (
    PRIMARY,
    Dns,
    RunningFront,
    Stack,
    write_exports,
)

SERVER = """
import asyncio, os, signal
from aiohttp import web
async def answer(request):
    await asyncio.sleep(0.02)
    return web.Response(text=os.environ["VERSION"])
async def main():
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()
asyncio.run(main())
"""
CLIENTS = 4


@pytest.fixture
def balanced(cloud: Emulated, prod: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    """Let the emulated service use prod's target groups."""
    monkeypatch.setattr(health_checks, "EVERY_SECONDS", 0.05)
    vpc = cloud.client("ec2").describe_subnets()["Subnets"]
    placed = {"subnets": [vpc[0]["SubnetId"]], "securityGroups": []}
    cloud.network = {"awsvpcConfiguration": placed}
    cloud.vpc = vpc[0]["VpcId"]

    def existing() -> None:
        cloud.blue, cloud.green = prod.blue, prod.green
        cloud.rule = prod.production
        rules = prod.elb.describe_rules(ListenerArn=_test_listener(prod))["Rules"]
        cloud.test_rule = next(one["RuleArn"] for one in rules if not one["IsDefault"])

    monkeypatch.setattr(cloud, "_balance", existing)
    yield cloud
    cloud.vpc = ""


def _test_listener(prod: Stack) -> str:
    listeners = prod.elb.describe_listeners(LoadBalancerArn=prod.balancer)["Listeners"]
    return next(one["ListenerArn"] for one in listeners if one["Port"] == 8443)


def _stand_in(cloud: Emulated, version: str) -> None:
    words = ["env", f"VERSION={version}", sys.executable, "-c", SERVER]
    image = f"registry/api:{version}"
    status, answer = cloud.control("PUT", "/arca/images", {"image": image, "command": words})
    assert status == 200, answer


def _while_loaded(front: RunningFront, act: Callable[[], None]) -> Counter[str]:
    """Send requests from several clients while something happens; returns the answers."""
    stop, counted = Event(), Counter[str]()

    def customer() -> None:
        while not stop.is_set():
            answer = front.at_listener(PRIMARY, 443, "api.example")
            counted[answer.body.decode() if answer.status == 200 else str(answer.status)] += 1

    clients = [Thread(target=customer) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    try:
        act()
    finally:
        stop.set()
        for one in clients:
            one.join(60)
    return counted


@pytest.fixture
def polling(balanced: Emulated, dns: Dns, tmp_path: Path) -> Iterator[RunningFront]:
    """Return a front that reads as often as in `make up`."""
    assert dns.lever
    write_exports(tmp_path / "exports", "prod", PRIMARY)
    made = RunningFront(balanced, tmp_path, poll_seconds=POLL_SECONDS)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    ["ROLLING", "BLUE_GREEN", "CANARY"],
)
def test_a_release_loses_no_request(
    balanced: Emulated, polling: RunningFront, strategy: str
) -> None:
    """From the first task of the new revision to the last one of the old."""
    balanced.control("PUT", "/arca/places", {"places": {}, "drain_seconds": 1.0})
    for version in ("1", "2"):
        _stand_in(balanced, version)
    balanced.create_service(strategy=strategy, desired=2)
    wait_for(lambda: _step(balanced, 0.5) and _healthy(balanced) == 2, "two tasks")
    polling.settle()

    def release() -> None:
        balanced.deploy("registry/api:2")
        wait_for(lambda: _step(balanced, 0.2) and ended(balanced.deployment()), "the end")
        assert balanced.deployment()["status"] == "SUCCESSFUL"
        wait_for(lambda: _step(balanced, 0.2) and len(_stopped(balanced)) == 2, "the old tasks")

    counted = _while_loaded(polling, release)
    assert set(counted) == {"1", "2"}
    assert min(counted.values()) > 5


def _step(cloud: Emulated, minutes: float) -> bool:
    cloud.advance(minutes)
    return True


def _healthy(cloud: Emulated) -> int:
    return len(cloud.targets(cloud.blue)) + len(cloud.targets(cloud.green))


def _stopped(cloud: Emulated) -> list[object]:
    return [one for one in cloud.tasks(stopped=True) if one["lastStatus"] == "STOPPED"]
