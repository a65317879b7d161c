"""Failing over and back as settings: what each phase declares, and that no database is replaced.

The real engine judges the same steps in tests/engine/test_fail_back.py.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from arca.outputs import Outputs
from tests.changes import refusal
from tests.graph import Graph
from tests.stacks import graph

pytestmark = pytest.mark.slow
"""It declares each phase of both stacks."""
INSTANCE = "aws:rds/instance:Instance"
SERVICE = "aws:ecs/service:Service"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
AUTOMATED = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
SOURCE = "arn:aws:rds:us-east-1:000000000000:db:arca-dr"
FOLLOWS: Mapping[str, Any] = {
    "database.generation": 2,
    "database.source": {"kind": "replica", "source_arn": SOURCE},
}
RETURN: Mapping[str, Mapping[str, Any]] = {
    "serving": {},
    "fenced": {"recovery.phase": "fenced"},
    "released": {"recovery.phase": "fenced", "recovery.release_data": True},
    "following": {"recovery.phase": "following", **FOLLOWS},
    "promoting": {"recovery.phase": "promoting", **FOLLOWS},
    "activated": {
        "database.generation": 2,
        "database.source": {"kind": "promoted"},
        "database.replicate_backups": False,
    },
    "active": {"database.generation": 2, "database.source": {"kind": "promoted"}},
}
"""The settings of prod through a fail-back."""


def prod(step: str) -> Graph:
    """Return prod's graph at a step of the fail-back."""
    return graph("prod", RETURN[step])


def data(declared: Graph) -> set[tuple[str, str]]:
    """Return what is durable, but for the database, its backups' copies and its cache."""
    apart = (INSTANCE, AUTOMATED, CACHE)
    return {
        (node.type, node.name)
        for node in declared.custom()
        if node.protect and node.type not in apart
    }


def test_the_primary_is_fenced_until_it_serves_again() -> None:
    """From the fence to the promotion it answers 503, runs no task and says which phase it is."""
    for step in ("fenced", "released", "following", "promoting"):
        exports = Outputs.model_validate(prod(step).outputs)
        phase = "fenced" if step == "released" else step
        assert (exports.fenced, exports.phase) == (True, phase)
        assert prod(step).one("aws:lb/listenerRule:ListenerRule", "load-balancer-fence")
        assert prod(step).one(SERVICE).inputs["desiredCount"] == 0
    for step in ("serving", "active"):
        exports = Outputs.model_validate(prod(step).outputs)
        assert (exports.fenced, exports.phase) == (False, "active")


def test_no_step_loses_what_is_durable() -> None:
    """Keys, secrets, buckets, images, vaults and certificates are the same in every phase."""
    for before, after in pairwise(RETURN):
        assert data(prod(before)) == data(prod(after)), f"{before} to {after}"


def test_a_fence_changes_no_database() -> None:
    """A fenced primary keeps the database of before as it was, to compare it."""
    before, after = (dict(prod(step).one(INSTANCE).inputs) for step in ("serving", "fenced"))
    assert before == after


def test_only_a_release_lifts_the_protection() -> None:
    """It lifts that of database, cache and backups' copies, and the old data leave a snapshot."""
    kept, given = prod("fenced"), prod("released")
    assert kept.names() == given.names()
    lifted = {
        node.name + " " + node.type
        for node in kept.custom()
        if node.protect and not given.nodes[node.urn].protect
    }
    assert lifted == {f"database {INSTANCE}", f"database {AUTOMATED}", f"cache {CACHE}"}
    old = given.one(INSTANCE)
    assert (old.retain, old.inputs["deletionProtection"]) == (False, False)
    assert old.inputs["finalSnapshotIdentifier"].startswith("arca-prod-final-")


def test_the_next_instance_follows_beside_the_old_one() -> None:
    """The instance that follows has another name in Pulumi and at AWS, so nothing is replaced."""
    old, new = (prod(step).one(INSTANCE) for step in ("fenced", "following"))
    assert (old.name, new.name) == ("database", "database-2")
    assert old.inputs["identifier"] != new.inputs["identifier"]
    assert new.inputs["replicateSourceDb"] == SOURCE
    assert {"username", "passwordWo", "engine", "allocatedStorage"}.isdisjoint(new.inputs)
    groups = "aws:cloudwatch/logGroup:LogGroup"
    kept = {node.name for node in prod("fenced").of(groups) if node.name.startswith("database")}
    assert kept < {node.name for node in prod("following").of(groups)}


