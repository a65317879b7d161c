"""Caches that follow what ElastiCache's API says: moto in this process, and real servers."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from arca.emulator import server_children
from arca.emulator.live import processes
from arca.emulator.live.caches import Caches, token_reader
from arca.emulator.live.processes import Ports
from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh, wait_for
from tests.arca.emulator.live.standing import Home, forget

REGION, GROUP, TOKEN = "sa-east-1", "live-cache", "not-a-secret"
NOTHING = frozenset[str]()


def connect(port: int, password: str | None = TOKEN) -> Any:
    """Return a client of a cache."""
    return redis.Redis(port=port, password=password)


@pytest.fixture
def aws() -> Iterator[Emulated]:
    """An emulated AWS with one replication group."""
    forget("elasticache")
    cloud = fresh()
    elasticache = cloud.client("elasticache")
    elasticache.create_replication_group(
        ReplicationGroupId=GROUP, ReplicationGroupDescription="a cache", Engine="valkey"
    )
    yield cloud
    forget("elasticache")


@pytest.fixture
def caches(aws: Emulated, home: Home) -> Caches:
    """The servers of that AWS; none runs yet."""
    return Caches(
        home.path,
        home.environment,
        Ports(home.path / "ports.json"),
        lambda service, region: aws.client(service, region=region),
        lambda _identifier, _region: TOKEN,
    )


def test_a_lost_region_takes_what_its_caches_hold(caches: Caches) -> None:
    """They are empty afterwards, at the same port."""
    caches.reconcile([REGION], NOTHING)
    first = caches.groups[REGION, GROUP]
    connect(first.port).set("ticket", "1")
    caches.reconcile([REGION], NOTHING)
    assert caches.groups[REGION, GROUP] is first
    assert connect(first.port).get("ticket") == b"1"
    caches.reconcile([REGION], frozenset({REGION}))
    assert not first.daemon.running
    assert caches.groups == {}
    caches.reconcile([REGION], NOTHING)
    second = caches.groups[REGION, GROUP]
    assert second.port == first.port
    assert connect(second.port).get("ticket") is None


def test_one_that_is_deleted_ends_and_one_that_died_starts_again(
    caches: Caches, aws: Emulated
) -> None:
    """As AWS replaces a node."""
    caches.reconcile([REGION], NOTHING)
    first = caches.groups[REGION, GROUP].daemon
    first.kill()
    caches.reconcile([REGION], NOTHING)
    second = caches.groups[REGION, GROUP].daemon
    assert second.running
    aws.client("elasticache").delete_replication_group(ReplicationGroupId=GROUP)
    caches.reconcile([REGION], NOTHING)
    assert not second.running
    assert caches.groups == {}


def test_nobody_gets_in_without_the_token(caches: Caches, home: Home) -> None:
    """It listens on loopback alone; the token is in a file of the owner, not in the words."""
    caches.reconcile([REGION], NOTHING)
    group = caches.groups[REGION, GROUP]
    with pytest.raises(redis.AuthenticationError):
        connect(group.port, None).get("ticket")
    assert connect(group.port).config_get("bind") == {"bind": "127.0.0.1"}
    kernel = Path(f"/proc/{group.daemon.pid}")
    assert TOKEN.encode() not in (kernel / "cmdline").read_bytes()
    (settings,) = home.path.glob("*.conf")
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    # Its mark survives its start: by it, `arca local down` finds one whose parent was killed.
    server_children.end_marked(processes.HOME_VARIABLE, str(home.path))
    wait_for(lambda: not group.daemon.running, "its end")


def test_the_token_is_read_from_the_stacks_secret() -> None:
    """Of the stack that has this group in this region; none is an error that names it."""
    cloud = fresh()
    secret = cloud.client("secretsmanager").create_secret(Name="live-token", SecretString=TOKEN)
    exports = [
        {"region": REGION, "cache": None},
        {
            "region": REGION,
            "cache": {"replication_group_id": GROUP},
            "secret_arns": {"cache-token": secret["ARN"]},
        },
    ]
    read = token_reader(
        lambda service, region: cloud.client(service, region=region), lambda: exports
    )
    assert read(GROUP, REGION) == TOKEN
    with pytest.raises(LookupError, match="no stack that is up has the cache live-cache in other"):
        read(GROUP, "other")
