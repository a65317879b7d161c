"""The cache (ElastiCache)."""

from collections.abc import Mapping

from arca.emulator.provider.resources.definition import (
    ONLY_ON_CHANGE,
    ApiCall,
    OutputTemplates,
    Resource,
    arn_outputs,
    tags,
    take,
    take_outputs,
)

RESOURCES: Mapping[str, Resource] = {
    "aws:elasticache/subnetGroup:SubnetGroup": Resource(
        arn_outputs("elasticache", "subnetgroup:{name}"),
        calls=(
            ApiCall(
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
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": Resource(
        arn_outputs("elasticache", "parametergroup:{name}"),
        calls=(
            ApiCall(
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
            ApiCall(
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
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Resource(
        OutputTemplates(
            "{replicationGroupId}",
            {
                "arn": "arn:aws:elasticache:{region}:{account}:replicationgroup:{id}",
                "primaryEndpointAddress": "master.{id}.{hex6}.{region_code}.cache.amazonaws.com",
            },
        ),
        calls=(
            ApiCall(
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
                take_outputs(arn="ReplicationGroup.ARN"),
            ),
        ),
        not_sent={
            "applyImmediately": ONLY_ON_CHANGE,
            "authTokenUpdateStrategy": ONLY_ON_CHANGE,
        },
    ),
}
