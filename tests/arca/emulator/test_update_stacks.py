"""Slow tests of updates of the real stacks: a failover's phases, a fence, and changes of dev."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arca.emulator import up, update
from arca.emulator.program import engine
from arca.emulator.provider.ledger import Ledger
from arca.emulator.state import State
from arca.emulator.update import UpdateReport
from arca.errors import Explained, Refused
from tests.arca.emulator.local_cloud import client, free_port, quiet
from tests.changes import ROUTES

pytestmark = pytest.mark.slow
CHANGES: Mapping[str, tuple[Any, ...]] = {
    "service.memory_mib": (512, 1024),
    "service.scaling.max_tasks": (2, 4),
    "service.collector.sample_percent": (100, 50),
    "network.zones": (["a", "b"], ["a", "b", "c"]),
    "network.nat": ("single", "per-zone"),
    "alerting": (None, ROUTES["alerting"]),
    "cache.nodes": (1, 2),
    "database.backup_days": (1, 3),
    "database.instance_class": ("db.t4g.small", "db.t4g.medium"),
    "owner.team": (None, "another-team"),
    "probe.enabled": (False, True),
}
"""Settings of dev with the values that the tests give them."""


@dataclass
class Region:
    """Both stacks in one cloud, and what moto holds of dr."""

    state: State
    prod: up.UpReport
    dr: up.UpReport

    def update(self, stack: str, phase: str | None) -> UpdateReport:
        """Update a stack to a phase; without one, to its file."""
        changes = {} if phase is None else {"recovery.phase": phase}
        return update.update(stack, changes, state=self.state, watch=quiet)

    def database(self, report: up.UpReport, name: str) -> dict[str, Any]:
        """Return an instance as RDS describes it."""
        rds = client("rds", report)
        return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def desired(self, report: up.UpReport) -> int:
        """Return the number of tasks that a stack's service shall have."""
        service = report.exports["service"]
        found = client("ecs", report).describe_services(
            cluster=service["cluster"], services=[service["name"]]
        )
        return found["services"][0]["desiredCount"]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """Prod and dr, which is on standby."""
    state, port = State(tmp_path_factory.mktemp("state")), free_port()
    prod, dr = (up.up(stack, port=port, state=state, watch=quiet) for stack in ("prod", "dr"))
    yield Region(state, prod, dr)
    up.down(state=state)


def test_a_failover_goes_through_its_phases(region: Region) -> None:
    """Dr is promoted in place, then becomes active; a repeat of each phase changes nothing."""
    standby = region.database(region.dr, "arca-dr")
    assert standby["ReadReplicaSourceDBInstanceIdentifier"].endswith("arca-prod")
    promoted = region.update("dr", "promoting")
    assert [step.action for step in promoted.steps] == ["create", "update"]
    assert region.database(region.dr, "arca-dr")["DBInstanceArn"] == standby["DBInstanceArn"]
    for name, report in (("arca-dr", region.dr), ("arca-prod", region.prod)):
        instance = region.database(report, name)
        assert not instance.get("ReadReplicaSourceDBInstanceIdentifier")
        assert not instance["ReadReplicaDBInstanceIdentifiers"]
    assert not region.update("dr", "promoting").changed

    active = region.update("dr", "active")
    kinds = {step.type for step in active.steps if step.action in ("replace", "delete")}
    assert kinds == {
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
    }
    instance = region.database(region.dr, "arca-dr")
    assert (instance["MultiAZ"], instance["DBInstanceArn"]) == (True, standby["DBInstanceArn"])
    (cache,) = client("elasticache", region.dr).describe_replication_groups()["ReplicationGroups"]
    (proxy,) = client("rds", region.dr).describe_db_proxies()["DBProxies"]
    assert (cache["ReplicationGroupId"], proxy["DBProxyName"]) == ("arca-dr", "arca-dr")
    ledger = Ledger.read(region.state.resources("dr"), stack="dr")
    (host,) = (one for one in ledger.made.values() if one.name == "parameters-database-host")
    (shown,) = client("ssm", region.dr).get_parameters(Names=[host.inputs["name"]])["Parameters"]
    assert shown["Value"] == active.exports["database"]["host"]
    assert ".proxy-" in active.exports["database"]["host"]
    assert region.desired(region.dr) == active.exports["service"]["min_tasks"] > 1
    assert not region.update("dr", "active").changed
    record = region.state.read()
    assert record is not None
    parts = record.stacks["dr"].components.values()
    assert sum(sum(part.values()) for part in parts) == len(ledger.made)

    before = region.state.resources("dr").read_bytes()
    with pytest.raises(Refused, match="because it is protected"):
        region.update("dr", "standby")
    assert region.state.resources("dr").read_bytes() == before
    with pytest.raises(Explained, match=r"recovery\.phase=wrong"):
        region.update("dr", "wrong")


