"""The database (RDS)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arca.emulator.provider.resources.definition import (
    ONLY_ON_CHANGE,
    PROVIDER_ONLY,
    ApiCall,
    DeclaredResource,
    OutputTemplates,
    Resource,
    ResourceState,
    arn_outputs,
    digest,
    tags,
    take,
    take_outputs,
)


def instance_parameters(state: ResourceState) -> dict[str, Any]:
    """Return an instance's inputs under the names of CreateDBInstance."""
    return {
        **take(
            "allocatedStorage",
            "autoMinorVersionUpgrade",
            "backupRetentionPeriod",
            "copyTagsToSnapshot",
            "databaseInsightsMode",
            "dbName",
            "dbSubnetGroupName",
            "deletionProtection",
            "engine",
            "engineVersion",
            "kmsKeyId",
            "manageMasterUserPassword",
            "masterUserSecretKmsKeyId",
            "maxAllocatedStorage",
            "monitoringInterval",
            "monitoringRoleArn",
            "port",
            "publiclyAccessible",
            "storageEncrypted",
            "storageType",
            "vpcSecurityGroupIds",
            DBInstanceIdentifier="identifier",
            DBInstanceClass="instanceClass",
            DBParameterGroupName="parameterGroupName",
            CACertificateIdentifier="caCertIdentifier",
            EnableCloudwatchLogsExports="enabledCloudwatchLogsExports",
            EnableIAMDatabaseAuthentication="iamDatabaseAuthenticationEnabled",
            EnablePerformanceInsights="performanceInsightsEnabled",
            MasterUsername="username",
            MasterUserPassword="passwordWo",
            MultiAZ="multiAz",
            PerformanceInsightsKMSKeyId="performanceInsightsKmsKeyId",
            PerformanceInsightsRetentionPeriod="performanceInsightsRetentionPeriod",
            PreferredBackupWindow="backupWindow",
            PreferredMaintenanceWindow="maintenanceWindow",
        )(state),
        "Tags": tags(state),
    }


AFTER_REPLICA = (
    "backupRetentionPeriod",
    "engineVersion",
    "CACertificateIdentifier",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
)
"""Parameters that CreateDBInstanceReadReplica does not have; the provider sets them later."""


def _replica(state: ResourceState) -> dict[str, Any]:
    refused = (*AFTER_REPLICA, "storageEncrypted")
    params = {key: value for key, value in instance_parameters(state).items() if key not in refused}
    source = state["replicateSourceDb"]
    return {
        **params,
        "SourceDBInstanceIdentifier": source,
        **({"SourceRegion": source.split(":")[3]} if source.startswith("arn:") else {}),
    }


RESTORE_REFUSES = (
    "allocatedStorage",
    "backupRetentionPeriod",
    "databaseInsightsMode",
    "engineVersion",
    "kmsKeyId",
    "maxAllocatedStorage",
    "monitoringInterval",
    "monitoringRoleArn",
    "storageEncrypted",
    "CACertificateIdentifier",
    "EnablePerformanceInsights",
    "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "MasterUserPassword",
)
"""Parameters that a restore does not have; the provider sets them later."""


def _restored(state: ResourceState) -> dict[str, Any]:
    return {key: v for key, v in instance_parameters(state).items() if key not in RESTORE_REFUSES}


def _restored_to_moment(state: ResourceState) -> dict[str, Any]:
    source = state["restoreToPointInTime"]
    target = {key: v for key, v in _restored(state).items() if key != "DBInstanceIdentifier"}
    return {
        **target,
        "TargetDBInstanceIdentifier": state["identifier"],
        **take(
            "restoreTime",
            "useLatestRestorableTime",
            SourceDBInstanceIdentifier="sourceDbInstanceIdentifier",
            SourceDBInstanceAutomatedBackupsArn="sourceDbInstanceAutomatedBackupsArn",
        )(source),
    }


def _made(answer: Mapping[str, Any]) -> dict[str, Any]:
    instance = answer["DBInstance"]
    secret = instance.get("MasterUserSecret")
    return {
        "arn": instance["DBInstanceArn"],
        **({"masterUserSecrets": [{"secretArn": secret["SecretArn"]}]} if secret else {}),
    }


def _managed_secret(instance: DeclaredResource, _now: datetime) -> dict[str, Any]:
    if not instance.inputs.get("manageMasterUserPassword"):
        return {}
    arn = f"arn:aws:secretsmanager:sa-east-1:000000000000:secret:rds!db-{digest(instance.urn)[:8]}"
    return {"masterUserSecrets": [{"secretArn": arn, "secretStatus": "active"}]}


def _origin(state: ResourceState) -> str:
    if "replicateSourceDb" in state:
        return "replica"
    if "snapshotIdentifier" in state:
        return "snapshot"
    return "moment" if "restoreToPointInTime" in state else "new"