def test_a_primary_is_promoted_in_two_steps() -> None:
    """The first step drops only the source; the second sets the password and the standby."""
    steps = ("following", "promoting", "active")
    follows, promoted, serves = (dict(prod(step).one(INSTANCE).inputs) for step in steps)
    assert {prod(step).one(INSTANCE).urn for step in steps} == {prod("active").one(INSTANCE).urn}
    assert follows.pop("replicateSourceDb")
    for_deletion = {"skipFinalSnapshot", "finalSnapshotIdentifier"}
    changed = {key for key in promoted if follows.get(key) != promoted[key]}
    assert (changed, follows.keys() - promoted.keys()) == (for_deletion, set())
    changed = {key for key in serves if promoted.get(key) != serves[key]}
    assert changed == {"multiAz", "passwordWo", "passwordWoVersion"}


def test_what_follows_has_an_empty_cache_and_no_copies_of_backups() -> None:
    """The cache of before would repeat old answers; the backups of now are the other region's."""
    counts = {"fenced": 1, "following": 0, "promoting": 0, "activated": 0, "active": 1}
    for step, count in counts.items():
        assert len(prod(step).of(AUTOMATED)) == count, step
    names = [prod(step).one(CACHE).name for step in ("fenced", "following", "active")]
    assert names == ["cache", "cache-2", "cache-2"]
    gateways = "aws:ec2/natGateway:NatGateway"
    addresses = [len(prod(step).of(gateways)) for step in ("serving", "following")]
    assert addresses[0] == addresses[1], "the tax agency may know the primary's addresses"


def test_customers_do_not_wait_for_the_copies_of_backups() -> None:
    """RDS may take an hour to begin them: only the update after the switch declares them."""
    activated, active = prod("activated"), prod("active")
    assert set(active.names()) - set(activated.names()) == {f"{AUTOMATED} database-2"}


def test_the_exports_number_the_database() -> None:
    """A fail-back counts from there; the first one has the number 1."""
    found = [prod(step).outputs["database"]["generation"] for step in ("serving", "following")]
    assert found == [1, 2]


def test_who_follows_says_how_far_behind() -> None:
    """The lag alarms at half the RPO, for this copy is then the only one in another region."""
    alarms = {
        n.name: n.inputs for n in prod("following").of("aws:cloudwatch/metricAlarm:MetricAlarm")
    }
    lag = alarms["observability-database-replica-lag"]
    assert lag["threshold"] == 150
    assert lag["dimensions"] == {
        "DBInstanceIdentifier": prod("following").outputs["database"]["identifier"]
    }
    behind = alarms["observability-copies-behind"]["dimensions"]
    assert behind["SourceBucket"].startswith("storage-documents-replica")
    fenced = {n.name for n in prod("fenced").of("aws:cloudwatch/metricAlarm:MetricAlarm")}
    assert "observability-database-replica-lag" not in fenced


def test_documents_come_back() -> None:
    """What an active DR stack writes is copied into the primary's bucket, by prod's own rule."""
    back = graph("prod").one(REPLICATION, "storage-documents-replica")
    forth = graph("prod").one(REPLICATION, "storage-documents")
    assert (back.inputs["region"], forth.inputs.get("region")) == ("us-east-1", None)
    buckets = {
        node.name: graph("prod").states[node.urn]["arn"]
        for node in graph("prod").of("aws:s3/bucket:Bucket")
    }
    assert back.inputs["rules"][0]["destination"]["bucket"] == buckets["storage-documents"]
    assert back.inputs["rules"][0]["deleteMarkerReplication"] == {"status": "Disabled"}


def test_dr_stops_before_the_switch() -> None:
    """A fenced DR stack writes nothing more, and its database stays, promoted as it is."""
    active, fenced = (graph("dr", {"recovery.phase": phase}) for phase in ("active", "fenced"))
    assert fenced.one(SERVICE).inputs["desiredCount"] == 0
    assert fenced.one("aws:lb/listenerRule:ListenerRule", "load-balancer-fence")
    before, after = (dict(one.one(INSTANCE).inputs) for one in (active, fenced))
    assert before == after
    assert set(active.names()) - set(fenced.names()) == {
        name for name in active.names() if "metricAlarm" in name or "compositeAlarm" in name
    } - {name for name in fenced.names() if "metricAlarm" in name}


