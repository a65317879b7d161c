"""What of prod is in the DR region before anything happens, each item by its name."""

from collections.abc import Callable
from typing import Any

import pytest

from arca.cli.bootstrap import command
from components.storage import RULE
from tests.graph import Graph
from tests.stacks import graph, settings_of

AWAY = "us-east-1"
RPO_SECONDS = 300


def _one(declared: Graph, kind: str, name: str) -> dict[str, Any]:
    return dict(declared.one(kind, name).inputs)


def _automated_backups(prod: Graph) -> bool:
    kind = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    copied = _one(prod, kind, "database")
    kept = prod.one("aws:rds/instance:Instance").inputs["backupRetentionPeriod"]
    return (copied["region"], copied["retentionPeriod"]) == (AWAY, kept)


def _versions(prod: Graph) -> bool:
    versioned = {
        node.name
        for node in prod.of("aws:s3/bucketVersioning:BucketVersioning")
        if node.inputs["versioningConfiguration"] == {"status": "Enabled"}
    }
    return {node.name for node in prod.of("aws:s3/bucket:Bucket")} <= versioned


def _time_control(prod: Graph) -> bool:
    kind = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
    for role in ("documents", "audit"):
        (rule,) = _one(prod, kind, f"storage-{role}")["rules"]
        away = rule["destination"]
        minutes = {"status": "Enabled", "time": {"minutes": 15}}
        if rule["id"] != RULE or away["replicationTime"] != minutes:
            return False
        if away["metrics"]["status"] != "Enabled":
            return False
    return True


def _secrets(prod: Graph) -> bool:
    copied = {
        node.name
        for node in prod.of("aws:secretsmanager/secret:Secret")
        for replica in node.inputs.get("replicas", [])
        if replica["region"] == AWAY
        and f":{AWAY}:" in replica["kmsKeyId"]
        # A copy that became a secret of its own while dr served is not in the way.
        and node.inputs["forceOverwriteReplicaSecret"]
    }
    every = {node.name for node in prod.of("aws:secretsmanager/secret:Secret")}
    return every - copied == {"secrets-cache-token"}


def _keys(prod: Graph) -> bool:
    there = {node.name for node in prod.of("aws:kms/replicaKey:ReplicaKey")}
    multi = {f"{n.name}-replica" for n in prod.of("aws:kms/key:Key") if n.inputs["multiRegion"]}
    return (
        there
        == multi
        == {f"keys-{key}-replica" for key in ("data", "documents", "images", "secrets")}
    )


def _images(prod: Graph) -> bool:
    return _one(prod, "aws:ecr/repository:Repository", "registry-replica")["region"] == AWAY


def _backups(prod: Graph) -> bool:
    return _one(prod, "aws:backup/vault:Vault", "backups-replica")["region"] == AWAY


def _certificate(_: Graph) -> bool:
    names = [
        {one.inputs["domainName"], *one.inputs.get("subjectAlternativeNames", [])}
        for stack in ("prod", "dr")
        for one in graph(stack).of("aws:acm/certificate:Certificate")
    ]
    region = graph("dr").one("pulumi:providers:aws").inputs["region"]
    return region == AWAY and bool(names[0] & names[1])


def _lag(_: Graph) -> bool:
    dr = graph("dr")
    alarms = [
        node.inputs
        for node in dr.of("aws:cloudwatch/metricAlarm:MetricAlarm")
        if node.inputs.get("metricName") in ("ReplicaLag", "ReplicationLatency")
    ]
    return len(alarms) == 3 and {one["threshold"] for one in alarms} == {RPO_SECONDS / 2}


def _failures(prod: Graph) -> bool:
    watched = [
        node.inputs["dimensions"]["SourceBucket"]
        for node in prod.of("aws:cloudwatch/metricAlarm:MetricAlarm")
        if node.inputs.get("metricName") == "OperationsFailedReplication"
    ]
    return len(watched) == len(set(watched)) == 2


def _state(_: Graph) -> bool:
    # Pulumi keeps the locks beside the states (Pulumi's documentation, "Using a DIY backend").
    (region,) = (option.default for option in command.params if option.name == "region")
    return region == AWAY == settings_of("prod").recovery.replica_region


COPIES: dict[str, Callable[[Graph], bool]] = {
    "automated backups of the database": _automated_backups,
    "backups of AWS Backup": _backups,
    "every bucket keeps versions": _versions,
    "documents and audit records, with replication time control": _time_control,
    "secrets, but for the token of a cache that begins empty": _secrets,
    "keys": _keys,
    "images": _images,
    "a certificate of the same name": _certificate,
    "alarms at half the RPO on the lag of database and buckets": _lag,
    "alarms on what is not copied": _failures,
    "Pulumi's state and the locks in it": _state,
}


@pytest.mark.parametrize("what", COPIES)
def test_the_dr_region_has_a_copy(what: str) -> None:
    """A failover needs it, and nothing of the primary's region can be asked for it then."""
    assert COPIES[what](graph("prod"))
