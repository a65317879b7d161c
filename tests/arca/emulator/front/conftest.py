"""Fixtures of the front's tests: two regions, targets, and a front before them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from moto.backends import get_backend

from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh
from tests.arca.emulator.front.emulated_front import (
    PRIMARY,
    SECONDARY,
    Dns,
    RunningFront,
    Stack,
    make_stack,
    write_exports,
)
from tests.arca.emulator.front.loopback_target import LoopbackTarget


@pytest.fixture
def cloud() -> Iterator[Emulated]:
    """Return an empty emulated AWS."""
    made = fresh()
    # Moto's backends are dictionaries by account, which its types do not say.
    backends = cast("Callable[[str], dict[str, Any]]", get_backend)
    for account in backends("route53").values():
        account.reset()
    yield made
    made.control("DELETE", "/arca/faults")
    made.end_stand_ins()


@pytest.fixture
def target() -> Iterator[Callable[[str], LoopbackTarget]]:
    """Return a function that starts a target on loopback."""
    made: list[LoopbackTarget] = []

    def start(name: str) -> LoopbackTarget:
        made.append(LoopbackTarget(name))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def prod(cloud: Emulated) -> Stack:
    """Return the primary's load balancer."""
    return make_stack(cloud, PRIMARY)


@pytest.fixture
def dns(cloud: Emulated, prod: Stack) -> Dns:
    """Return the origin zone with the primary's records."""
    made = Dns(cloud)
    made.add(prod, "PRIMARY")
    return made


@pytest.fixture
def dr(cloud: Emulated, dns: Dns, tmp_path: Path) -> Stack:
    """Return the secondary's load balancer, with its records and exports."""
    made = make_stack(cloud, SECONDARY)
    dns.add(made, "SECONDARY")
    write_exports(tmp_path / "exports", "dr", SECONDARY)
    return made


@pytest.fixture
def front(cloud: Emulated, dns: Dns, tmp_path: Path) -> Iterator[RunningFront]:
    """Return a front that reads when a test lets it; dr is there if the test asked first."""
    assert dns.lever
    write_exports(tmp_path / "exports", "prod", PRIMARY)
    made = RunningFront(cloud, tmp_path)
    yield made
    made.close()