RESOURCES: Mapping[str, Resource] = {
    "aws:rds/subnetGroup:SubnetGroup": Resource(
        arn_outputs("rds", "subgrp:{name}"),
        calls=(
            ApiCall(
                "rds",
                "create_db_subnet_group",
                lambda s: {
                    "DBSubnetGroupName": s["name"],
                    "DBSubnetGroupDescription": s["description"],
                    "SubnetIds": s["subnetIds"],
                    "Tags": tags(s),
                },
            ),
        ),
    ),
    "aws:rds/parameterGroup:ParameterGroup": Resource(
        arn_outputs("rds", "pg:{name}"),
        calls=(
            ApiCall(
                "rds",
                "create_db_parameter_group",
                lambda s: {
                    "DBParameterGroupName": s["name"],
                    "DBParameterGroupFamily": s["family"],
                    "Description": s["description"],
                    "Tags": tags(s),
                },
            ),
            ApiCall(
                "rds",
                "modify_db_parameter_group",
                lambda s: {
                    "DBParameterGroupName": s["name"],
                    "Parameters": [
                        {
                            "ParameterName": parameter["name"],
                            "ParameterValue": parameter["value"],
                            "ApplyMethod": parameter["applyMethod"],
                        }
                        for parameter in s["parameters"]
                    ],
                },
            ),
        ),
    ),
    "aws:rds/instance:Instance": Resource(
        OutputTemplates(
            "db-{HEX16}",
            {
                "arn": "arn:aws:rds:{region}:{account}:db:{identifier}",
                "address": "{identifier}.{hex6}.{region}.rds.amazonaws.com",
                "endpoint": "{identifier}.{hex6}.{region}.rds.amazonaws.com:{port}",
                "resourceId": "{id}",
            },
        ),
        compute=_managed_secret,
        calls=(
            ApiCall(
                "rds",
                "create_db_instance",
                instance_parameters,
                _made,
                when=lambda s: _origin(s) == "new",
            ),
            ApiCall(
                "rds",
                "create_db_instance_read_replica",
                _replica,
                _made,
                when=lambda s: _origin(s) == "replica",
                withheld={"DBSubnetGroupName": "moto looks for it in the source's region"},
            ),
            ApiCall(
                "rds",
                "modify_db_instance",
                lambda s: {
                    key: value
                    for key, value in instance_parameters(s).items()
                    if key in AFTER_REPLICA or key == "DBInstanceIdentifier"
                },
                when=lambda s: _origin(s) == "replica",
            ),
            ApiCall(
                "rds",
                "restore_db_instance_from_db_snapshot",
                lambda s: {**_restored(s), "DBSnapshotIdentifier": s["snapshotIdentifier"]},
                when=lambda s: _origin(s) == "snapshot",
                only_validated="a fresh emulated cloud holds no snapshot",
            ),
            ApiCall(
                "rds",
                "restore_db_instance_to_point_in_time",
                _restored_to_moment,
                when=lambda s: _origin(s) == "moment",
                only_validated="a fresh emulated cloud holds no backups",
            ),
        ),
        not_sent={
            "applyImmediately": ONLY_ON_CHANGE,
            "deleteAutomatedBackups": ONLY_ON_CHANGE,
            "finalSnapshotIdentifier": ONLY_ON_CHANGE,
            "passwordWoVersion": PROVIDER_ONLY,
            "skipFinalSnapshot": ONLY_ON_CHANGE,
        },
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": Resource(
        OutputTemplates("arn:aws:rds:{region}:{account}:auto-backup:ab-{hex}"),
        calls=(
            ApiCall(
                "rds",
                "start_db_instance_automated_backups_replication",
                take(
                    "kmsKeyId",
                    BackupRetentionPeriod="retentionPeriod",
                    SourceDBInstanceArn="sourceDbInstanceArn",
                ),
                only_validated="moto has no replication of automated backups",
            ),
        ),
    ),
    "aws:rds/proxy:Proxy": Resource(
        arn_outputs(
            "rds", "db-proxy:prx-{hex}", endpoint="{name}.proxy-{hex6}.{region}.rds.amazonaws.com"
        ),
        calls=(
            ApiCall(
                "rds",
                "create_db_proxy",
                lambda s: {
                    **take(
                        "engineFamily",
                        "idleClientTimeout",
                        "roleArn",
                        "vpcSubnetIds",
                        "vpcSecurityGroupIds",
                        DBProxyName="name",
                        RequireTLS="requireTls",
                    )(s),
                    "Auth": [
                        {
                            "AuthScheme": auth["authScheme"],
                            "IAMAuth": auth["iamAuth"],
                            "ClientPasswordAuthType": auth["clientPasswordAuthType"],
                            "SecretArn": auth["secretArn"],
                        }
                        for auth in s["auths"]
                    ],
                    "Tags": tags(s),
                },
                take_outputs(arn="DBProxy.DBProxyArn"),
            ),
        ),
    ),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": Resource(
        OutputTemplates(
            "{dbProxyName}",
            {"name": "default", "arn": "arn:aws:rds:{region}:{account}:target-group:prx-tg-{hex}"},
        ),
        calls=(
            ApiCall(
                "rds",
                "modify_db_proxy_target_group",
                lambda s: {
                    "DBProxyName": s["dbProxyName"],
                    "TargetGroupName": "default",
                    "ConnectionPoolConfig": {
                        "MaxConnectionsPercent": s["connectionPoolConfig"]["maxConnectionsPercent"],
                        "MaxIdleConnectionsPercent": s["connectionPoolConfig"][
                            "maxIdleConnectionsPercent"
                        ],
                        "ConnectionBorrowTimeout": s["connectionPoolConfig"][
                            "connectionBorrowTimeout"
                        ],
                    },
                },
            ),
        ),
    ),
    "aws:rds/proxyTarget:ProxyTarget": Resource(
        OutputTemplates("{dbProxyName}/default/{dbInstanceIdentifier}"),
        calls=(
            ApiCall(
                "rds",
                "register_db_proxy_targets",
                lambda s: {
                    "DBProxyName": s["dbProxyName"],
                    "TargetGroupName": s["targetGroupName"],
                    "DBInstanceIdentifiers": [s["dbInstanceIdentifier"]],
                },
            ),
        ),
    ),
}
