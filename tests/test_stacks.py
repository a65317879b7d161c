"""The four real stacks: contract, invariants, names, first preview, and recovery."""

import json
from ipaddress import ip_network
from itertools import combinations
from typing import Any, cast, get_args

import pytest
from syrupy.assertion import SnapshotAssertion

from arca import stackfile
from arca.emulator.program import engine
from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS, RECORDED
from arca.outputs import Outputs, ReplicatedSecret
from tests.changes import NO_ROUTES
from tests.graph import primary_recovery
from tests.invariants import broken
from tests.stacks import STACKS, graph

INSTANCE = "aws:rds/instance:Instance"
SERVICE = "aws:ecs/service:Service"
COMPONENTS = {
    "access",
    "alerting",
    "audit-trail",
    "backups",
    "cache",
    "certificate",
    "database",
    "delivery",
    "edge",
    "edge-region",
    "endpoints",
    "experiments",
    "firewall",
    "flow-logs",
    "keys",
    "load-balancer",
    "network",
    "observability",
    "origin",
    "origin-pulls",
    "origin-zone",
    "parameters",
    "probe",
    "proxy",
    "registry",
    "secrets",
    "service",
    "storage",
}


def test_the_stacks_are_the_four() -> None:
    """There are exactly these stacks."""
    assert STACKS == ("dev", "dr", "prod", "staging")


@pytest.mark.parametrize("stack", STACKS)
def test_exports_keep_the_contract(stack: str) -> None:
    """The exports of the program satisfy the contract that `arca` reads."""
    exports = Outputs.model_validate(graph(stack).outputs)
    assert exports.stack == stack
    assert exports.database.port == 5432


@pytest.mark.parametrize("stack", STACKS)
def test_invariants_hold(stack: str) -> None:
    """Every resource is encrypted, private, tagged, protected and closed."""
    assert broken(graph(stack), protected=stack in ("prod", "dr")) == []


@pytest.mark.parametrize("stack", STACKS)
def test_logical_names(stack: str, snapshot: SnapshotAssertion) -> None:
    """A logical name is state: a rename changes this snapshot and must carry an alias.

    Routes of alarms are left out, for each owner has others.
    """
    assert graph(stack, NO_ROUTES).names() == snapshot


@pytest.mark.parametrize("stack", STACKS)
def test_ask_11_a_preview_changes_nothing(stack: str) -> None:
    """A first preview, which knows no output, declares the same: nothing hides in an `apply`."""
    assert graph(stack, known=False).names() == graph(stack).names()


@pytest.mark.parametrize("stack", STACKS)
def test_no_name_holds_the_environment(stack: str) -> None:
    """The URN has the stack, so no logical name repeats it."""
    words = {word for node in graph(stack).custom() for word in node.name.split("-")}
    assert words.isdisjoint({"dev", "staging", "prod", "dr"})


def test_prod_declares_every_component() -> None:
    """Prod declares the whole platform."""
    declared = {node.name for node in graph("prod").nodes.values() if node.type.startswith("arca:")}
    assert declared == COMPONENTS


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_in_a_plain_output(stack: str) -> None:
    """A generated value is only in Secrets Manager, never in an export."""
    shown = json.dumps(graph(stack).outputs)
    for state in graph(stack).states.values():
        for key in ("result", "privateKeyPem"):
            assert str(state.get(key, "not there")) not in shown


def test_every_resource_type_has_calls() -> None:
    """Every type has an entry in the emulator's table, or its run would ignore the type."""
    called = {*CALLS, *CLOUDFLARE_CALLS}
    types = {node.type for stack in STACKS for node in graph(stack).custom()}
    assert {t for t in types if t not in called and not t.startswith(RECORDED)} == set()


def test_dr_reads_prod_through_one_stack_reference() -> None:
    """Dr reads one export of prod, which has exactly the values of the tests' stand-in."""
    assert graph("dr").referred == [f"{engine.ORGANIZATION}/{stackfile.PULUMI_PROJECT}/prod"]
    given: dict[str, Any] = graph("prod").outputs["recovery"]
    assert _shape(given) == _shape(dict(primary_recovery()))


def test_primaries_read_no_stack() -> None:
    """A primary depends on no other stack's state."""
    assert [graph(s).referred for s in ("dev", "staging", "prod")] == [[], [], []]


def test_dr_stays_out_of_the_primary_region() -> None:
    """Dr declares nothing in São Paulo, so that it can change while São Paulo is down."""
    assert all("region" not in node.inputs for node in graph("dr").custom())
    assert graph("dr").one("pulumi:providers:aws").inputs["region"] == "us-east-1"


