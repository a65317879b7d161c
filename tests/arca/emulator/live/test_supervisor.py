"""What the process of the living cloud tells others: where all is on this machine."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from arca.emulator.live import processes
from arca.emulator.live.supervisor import Supervisor
from arca.emulator.state import CloudRecord, State

EXPORTS = {
    "region": "sa-east-1",
    "database": {"identifier": "prod", "address": "db.aws", "host": "proxy.aws", "port": 5432},
    "cache": {"replication_group_id": "prod", "address": "cache.aws", "port": 6379},
    "edge": {"regional_origin_name": "origin.example"},
    "service": {"load_balancer_dns_name": "alb.aws"},
}
FRONT = {
    "balancers": [
        {
            "region": "sa-east-1",
            "dns_name": "alb.aws",
            "listeners": {"443": "http://127.0.0.1:1443", "8443": "http://127.0.0.1:1844"},
        },
        {"region": "other", "dns_name": "x.aws", "listeners": {"443": "http://127.0.0.1:2443"}},
    ]
}


@dataclass
class Standing:
    """A server as the supervisor reads it."""

    region: str
    identifier: str
    port: int
    restored_as: tuple[str, str] | None = None

    @property
    def server(self) -> "Standing":
        """Return what has the port."""
        return self


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor that looks at nothing, with one stack."""
    state = State(tmp_path / "state")
    record = CloudRecord(pid=1, born=1, port=1, endpoint="http://127.0.0.1:1")
    state.write(record)
    made = Supervisor(state, record, port=0)
    made.exports = [EXPORTS]
    yield made
    processes.remove_home(made.home)


def stand(supervisor: Supervisor, region: str = "sa-east-1") -> None:
    """Let a database and a cache run."""
    database, cache = Standing(region, "prod", 15432), Standing(region, "prod", 16379)
    supervisor.databases.instances = cast("Any", {"arn": database})
    supervisor.caches.groups = cast("Any", {(region, "prod"): cache})


def test_each_exported_address_leads_to_its_server(supervisor: Supervisor) -> None:
    """The proxy's too; a stack without a server has none, nor does another region's count."""
    assert supervisor.places() == {}
    stand(supervisor, "other")
    assert supervisor.places() == {}
    stand(supervisor)
    assert supervisor.places() == {
        "db.aws:5432": "127.0.0.1:15432",
        "proxy.aws:5432": "127.0.0.1:15432",
        "cache.aws:6379": "127.0.0.1:16379",
    }
    supervisor.exports = [{**EXPORTS, "cache": None}]
    assert "cache.aws:6379" not in supervisor.places()


def test_a_listener_is_behind_each_name_of_its_region(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """A smoke test asks by the origin's name; half a file is no file."""
    file = tmp_path / "state" / "front.json"
    file.write_text("{", encoding="utf-8")
    assert supervisor.places() == {}
    file.write_text(json.dumps(FRONT), encoding="utf-8")
    assert supervisor.places() == {
        "alb.aws:443": "127.0.0.1:1443",
        "origin.example:443": "127.0.0.1:1443",
        "alb.aws:8443": "127.0.0.1:1844",
        "origin.example:8443": "127.0.0.1:1844",
        "x.aws:443": "127.0.0.1:2443",
    }
