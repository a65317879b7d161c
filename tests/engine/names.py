"""Names in the cloud: what a stack leaves behind is in the way of the next one.

The engine knows its state only. AWS also refuses a name that another resource has, or that a
deleted one still holds.
"""

from collections.abc import Callable, Mapping
from typing import Any

INSTANCE = "aws:rds/instance:Instance"

UNIQUE: Mapping[str, str] = {
    "aws:backup/vault:Vault": "name",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:ecs/cluster:Cluster": "name",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
    "aws:kms/alias:Alias": "name",
    "aws:lb/loadBalancer:LoadBalancer": "name",
    "aws:lb/targetGroup:TargetGroup": "name",
    "aws:lb/trustStore:TrustStore": "name",
    INSTANCE: "identifier",
    "aws:rds/parameterGroup:ParameterGroup": "name",
    "aws:rds/subnetGroup:SubnetGroup": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:secretsmanager/secret:Secret": "name",
    "aws:sns/topic:Topic": "name",
    "aws:ssm/parameter:Parameter": "name",
    "aws:wafv2/webAcl:WebAcl": "name",
}
"""The input whose value only one resource of a region may have."""


class Cloud:
    """What exists, as far as names collide: what a stack leaves behind is in the next one's way."""

    def __init__(self) -> None:
        self.names = dict[tuple[str, str, str], str]()
        """The URN of whoever has a name, or why nobody may have it."""
        self.snapshots = set[str]()
        self.sources = dict[str, str]()
        """What each replica follows, by the replica's identifier."""
        self.made = dict[str, tuple[str, Any, Any]]()
        """Id, inputs and outputs of each resource when it was created, by its URN."""
        self.promoted = list[str]()
        """The identifiers of the databases that were promoted, in this order."""
        self.after: Callable[[str], None] = lambda _urn: None
        """Runs after each change of a resource, before the engine knows of it."""

    def copy(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """Let a new database follow its source."""
        if kind_of(urn) == INSTANCE and inputs.get("replicateSourceDb"):
            self.sources[str(inputs["identifier"])] = str(inputs["replicateSourceDb"])

    def promote(self, urn: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> str | None:
        """Promote a database whose source goes; return why AWS would refuse that.

        Source: Amazon RDS API Reference, PromoteReadReplica, InvalidDBInstanceState.
        """
        replica = kind_of(urn) == INSTANCE and olds.get("replicateSourceDb")
        if not replica or news.get("replicateSourceDb"):
            return None
        name = str(news["identifier"])
        if self.sources.pop(name, None) is None:
            return f"InvalidDBInstanceState: {name} is not a read replica"
        self.promoted.append(name)
        return None

    def read(self, urn: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a resource's properties without the source of a database that was promoted."""
        if kind_of(urn) != INSTANCE or known.get("identifier") in self.sources:
            return known
        return {key: value for key, value in known.items() if key != "replicateSourceDb"}

    def take(self, urn: str, region: str, inputs: Mapping[str, Any]) -> str | None:
        """Give a resource its name; return why that may not be."""
        key = _unique(urn, region, inputs)
        if key is None:
            return None
        if key in self.names:
            return f"{key[2]} is taken: {self.names[key]}"
        self.names[key] = urn
        return None

    def free(self, urn: str, region: str, inputs: Mapping[str, Any]) -> str | None:
        """Free a deleted resource's name; return why it may not be deleted.

        Sources: AWS Secrets Manager User Guide, "Delete a secret" (the name stays until the end of
        the recovery window); Amazon RDS API Reference, DeleteDBInstance (no final snapshot of a
        replica, a new name for each, and no deletion of a protected instance).
        """
        key = _unique(urn, region, inputs)
        if key is None:
            return None
        if key[0] == INSTANCE:
            wrong = self._snapshot(inputs)
            if wrong:
                return wrong
        if key[0] == "aws:secretsmanager/secret:Secret" and inputs.get("recoveryWindowInDays", 30):
            self.names[key] = "it is scheduled for deletion"
        else:
            self.names.pop(key, None)
        return None

    def lose(self, urn: str, region: str, inputs: Mapping[str, Any]) -> None:
        """Free the name of a resource that is gone without anybody's deletion."""
        key = _unique(urn, region, inputs)
        if key is not None:
            self.names.pop(key, None)

    def _snapshot(self, instance: Mapping[str, Any]) -> str | None:
        if instance.get("deletionProtection"):
            return "deletion protection is on"
        name = instance.get("finalSnapshotIdentifier")
        if instance.get("skipFinalSnapshot"):
            return "a final snapshot is named and skipped" if name else None
        if instance.get("replicateSourceDb"):
            return "a replica has no final snapshot"
        if not name or name in self.snapshots:
            return f"there is a snapshot {name} already"
        self.snapshots.add(str(name))
        return None


def _unique(urn: str, region: str, inputs: Mapping[str, Any]) -> tuple[str, str, str] | None:
    kind = kind_of(urn)
    name = inputs.get(UNIQUE.get(kind, ""))
    return (kind, str(inputs.get("region") or region), str(name)) if name else None


def kind_of(urn: str) -> str:
    """Return the type of the resource that a URN names."""
    return urn.split("::")[2].rpartition("$")[2]
