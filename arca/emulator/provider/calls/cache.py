"""The cache's calls: ElastiCache."""

from collections.abc import Mapping

from arca.emulator.provider.calls.table import Call, tags, take

TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:elasticache/subnetGroup:SubnetGroup": (
        Call(
            "elasticache",
            "create_cache_subnet_group",
            lambda s: {
                "CacheSubnetGroupName": s["name"],
                "CacheSubnetGroupDescription": s["description"],
                "SubnetIds": s["subnetIds"],
                "Tags": tags(s),
            },
        ),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": (
        Call(
            "elasticache",
            "create_cache_parameter_group",
            lambda s: {
                "CacheParameterGroupName": s["name"],
                "CacheParameterGroupFamily": s["family"],
                "Description": s["description"],
                "Tags": tags(s),
            },
            only_validated="moto has no cache parameter groups",
        ),
        Call(
            "elasticache",
            "modify_cache_parameter_group",
            lambda s: {
                "CacheParameterGroupName": s["name"],
                "ParameterNameValues": [
                    {"ParameterName": parameter["name"], "ParameterValue": parameter["value"]}
                    for parameter in s["parameters"]
                ],
            },
            only_validated="moto has no cache parameter groups",
        ),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Call(
            "elasticache",
            "create_replication_group",
            lambda s: {
                **take(
                    "atRestEncryptionEnabled",
                    "authToken",
                    "autoMinorVersionUpgrade",
                    "automaticFailoverEnabled",
                    "engine",
                    "engineVersion",
                    "kmsKeyId",
                    "multiAZEnabled",
                    "numCacheClusters",
                    "port",
                    "replicationGroupId",
                    "securityGroupIds",
                    "snapshotRetentionLimit",
                    "snapshotWindow",
                    "transitEncryptionEnabled",
                    "transitEncryptionMode",
                    CacheNodeType="nodeType",
                    CacheParameterGroupName="parameterGroupName",
                    CacheSubnetGroupName="subnetGroupName",
                    MultiAZEnabled="multiAzEnabled",
                    PreferredMaintenanceWindow="maintenanceWindow",
                    ReplicationGroupDescription="description",
                )(s),
                "LogDeliveryConfigurations": [
                    {
                        "LogType": log["logType"],
                        "LogFormat": log["logFormat"],
                        "DestinationType": log["destinationType"],
                        "DestinationDetails": {
                            "CloudWatchLogsDetails": {"LogGroup": log["destination"]}
                        },
                    }
                    for log in s["logDeliveryConfigurations"]
                ],
                "Tags": tags(s),
            },
            lambda answer: {"arn": answer["ReplicationGroup"]["ARN"]},
        ),
    ),
}