def test_dr_follows_again_as_another_instance() -> None:
    """After the fail-back the next instance follows prod, beside the one that served."""
    again = graph("dr", {"database.generation": 2}).one(INSTANCE)
    assert (again.name, again.inputs["identifier"]) == ("database-2", "arca-dr-2")
    assert (
        again.inputs["replicateSourceDb"] == graph("dr").one(INSTANCE).inputs["replicateSourceDb"]
    )


@pytest.mark.parametrize("phase", ["standby", "promoting", "active", "fenced"])
def test_dr_needs_nothing_of_the_primary_s_region(phase: str) -> None:
    """In no phase does dr declare anything there; active, it names nothing there either."""
    declared = graph("dr", {"recovery.phase": phase})
    assert all("region" not in node.inputs for node in declared.custom())
    there = {
        (node.name, key)
        for node in declared.custom()
        for key, value in node.inputs.items()
        if "sa-east-1" in str(value) and node.type.startswith("aws:")
    }
    reads = {("database", "replicateSourceDb")} if phase == "standby" else set[tuple[str, str]]()
    assert there - NAMES == reads


NAMES: frozenset[tuple[str, str]] = frozenset()
"""Inputs that hold the name of the primary's region without a call to it."""


def test_pilot_light() -> None:
    """Without a warm task the standby is a database, copies and an empty service."""
    pilot = graph("dr", {"recovery.warm_tasks": 0})
    assert pilot.one(SERVICE).inputs["desiredCount"] == 0
    assert pilot.one(INSTANCE).inputs["replicateSourceDb"]
    assert pilot.of(CACHE) == []
    active = graph("dr", {"recovery.warm_tasks": 0, "recovery.phase": "active"})
    assert active.names() == graph("dr", {"recovery.phase": "active"}).names()


@pytest.mark.parametrize(
    ("stack", "changes", "wanted"),
    [
        ("prod", {"recovery.phase": "following"}, "replica, with source_arn"),
        ("prod", {"recovery.phase": "active"}, "none, or fenced, following or promoting"),
        ("prod", {**RETURN["following"], "database.generation": 1}, "2 or more"),
        ("prod", {"database.source": {"kind": "promoted"}}, "2 or more"),
        ("prod", FOLLOWS, "promoted after a fail-back"),
        (
            "prod",
            {
                **RETURN["following"],
                "database.source": {
                    "kind": "replica",
                    "source_arn": SOURCE.replace("us-east-1", "sa-east-1"),
                },
            },
            "an instance in recovery.replica_region",
        ),
        ("prod", {"database.replicate_backups": False}, "false only in a fail-back"),
        ("prod", {"recovery.release_data": True}, "false outside recovery.phase fenced"),
        (
            "dr",
            {"recovery.phase": "active", "recovery.release_data": True},
            "false outside recovery.phase fenced, or standby of a secondary",
        ),
        ("staging", {**RETURN["following"]}, "without recovery.replica_region"),
        ("dr", {"recovery.phase": "following"}, "standby, promoting, active or fenced"),
        ("dr", {"database.source": {"kind": "new"}}, "snapshot or point-in-time"),
        (
            "dr",
            {"database.source": {"kind": "snapshot", "snapshot_id": "before"}},
            "replica in recovery.phase standby",
        ),
        ("dr", {"database.source": FOLLOWS["database.source"]}, "reads its primary's exports"),
    ],
)
def test_a_step_that_cannot_work_is_refused(
    stack: str, changes: Mapping[str, Any], wanted: str
) -> None:
    """Each mistake names what is wanted, before anything is declared."""
    assert wanted in refusal(stack, changes)


def test_dr_is_made_from_a_backup() -> None:
    """With no primary to follow, a snapshot or the copied backups are the source."""
    snapshot = {"kind": "snapshot", "snapshot_id": "copied"}
    made = graph("dr", {"recovery.phase": "active", "database.source": snapshot}).one(INSTANCE)
    assert made.inputs["snapshotIdentifier"] == "copied"
    assert "replicateSourceDb" not in made.inputs


def test_a_standby_gives_up_its_replica() -> None:
    """What follows the primary has nothing of its own, and may be spoiled as the primary is."""
    released = graph("dr", {"recovery.release_data": True}).one(INSTANCE)
    assert (released.protect, released.inputs["deletionProtection"]) == (False, False)
    assert released.inputs["skipFinalSnapshot"], "RDS takes no final snapshot of a replica"
