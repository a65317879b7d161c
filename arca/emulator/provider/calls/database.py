"""The database's calls: RDS."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, tags, take


def _instance(state: State) -> dict[str, Any]:
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
"""What CreateDBInstanceReadReplica does not take; the provider sets it afterwards."""


def _replica(state: State) -> dict[str, Any]:
    refused = (*AFTER_REPLICA, "storageEncrypted")
    params = {key: value for key, value in _instance(state).items() if key not in refused}
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
"""What a restore does not take; the provider sets it afterwards."""


def _restored(state: State) -> dict[str, Any]:
    return {key: v for key, v in _instance(state).items() if key not in RESTORE_REFUSES}


def _moment(state: State) -> dict[str, Any]:
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


def _origin(state: State) -> str:
    if "replicateSourceDb" in state:
        return "replica"
    if "snapshotIdentifier" in state:
        return "snapshot"
    return "moment" if "restoreToPointInTime" in state else "new"


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:rds/subnetGroup:SubnetGroup": (
        Call(
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
    "aws:rds/parameterGroup:ParameterGroup": (
        Call(
            "rds",
            "create_db_parameter_group",
            lambda s: {
                "DBParameterGroupName": s["name"],
                "DBParameterGroupFamily": s["family"],
                "Description": s["description"],
                "Tags": tags(s),
            },
        ),
        Call(
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
    "aws:rds/instance:Instance": (
        Call("rds", "create_db_instance", _instance, _made, when=lambda s: _origin(s) == "new"),
        Call(
            "rds",
            "create_db_instance_read_replica",
            _replica,
            _made,
            when=lambda s: _origin(s) == "replica",
            withheld={"DBSubnetGroupName": "moto looks for it in the source's region"},
        ),
        Call(
            "rds",
            "modify_db_instance",
            lambda s: {
                key: value
                for key, value in _instance(s).items()
                if key in AFTER_REPLICA or key == "DBInstanceIdentifier"
            },
            when=lambda s: _origin(s) == "replica",
        ),
        Call(
            "rds",
            "restore_db_instance_from_db_snapshot",
            lambda s: {**_restored(s), "DBSnapshotIdentifier": s["snapshotIdentifier"]},
            when=lambda s: _origin(s) == "snapshot",
            only_validated="a fresh emulated cloud holds no snapshot",
        ),
        Call(
            "rds",
            "restore_db_instance_to_point_in_time",
            _moment,
            when=lambda s: _origin(s) == "moment",
            only_validated="a fresh emulated cloud holds no backups",
        ),
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
        Call(
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
    "aws:rds/proxy:Proxy": (
        Call(
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
            lambda answer: {"arn": answer["DBProxy"]["DBProxyArn"]},
        ),
    ),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": (
        Call(
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
                    "ConnectionBorrowTimeout": s["connectionPoolConfig"]["connectionBorrowTimeout"],
                },
            },
        ),
    ),
    "aws:rds/proxyTarget:ProxyTarget": (
        Call(
            "rds",
            "register_db_proxy_targets",
            lambda s: {
                "DBProxyName": s["dbProxyName"],
                "TargetGroupName": s["targetGroupName"],
                "DBInstanceIdentifiers": [s["dbInstanceIdentifier"]],
            },
        ),
    ),
}
