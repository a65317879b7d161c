"""Changes of the database (RDS) and the cache (ElastiCache)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import (
    Changes,
    Update,
    gone_from,
    new_in,
    replaced_by,
)
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, ResourceState, take
from arca.emulator.provider.resources.rds import instance_parameters

_GROUP = "aws:rds/parameterGroup:ParameterGroup"
_CACHE_GROUP = "aws:elasticache/parameterGroup:ParameterGroup"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_PROXY = "aws:rds/proxy:Proxy"
_POOL = "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup"
NO_CACHE_GROUPS = "moto has no cache parameter groups"
_TAGS = tags.by_calls(
    "rds", "add_tags_to_resource", "remove_tags_from_resource", lambda s: {"ResourceName": s["arn"]}
)
_MODIFIED = {
    # The input, and the parameter of ModifyDBInstance.
    "allocatedStorage": "allocatedStorage",
    "autoMinorVersionUpgrade": "autoMinorVersionUpgrade",
    "backupRetentionPeriod": "backupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "copyTagsToSnapshot",
    "databaseInsightsMode": "databaseInsightsMode",
    "dbSubnetGroupName": "dbSubnetGroupName",
    "deletionProtection": "deletionProtection",
    "engineVersion": "engineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "instanceClass": "DBInstanceClass",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "maxAllocatedStorage",
    "monitoringInterval": "monitoringInterval",
    "monitoringRoleArn": "monitoringRoleArn",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "publiclyAccessible": "publiclyAccessible",
    "storageType": "storageType",
    "vpcSecurityGroupIds": "vpcSecurityGroupIds",
}


def _modified_instance(s: ResourceState) -> dict[str, Any]:
    old, params = s["_before"], instance_parameters(s)
    changed = {api for name, api in _MODIFIED.items() if s.get(name) != old.get(name)}
    return {
        "DBInstanceIdentifier": s["identifier"],
        "ApplyImmediately": s.get("applyImmediately", False),
        **{api: params[api] for api in sorted(changed) if api in params},
    }


def _log_exports(s: ResourceState) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": s["identifier"],
        "ApplyImmediately": s.get("applyImmediately", False),
        "CloudwatchLogsExportConfiguration": {
            "EnableLogTypes": new_in(s, "enabledCloudwatchLogsExports"),
            "DisableLogTypes": gone_from(s, "enabledCloudwatchLogsExports"),
        },
    }


def _deleted_instance(s: ResourceState) -> dict[str, Any]:
    skips = bool(s.get("skipFinalSnapshot"))
    name = {} if skips else {"FinalDBSnapshotIdentifier": s["finalSnapshotIdentifier"]}
    return {
        "DBInstanceIdentifier": s["identifier"],
        "SkipFinalSnapshot": skips,
        "DeleteAutomatedBackups": s.get("deleteAutomatedBackups", True),
        **name,
    }


def _in_proxy(s: ResourceState) -> dict[str, Any]:
    params = CALLS[_PROXY][0].params(s)
    left_out = ("EngineFamily", "VpcSubnetIds", "VpcSecurityGroupIds", "Tags")
    # moto and botocore match names without regard to capitals.
    dropped = {name.lower() for name in left_out}
    kept = {name: value for name, value in params.items() if name.lower() not in dropped}
    return {**kept, "SecurityGroups": s["vpcSecurityGroupIds"]}


def _modified_cache(s: ResourceState) -> dict[str, Any]:
    params = CALLS[_CACHE][0].params(s)
    taken = (
        "autoMinorVersionUpgrade",
        "automaticFailoverEnabled",
        "CacheNodeType",
        "CacheParameterGroupName",
        "engine",
        "engineVersion",
        "LogDeliveryConfigurations",
        "MultiAZEnabled",
        "PreferredMaintenanceWindow",
        "ReplicationGroupDescription",
        "securityGroupIds",
        "snapshotRetentionLimit",
        "snapshotWindow",
        "transitEncryptionEnabled",
        "transitEncryptionMode",
    )
    return {
        "ReplicationGroupId": s["replicationGroupId"],
        "ApplyImmediately": s.get("applyImmediately", False),
        **{name: params[name] for name in taken if name in params},
    }


def _nodes(operation: str, *, more: bool) -> ApiCall:
    """Return the call that changes the number of replicas; the primary is not one."""
    return ApiCall(
        "elasticache",
        operation,
        lambda s: {
            "ReplicationGroupId": s["replicationGroupId"],
            "NewReplicaCount": s["numCacheClusters"] - 1,
            "ApplyImmediately": True,
        },
        when=lambda s: (s["numCacheClusters"] > s["_before"]["numCacheClusters"]) is more,
        only_validated="moto cannot change the number of replicas",
    )


CHANGES: Mapping[str, Changes] = {
    "aws:rds/subnetGroup:SubnetGroup": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("subnetIds", "description"),
                (
                    ApiCall(
                        "rds",
                        "modify_db_subnet_group",
                        take(
                            "subnetIds",
                            DBSubnetGroupName="name",
                            DBSubnetGroupDescription="description",
                        ),
                    ),
                ),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("rds", "delete_db_subnet_group", take(DBSubnetGroupName="name")),),
    ),
    _GROUP: Changes(
        replaces=replaced_by("description", "family", "name"),
        updates=(Update(("parameters",), (CALLS[_GROUP][1],)), *_TAGS),
        deletes=(ApiCall("rds", "delete_db_parameter_group", take(DBParameterGroupName="name")),),
    ),
    "aws:rds/instance:Instance": Changes(
        replaces=replaced_by(
            "dbName",
            "engine",
            "identifier",
            "kmsKeyId",
            "port",
            "replicateSourceDb",
            "restoreToPointInTime",
            "snapshotIdentifier",
            "storageEncrypted",
            "username",
        ),
        updates=(
            # A source that goes promotes the replica; a source that comes makes another database
            # (hashicorp/terraform-provider-aws, internal/service/rds/instance.go).
            Update(
                ("replicateSourceDb",),
                (
                    ApiCall(
                        "rds",
                        "promote_read_replica",
                        take(
                            "backupRetentionPeriod",
                            DBInstanceIdentifier="identifier",
                            PreferredBackupWindow="backupWindow",
                        ),
                    ),
                ),
                when=lambda _, after: "replicateSourceDb" not in after,
            ),
            Update(tuple(_MODIFIED), (ApiCall("rds", "modify_db_instance", _modified_instance),)),
            Update(
                ("enabledCloudwatchLogsExports",),
                (ApiCall("rds", "modify_db_instance", _log_exports),),
            ),
            Update(
                ("passwordWoVersion",),
                (
                    ApiCall(
                        "rds",
                        "modify_db_instance",
                        take(
                            "applyImmediately",
                            DBInstanceIdentifier="identifier",
                            MasterUserPassword="passwordWo",
                        ),
                    ),
                ),
            ),
            *_TAGS,
        ),
        recorded={"passwordWo": "the provider sends it only with another passwordWoVersion"},
        deletes=(ApiCall("rds", "delete_db_instance", _deleted_instance),),
        name="identifier",
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": Changes(
        replaces=replaced_by("kmsKeyId", "retentionPeriod", "sourceDbInstanceArn"),
        deletes=(
            ApiCall(
                "rds",
                "stop_db_instance_automated_backups_replication",
                take(SourceDBInstanceArn="sourceDbInstanceArn"),
                only_validated="moto has no replication of automated backups",
            ),
        ),
        delete_first=True,
    ),
    _PROXY: Changes(
        replaces=replaced_by("engineFamily", "name", "vpcSubnetIds"),
        updates=(
            Update(
                ("auths", "idleClientTimeout", "requireTls", "roleArn", "vpcSecurityGroupIds"),
                (
                    ApiCall(
                        "rds",
                        "modify_db_proxy",
                        _in_proxy,
                        only_validated="moto cannot modify a proxy",
                    ),
                ),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("rds", "delete_db_proxy", take(DBProxyName="name")),),
        name="name",
    ),
    _POOL: Changes(
        replaces=replaced_by("dbProxyName"),
        updates=(Update(("connectionPoolConfig",), CALLS[_POOL]),),
        stays="the group goes with its proxy",
    ),
    "aws:rds/proxyTarget:ProxyTarget": Changes(
        replaces=replaced_by("dbInstanceIdentifier", "dbProxyName", "targetGroupName"),
        deletes=(
            ApiCall(
                "rds",
                "deregister_db_proxy_targets",
                lambda s: {
                    "DBProxyName": s["dbProxyName"],
                    "TargetGroupName": s["targetGroupName"],
                    "DBInstanceIdentifiers": [s["dbInstanceIdentifier"]],
                },
            ),
        ),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("description", "subnetIds"),
                (
                    ApiCall(
                        "elasticache",
                        "modify_cache_subnet_group",
                        take(
                            "subnetIds",
                            CacheSubnetGroupName="name",
                            CacheSubnetGroupDescription="description",
                        ),
                        only_validated="moto cannot modify a cache subnet group",
                    ),
                ),
            ),
            *tags.by_calls(
                "elasticache",
                "add_tags_to_resource",
                "remove_tags_from_resource",
                lambda s: {"ResourceName": s["arn"]},
                only_validated="moto tags no subnet groups of caches",
            ),
        ),
        deletes=(
            ApiCall(
                "elasticache",
                "delete_cache_subnet_group",
                take(CacheSubnetGroupName="name"),
                only_validated="moto cannot delete a cache subnet group",
            ),
        ),
        name="name",
    ),
    _CACHE_GROUP: Changes(
        replaces=replaced_by("description", "family", "name"),
        updates=(
            Update(("parameters",), (CALLS[_CACHE_GROUP][1],)),
            *tags.by_calls(
                "elasticache",
                "add_tags_to_resource",
                "remove_tags_from_resource",
                lambda s: {"ResourceName": s["arn"]},
                only_validated=NO_CACHE_GROUPS,
            ),
        ),
        deletes=(
            ApiCall(
                "elasticache",
                "delete_cache_parameter_group",
                take(CacheParameterGroupName="name"),
                only_validated=NO_CACHE_GROUPS,
            ),
        ),
        name="name",
    ),
    _CACHE: Changes(
        replaces=replaced_by(
            "atRestEncryptionEnabled", "kmsKeyId", "port", "replicationGroupId", "subnetGroupName"
        ),
        updates=(
            Update(
                ("numCacheClusters",),
                (
                    _nodes("increase_replica_count", more=True),
                    _nodes("decrease_replica_count", more=False),
                ),
            ),
            Update(
                (
                    "autoMinorVersionUpgrade",
                    "automaticFailoverEnabled",
                    "description",
                    "engine",
                    "engineVersion",
                    "logDeliveryConfigurations",
                    "maintenanceWindow",
                    "multiAzEnabled",
                    "nodeType",
                    "parameterGroupName",
                    "securityGroupIds",
                    "snapshotRetentionLimit",
                    "snapshotWindow",
                    "transitEncryptionEnabled",
                    "transitEncryptionMode",
                ),
                (
                    ApiCall(
                        "elasticache",
                        "modify_replication_group",
                        _modified_cache,
                    ),
                ),
            ),
            Update(
                ("authToken",),
                (
                    ApiCall(
                        "elasticache",
                        "modify_replication_group",
                        take(
                            "replicationGroupId",
                            "authToken",
                            "authTokenUpdateStrategy",
                            "applyImmediately",
                        ),
                        only_validated="moto drops a token that is changed",
                    ),
                ),
            ),
            *tags.by_calls(
                "elasticache",
                "add_tags_to_resource",
                "remove_tags_from_resource",
                lambda s: {"ResourceName": s["arn"]},
            ),
        ),
        deletes=(
            ApiCall(
                "elasticache",
                "delete_replication_group",
                take("replicationGroupId", FinalSnapshotIdentifier="finalSnapshotIdentifier"),
            ),
        ),
        name="replicationGroupId",
    ),
}