def test_dr_owns_no_singleton_of_the_zone() -> None:
    """Two stacks that set one zone's settings would undo each other."""
    singletons = ("ruleset:Ruleset", "zoneSetting:ZoneSetting", "tieredCache:TieredCache")
    assert graph("dr").of(*(f"cloudflare:index/{kind}" for kind in singletons)) == []
    assert len(graph("prod").of(*(f"cloudflare:index/{kind}" for kind in singletons))) > 5


def test_addresses_of_stacks_do_not_overlap() -> None:
    """Any two stacks can be peered, prod and dr above all."""
    ranges = {
        stack: ip_network(graph(stack).one("aws:ec2/vpc:Vpc").inputs["cidrBlock"])
        for stack in STACKS
    }
    assert not [
        pair for pair in combinations(ranges, 2) if ranges[pair[0]].overlaps(ranges[pair[1]])
    ]


def test_dr_agrees_with_prod() -> None:
    """Both files name the same account and zone, and dr's file has prod's address range."""
    prod, dr = stackfile.stack_config("prod"), stackfile.stack_config("dr")
    owner, same = (json.loads(config["arca-api:owner"]) for config in (prod, dr))
    shared = ("account_id", "domain", "cloudflare_account_id", "cloudflare_zone_id")
    assert [owner[key] for key in shared] == [same[key] for key in shared]
    assert (
        json.loads(dr["arca-api:recovery"])["primary_cidr"]
        == json.loads(prod["arca-api:network"])["cidr"]
    )


def test_ask_13_promotion_in_two_steps() -> None:
    """The first step drops only the source; the second declares everything that serves."""
    standby = graph("dr")
    promoting = graph("dr", {"recovery.phase": "promoting"})
    active = graph("dr", {"recovery.phase": "active"})
    before, during, after = (dict(g.one(INSTANCE).inputs) for g in (standby, promoting, active))
    assert before.pop("replicateSourceDb")
    # Neither is sent in an update (Terraform's AWS provider, aws_db_instance, Update).
    for_deletion = {"skipFinalSnapshot", "finalSnapshotIdentifier"}
    changed = {key for key in during if before.get(key) != during[key]}
    assert (changed, before.keys() - during.keys()) == (for_deletion, set())
    assert {key for key in after if after[key] != during.get(key)} == {"multiAz"}
    assert {*standby.names()} < {*promoting.names()}
    assert {*promoting.names()} - {*standby.names()} == {
        "random:index/randomId:RandomId database-final"
    }
    added = set(active.names()) - set(promoting.names())
    assert {name.split()[0] for name in added} >= {
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:rds/proxy:Proxy",
        "aws:appautoscaling/target:Target",
    }
    counts = [g.one(SERVICE).inputs["desiredCount"] for g in (standby, promoting)]
    assert counts == [1, 1]
    # The warm task stays until autoscaling brings the others.
    assert "desiredCount" in active.one(SERVICE).ignore_changes
    target = active.one("aws:appautoscaling/target:Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (3, 30)
    assert Outputs.model_validate(active.outputs).database.is_replica is False


def test_ask_14_prod_keeps_copies_in_the_dr_region() -> None:
    """Keys, secrets, documents, images and backups are in the DR region in advance."""
    prod = graph("prod")
    backups = prod.one(
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    ).inputs
    assert (backups["region"], backups["retentionPeriod"]) == ("us-east-1", 35)
    replicas = prod.of("aws:kms/replicaKey:ReplicaKey")
    assert {node.inputs["region"] for node in replicas} == {"us-east-1"}
    assert len(replicas) == 4
    copied = [n.name for n in prod.of("aws:secretsmanager/secret:Secret") if "replicas" in n.inputs]
    assert sorted(copied) == sorted(f"secrets-{role}" for role in get_args(ReplicatedSecret))
    assert {"secrets-arca-certificate", "secrets-database-owner", "secrets-jwt-key"} <= {*copied}
    for role in ("documents", "audit"):
        copy = prod.one("aws:s3/bucketReplicationConfig:BucketReplicationConfig", f"storage-{role}")
        bucket = copy.inputs["rules"][0]["destination"]["bucket"]
        assert bucket.startswith(f"arn:aws:s3:::storage-{role}-replica")
    locks = prod.of("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert [lock.inputs.get("region") for lock in locks] == [None, "us-east-1"]
    registry = prod.one("aws:ecr/replicationConfiguration:ReplicationConfiguration").inputs
    destination = registry["replicationConfiguration"]["rules"][0]["destinations"][0]
    assert destination["region"] == "us-east-1"


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in cast("dict[str, Any]", value).items()}
    return type(value).__name__