def test_prod_is_fenced_and_serves_again(region: Region) -> None:
    """Fenced, prod answers 503 and runs no task; the next update undoes it."""
    rules = client("elbv2", region.prod)
    balancer = rules.describe_load_balancers(Names=["arca-prod"])["LoadBalancers"][0]
    listeners = rules.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]

    def fixed() -> list[str]:
        actions = [
            action
            for one in listeners
            for rule in rules.describe_rules(ListenerArn=one["ListenerArn"])["Rules"]
            for action in rule["Actions"]
        ]
        return [
            one["FixedResponseConfig"]["StatusCode"]
            for one in actions
            if one["Type"] == "fixed-response"
        ]

    unfenced, tasks = fixed(), region.desired(region.prod)
    region.update("prod", "fenced")
    assert sorted(fixed()) == sorted([*unfenced, "503"])
    assert region.desired(region.prod) == 0
    assert not region.update("prod", "fenced").changed
    region.update("prod", None)
    assert (fixed(), region.desired(region.prod)) == (unfenced, tasks)
    assert not region.update("prod", None).changed


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """The stack dev in a cloud that its tests share."""
    state = State(tmp_path_factory.mktemp("state"))
    up.up("dev", port=free_port(), state=state, watch=quiet)
    yield state
    up.down(state=state)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=st.fixed_dictionaries({path: st.sampled_from(v) for path, v in CHANGES.items()}))
def test_any_settings_of_dev_follow_any_others(dev: State, chosen: Mapping[str, Any]) -> None:
    """Whatever was up before: a preview says what the update does, and a repeat changes nothing.

    What is there then is what a program from scratch declares: the same resources and inputs.
    """
    planned = update.preview("dev", chosen, state=dev, watch=quiet)
    done = update.update("dev", chosen, state=dev, watch=quiet)
    # A preview does not know what a value will be that only an update makes.
    assert {(s.action, s.urn) for s in done.steps} <= {(s.action, s.urn) for s in planned.steps}
    again = update.update("dev", chosen, state=dev, watch=quiet)
    assert again.steps == ()


def test_everything_of_dev_can_be_deleted(dev: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto accepts each call of a deletion, in the order in which an update deletes."""
    ledger = Ledger.read(dev.resources("dev"), stack="dev")
    free = {urn: replace(one, protect=False) for urn, one in ledger.made.items()}
    ledger.made = free
    ledger.rewrite()
    exports = json.loads(json.dumps(dev.exports("dev")))

    def nothing() -> None:
        for name, value in exports.items():
            pulumi.export(name, value)

    monkeypatch.setattr(engine, "main", nothing)
    report = update.update("dev", state=dev, watch=quiet)
    # Buckets with their objects' versions stay, as AWS would refuse to delete them.
    assert report.counts["retain"] == sum(one.retain for one in free.values())
    assert report.counts["delete"] + report.counts["retain"] == len(free)
    assert Ledger.read(dev.resources("dev"), stack="dev").made == {}
