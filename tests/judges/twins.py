"""The CloudFormation twin of each resource type that the program declares, and what has none."""

import json
from collections.abc import Mapping
from typing import Any

from tests.judges.translation import JsonObject, Twin

BUCKET = "AWS::S3::Bucket"
_ATTRIBUTES = {
    "enableDeletionProtection": "deletion_protection.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "slowStart": "slow_start.duration_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
}
"""Inputs of load balancers and target groups that are attributes in the API, a key each."""


def _attributes(into: str) -> Any:
    def shape(inputs: JsonObject) -> JsonObject:
        rest = {key: value for key, value in inputs.items() if key not in _ATTRIBUTES}
        logs = {f"access_logs.s3.{key}": value for key, value in rest.pop("accessLogs", {}).items()}
        named = {_ATTRIBUTES[key]: value for key, value in inputs.items() if key in _ATTRIBUTES}
        return {**rest, into: [{"Key": k, "Value": v} for k, v in (named | logs).items()]}

    return shape


def _load_balancer(inputs: JsonObject) -> JsonObject:
    scheme = "internal" if inputs.pop("internal") else "internet-facing"
    return {**_attributes("loadBalancerAttributes")(inputs), "scheme": scheme}


_CHECK = {
    "path": "healthCheckPath",
    "port": "healthCheckPort",
    "protocol": "healthCheckProtocol",
    "interval": "healthCheckIntervalSeconds",
    "timeout": "healthCheckTimeoutSeconds",
    "healthyThreshold": "healthyThresholdCount",
    "unhealthyThreshold": "unhealthyThresholdCount",
}


def _checked_group(inputs: JsonObject) -> JsonObject:
    check = inputs.pop("healthCheck")
    codes = check.pop("matcher")
    named = {_CHECK.get(key, f"healthCheck.{key}"): value for key, value in check.items()}
    rest = _attributes("targetGroupAttributes")(inputs)
    return {**rest, **named, "matcher": {"httpCode": codes}}


def _action(action: JsonObject) -> JsonObject:
    named = {"forward": "ForwardConfig", "redirect": "RedirectConfig"}
    named["fixedResponse"] = "FixedResponseConfig"
    groups = action.get("forward", {}).get("targetGroups", [])
    forward = (
        {"forward": {"TargetGroups": [_target_group(group) for group in groups]}} if groups else {}
    )
    return {named.get(key, key): value for key, value in {**action, **forward}.items()}


def _target_group(group: JsonObject) -> JsonObject:
    return {"TargetGroupArn": group["arn"], "Weight": group["weight"]}


def _listener(inputs: JsonObject) -> JsonObject:
    certificate = inputs.pop("certificateArn", None)
    if certificate is not None:
        inputs["certificates"] = [{"certificateArn": certificate}]
    return {**inputs, "defaultActions": [_action(one) for one in inputs["defaultActions"]]}


_CONDITIONS = {
    "hostHeader": ("host-header", "HostHeaderConfig"),
    "pathPattern": ("path-pattern", "PathPatternConfig"),
}


def _listener_rule(inputs: JsonObject) -> JsonObject:
    conditions = [
        {"Field": _CONDITIONS[key][0], _CONDITIONS[key][1]: value}
        for one in inputs["conditions"]
        for key, value in one.items()
    ]
    actions = [_action(one) for one in inputs["actions"]]
    return {**inputs, "actions": actions, "conditions": conditions}


def _parameters(key: str) -> Any:
    def shape(inputs: JsonObject) -> JsonObject:
        pairs = {one["name"]: one["value"] for one in inputs.pop("parameters", [])}
        return {**inputs, key: pairs}

    return shape


def _canary(inputs: JsonObject) -> JsonObject:
    # CloudFormation wants this property, and AWS takes a zip file without it.
    code = {key: inputs.pop(key) for key in ("handler", "s3Bucket", "s3Key") if key in inputs}
    code |= {"s3ObjectVersion": inputs.pop("s3Version")} if "s3Version" in inputs else {}
    return {**inputs, "code": code}


def _flow_log(inputs: JsonObject) -> JsonObject:
    network = inputs.pop("vpcId")
    return {**inputs, "resourceId": network, "resourceType": "VPC"}


def _service(inputs: JsonObject) -> JsonObject:
    network = inputs.get("networkConfiguration", {})
    public = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
    configuration = {
        **inputs.pop("deploymentConfiguration", {}),
        "maximumPercent": inputs.pop("deploymentMaximumPercent", None),
        "minimumHealthyPercent": inputs.pop("deploymentMinimumHealthyPercent", None),
        "alarms": inputs.pop("alarms", None),
        "deploymentCircuitBreaker": inputs.pop("deploymentCircuitBreaker", None),
    }
    return {
        **inputs,
        "deploymentConfiguration": configuration,
        "networkConfiguration": {"awsvpcConfiguration": {**network, "assignPublicIp": public}},
    }


def _task_definition(inputs: JsonObject) -> JsonObject:
    return {**inputs, "containerDefinitions": json.loads(inputs["containerDefinitions"])}


def _event_target(inputs: JsonObject) -> JsonObject:
    target = {key: value for key, value in inputs.items() if key not in ("rule", "targetId")}
    return {"name": inputs["rule"], "targets": [{**target, "id": inputs["targetId"]}]}


def _backup_selection(inputs: JsonObject) -> JsonObject:
    pairs = [
        {"conditionKey": pair["key"], "conditionValue": pair["value"]}
        for condition in inputs["conditions"]
        for pair in condition["stringEquals"]
    ]
    selection = {
        "selectionName": inputs["name"],
        "iamRoleArn": inputs["iamRoleArn"],
        "resources": inputs["resources"],
        "conditions": {"stringEquals": pairs},
    }
    return {"backupPlanId": inputs["planId"], "backupSelection": selection}


def _experiment(inputs: JsonObject) -> JsonObject:
    actions = {
        one["name"]: {
            "actionId": one["actionId"],
            "parameters": {pair["key"]: pair["value"] for pair in one.get("parameters", [])},
            "targets": {one["target"]["key"]: one["target"]["value"]},
        }
        for one in inputs["actions"]
    }
    targets = {
        one["name"]: {key: value for key, value in one.items() if key != "name"}
        for one in inputs["targets"]
    }
    return {**inputs, "actions": actions, "targets": targets}


def _attachment(inputs: JsonObject) -> JsonObject:
    return {"roleName": inputs["role"], "managedPolicyArns": [inputs["policyArn"]]}


def _composite(inputs: JsonObject) -> JsonObject:
    suppressor = inputs.pop("actionsSuppressor", None)
    if suppressor is None:
        return inputs
    return {
        **inputs,
        "actionsSuppressor": suppressor["alarm"],
        "actionsSuppressorWaitPeriod": suppressor["waitPeriod"],
        "actionsSuppressorExtensionPeriod": suppressor["extensionPeriod"],
    }


def _lifecycle(inputs: JsonObject) -> JsonObject:
    return {**inputs, "rules": [_lifecycle_rule(dict(rule)) for rule in inputs["rules"]]}


def _lifecycle_rule(rule: JsonObject) -> JsonObject:
    prefix = rule.pop("filter", {}).get("prefix")
    days = rule.pop("expiration", {}).get("days")
    moves = [
        {"transitionInDays": one["days"], "storageClass": one["storageClass"]}
        for one in rule.pop("transitions", [])
    ]
    older = [
        {"transitionInDays": one["noncurrentDays"], "storageClass": one["storageClass"]}
        for one in rule.pop("noncurrentVersionTransitions", [])
    ]
    return {
        **rule,
        "expirationInDays": days,
        "prefix": prefix,
        "transitions": moves or None,
        "noncurrentVersionTransitions": older or None,
    }


def _record(inputs: JsonObject) -> JsonObject:
    routing = [one["type"] for one in inputs.pop("failoverRoutingPolicies", [])]
    return {**inputs, **({"failover": routing[0]} if routing else {})}


def _bucket_part(into: str, **renames: str) -> Twin:
    """Return the twin of a resource that is a property of the bucket in CloudFormation."""
    return Twin(BUCKET, {"bucket": "BucketName", "*": into, **renames})


def _security_group_rule(direction: str, peer: str) -> Twin:
    return Twin(
        f"AWS::EC2::SecurityGroup{direction}",
        {
            "cidrIpv4": "CidrIp",
            "securityGroupId": "GroupId",
            "referencedSecurityGroupId": f"{peer}SecurityGroupId",
            "prefixListId": f"{peer}PrefixListId",
        },
    )


TWINS: Mapping[str, Twin] = {
    "aws:acm/certificate:Certificate": Twin("AWS::CertificateManager::Certificate"),
    "aws:appautoscaling/policy:Policy": Twin(
        "AWS::ApplicationAutoScaling::ScalingPolicy", {"name": "PolicyName"}
    ),
    "aws:appautoscaling/target:Target": Twin("AWS::ApplicationAutoScaling::ScalableTarget"),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Twin(
        "AWS::Chatbot::SlackChannelConfiguration",
        {
            "slackTeamId": "SlackWorkspaceId",
            "guardrailPolicyArns": "GuardrailPolicies",
            "userAuthorizationRequired": "UserRoleRequired",
        },
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Twin(
        "AWS::CloudWatch::CompositeAlarm",
        shape=_composite,
    ),
    "aws:cloudwatch/dashboard:Dashboard": Twin("AWS::CloudWatch::Dashboard"),
    "aws:cloudwatch/eventRule:EventRule": Twin("AWS::Events::Rule"),
    "aws:backup/plan:Plan": Twin(
        "AWS::Backup::BackupPlan",
        {
            "name": "backupPlan.backupPlanName",
            "rules": "backupPlan.backupPlanRule",
            "rules.targetVaultName": "targetBackupVault",
            "rules.schedule": "scheduleExpression",
            "rules.startWindow": "startWindowMinutes",
            "rules.completionWindow": "completionWindowMinutes",
            "rules.lifecycle.deleteAfter": "deleteAfterDays",
            "rules.copyActions.destinationVaultArn": "destinationBackupVaultArn",
            "rules.copyActions.lifecycle.deleteAfter": "deleteAfterDays",
            "tags": "backupPlanTags",
        },
    ),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": Twin(
        "AWS::Backup::RestoreTestingPlan", {"name": "restoreTestingPlanName"}
    ),
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": Twin(
        "AWS::Backup::RestoreTestingSelection", {"name": "restoreTestingSelectionName"}
    ),
    "aws:backup/selection:Selection": Twin("AWS::Backup::BackupSelection", shape=_backup_selection),
    "aws:backup/vault:Vault": Twin(
        "AWS::Backup::BackupVault",
        {
            "name": "backupVaultName",
            "kmsKeyArn": "encryptionKeyArn",
            "tags": "backupVaultTags",
        },
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Twin(
        "AWS::Backup::BackupVault",
        shape=lambda s: {
            "backupVaultName": s.pop("backupVaultName"),
            "lockConfiguration": {key: s[key] for key in s if key != "region"},
        },
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Twin("AWS::Events::Rule", shape=_event_target),
    "aws:cloudwatch/logGroup:LogGroup": Twin("AWS::Logs::LogGroup", {"name": "LogGroupName"}),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Twin("AWS::Logs::ResourcePolicy"),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Twin(
        "AWS::Logs::SubscriptionFilter", {"name": "FilterName", "logGroup": "LogGroupName"}
    ),
    "aws:cloudwatch/logStream:LogStream": Twin("AWS::Logs::LogStream", {"name": "LogStreamName"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Twin(
        "AWS::CloudWatch::Alarm",
        {
            "name": "AlarmName",
            "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
            "metricQueries": "Metrics",
        },
        shape=lambda s: {**s, **({"metricQueries": _queries(s)} if "metricQueries" in s else {})},
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Twin("AWS::Logs::QueryDefinition"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Twin(
        "AWS::EC2::SecurityGroup",
        {"ingress": "SecurityGroupIngress", "egress": "SecurityGroupEgress"},
        shape=lambda s: {**s, "groupDescription": "default VPC security group"},
    ),
    "aws:ec2/eip:Eip": Twin("AWS::EC2::EIP"),
    "aws:ec2/flowLog:FlowLog": Twin(
        "AWS::EC2::FlowLog", {"iamRoleArn": "DeliverLogsPermissionArn"}, shape=_flow_log
    ),
    "aws:ec2/internetGateway:InternetGateway": Twin("AWS::EC2::InternetGateway"),
    "aws:ec2/managedPrefixList:ManagedPrefixList": Twin(
        "AWS::EC2::PrefixList", {"name": "PrefixListName"}
    ),
    "aws:ec2/natGateway:NatGateway": Twin("AWS::EC2::NatGateway"),
    "aws:ec2/route:Route": Twin("AWS::EC2::Route"),
    "aws:ec2/routeTable:RouteTable": Twin("AWS::EC2::RouteTable"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Twin(
        "AWS::EC2::SubnetRouteTableAssociation"
    ),
    "aws:ec2/securityGroup:SecurityGroup": Twin(
        "AWS::EC2::SecurityGroup", {"description": "GroupDescription", "name": "GroupName"}
    ),
    "aws:ec2/subnet:Subnet": Twin("AWS::EC2::Subnet"),
    "aws:ec2/vpc:Vpc": Twin("AWS::EC2::VPC"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Twin("AWS::EC2::VPCEndpoint", {"policy": "PolicyDocument"}),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Twin(
        "AWS::ECR::Repository",
        {"repository": "RepositoryName", "policy": "/LifecyclePolicy.LifecyclePolicyText"},
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": Twin(
        "AWS::ECR::ReplicationConfiguration"
    ),
    "aws:ecr/repository:Repository": Twin(
        "AWS::ECR::Repository",
        {
            "name": "RepositoryName",
            "encryptionConfigurations": "EncryptionConfiguration",
            "forceDelete": "EmptyOnDelete",
        },
    ),
    "aws:ecs/cluster:Cluster": Twin(
        "AWS::ECS::Cluster", {"name": "ClusterName", "settings": "ClusterSettings"}
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Twin(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        {
            "clusterName": "Cluster",
            "defaultCapacityProviderStrategies": "DefaultCapacityProviderStrategy",
        },
    ),
    "aws:ecs/service:Service": Twin(
        "AWS::ECS::Service",
        {
            "name": "ServiceName",
            "capacityProviderStrategies": "CapacityProviderStrategy",
            "deploymentConfiguration.alarms.alarmNames": "AlarmNames",
        },
        shape=_service,
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Twin(
        "AWS::ECS::TaskDefinition", shape=_task_definition
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": Twin(
        "AWS::ElastiCache::ParameterGroup",
        {"family": "CacheParameterGroupFamily", "name": "CacheParameterGroupName"},
        shape=_parameters("Properties"),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Twin(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "description": "ReplicationGroupDescription",
            "nodeType": "CacheNodeType",
            "multiAzEnabled": "MultiAZEnabled",
            "parameterGroupName": "CacheParameterGroupName",
            "subnetGroupName": "CacheSubnetGroupName",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "logDeliveryConfigurations.destination": "DestinationDetails",
        },
        shape=lambda s: {
            **s,
            "logDeliveryConfigurations": [
                {
                    **one,
                    "destination": {"cloudWatchLogsDetails": {"logGroup": one["destination"]}},
                }
                for one in s.get("logDeliveryConfigurations", [])
            ],
        },
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Twin(
        "AWS::ElastiCache::SubnetGroup", {"name": "CacheSubnetGroupName"}
    ),
    "aws:fis/experimentTemplate:ExperimentTemplate": Twin(
        "AWS::FIS::ExperimentTemplate", shape=_experiment
    ),
    "aws:iam/role:Role": Twin(
        "AWS::IAM::Role", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    ),
    "aws:iam/rolePolicy:RolePolicy": Twin(
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Twin("AWS::IAM::Role", shape=_attachment),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Twin(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "name": "DeliveryStreamName",
            "extendedS3Configuration": "ExtendedS3DestinationConfiguration",
            "extendedS3Configuration.bufferingSize": "BufferingHints.SizeInMBs",
            "extendedS3Configuration.bufferingInterval": "BufferingHints.IntervalInSeconds",
            "extendedS3Configuration.kmsKeyArn": (
                "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN"
            ),
            "serverSideEncryption": "DeliveryStreamEncryptionConfigurationInput",
        },
    ),
    "aws:kms/alias:Alias": Twin("AWS::KMS::Alias", {"name": "AliasName"}),
    "aws:kms/key:Key": Twin(
        "AWS::KMS::Key", {"policy": "KeyPolicy", "deletionWindowInDays": "PendingWindowInDays"}
    ),
    "aws:kms/replicaKey:ReplicaKey": Twin(
        "AWS::KMS::ReplicaKey",
        {"policy": "KeyPolicy", "deletionWindowInDays": "PendingWindowInDays"},
    ),
    "aws:lambda/function:Function": Twin(
        "AWS::Lambda::Function",
        {
            "name": "FunctionName",
            "s3Bucket": "/Code.S3Bucket",
            "s3Key": "/Code.S3Key",
            "s3ObjectVersion": "/Code.S3ObjectVersion",
        },
    ),
    "aws:lb/listener:Listener": Twin("AWS::ElasticLoadBalancingV2::Listener", shape=_listener),
    "aws:lb/listenerRule:ListenerRule": Twin(
        "AWS::ElasticLoadBalancingV2::ListenerRule", shape=_listener_rule
    ),
    "aws:lb/loadBalancer:LoadBalancer": Twin(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"loadBalancerType": "Type"},
        shape=_load_balancer,
    ),
    "aws:lb/targetGroup:TargetGroup": Twin(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        shape=_checked_group,
    ),
    "aws:lb/trustStore:TrustStore": Twin("AWS::ElasticLoadBalancingV2::TrustStore"),
    "aws:rds/instance:Instance": Twin(
        "AWS::RDS::DBInstance",
        {
            "backupWindow": "PreferredBackupWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "parameterGroupName": "DBParameterGroupName",
            "passwordWo": "MasterUserPassword",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "replicateSourceDb": "SourceDBInstanceIdentifier",
            "snapshotIdentifier": "DBSnapshotIdentifier",
            "username": "MasterUsername",
            "vpcSecurityGroupIds": "VPCSecurityGroups",
        },
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": Twin(
        "AWS::RDS::DBInstance",
        {
            "kmsKeyId": "AutomaticBackupReplicationKmsKeyId",
            "region": "AutomaticBackupReplicationRegion",
            "retentionPeriod": "AutomaticBackupReplicationRetentionPeriod",
        },
    ),
    "aws:rds/parameterGroup:ParameterGroup": Twin(
        "AWS::RDS::DBParameterGroup",
        {"name": "DBParameterGroupName"},
        shape=_parameters("Parameters"),
    ),
    "aws:rds/proxy:Proxy": Twin("AWS::RDS::DBProxy", {"name": "DBProxyName", "auths": "Auth"}),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": Twin(
        "AWS::RDS::DBProxyTargetGroup",
        {"connectionPoolConfig": "ConnectionPoolConfigurationInfo"},
        shape=lambda s: {**s, "targetGroupName": "default"},
    ),
    "aws:rds/proxyTarget:ProxyTarget": Twin(
        "AWS::RDS::DBProxyTargetGroup", {"dbInstanceIdentifier": "DBInstanceIdentifiers"}
    ),
    "aws:rds/subnetGroup:SubnetGroup": Twin(
        "AWS::RDS::DBSubnetGroup",
        {"description": "DBSubnetGroupDescription", "name": "DBSubnetGroupName"},
    ),
    "aws:route53/healthCheck:HealthCheck": Twin(
        "AWS::Route53::HealthCheck",
        {
            "*": "HealthCheckConfig",
            "enableSni": "/HealthCheckConfig.EnableSNI",
            "fqdn": "/HealthCheckConfig.FullyQualifiedDomainName",
            "invertHealthcheck": "/HealthCheckConfig.Inverted",
            "childHealthThreshold": "/HealthCheckConfig.HealthThreshold",
            "childHealthchecks": "/HealthCheckConfig.ChildHealthChecks",
            "tags": "/HealthCheckTags",
        },
    ),
    "aws:route53/record:Record": Twin(
        "AWS::Route53::RecordSet",
        {
            "zoneId": "HostedZoneId",
            "records": "ResourceRecords",
            "aliases": "AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
        },
        shape=_record,
    ),
    "aws:route53/zone:Zone": Twin(
        "AWS::Route53::HostedZone",
        {"comment": "/HostedZoneConfig.Comment", "tags": "HostedZoneTags"},
    ),
    "aws:s3/bucket:Bucket": Twin(BUCKET, {"bucket": "BucketName"}),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Twin(
        BUCKET, {"bucket": "BucketName", "*": "LifecycleConfiguration"}, shape=_lifecycle
    ),
    "aws:s3/bucketLogging:BucketLogging": _bucket_part(
        "LoggingConfiguration",
        targetBucket="/LoggingConfiguration.DestinationBucketName",
        targetPrefix="/LoggingConfiguration.LogFilePrefix",
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Twin(
        BUCKET, {"bucket": "BucketName", "*": "ObjectLockConfiguration"}
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_part("OwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": Twin("AWS::S3::BucketPolicy", {"policy": "PolicyDocument"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_part(
        "PublicAccessBlockConfiguration"
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _bucket_part(
        "ReplicationConfiguration"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Twin(
        BUCKET,
        {
            "bucket": "BucketName",
            "rules": "/BucketEncryption.ServerSideEncryptionConfiguration",
            "rules.applyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault",
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Twin(BUCKET, {"bucket": "BucketName"}),
    "aws:scheduler/schedule:Schedule": Twin("AWS::Scheduler::Schedule"),
    "aws:secretsmanager/secret:Secret": Twin(
        "AWS::SecretsManager::Secret", {"replicas": "ReplicaRegions"}
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Twin("AWS::SecretsManager::Secret"),
    "aws:sns/topic:Topic": Twin("AWS::SNS::Topic", {"name": "TopicName"}),
    "aws:sns/topicPolicy:TopicPolicy": Twin(
        "AWS::SNS::TopicPolicy", {"arn": "Topics", "policy": "PolicyDocument"}
    ),
    "aws:sns/topicSubscription:TopicSubscription": Twin(
        "AWS::SNS::Subscription", {"topic": "TopicArn"}
    ),
    "aws:ssm/parameter:Parameter": Twin("AWS::SSM::Parameter"),
    "aws:synthetics/canary:Canary": Twin(
        "AWS::Synthetics::Canary",
        {
            "startCanary": "StartCanaryAfterCreation",
            "deleteLambda": "DeleteLambdaResourcesOnCanaryDeletion",
        },
        shape=_canary,
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule(
        "Egress", "Destination"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule(
        "Ingress", "Source"
    ),
    "aws:wafv2/webAcl:WebAcl": Twin("AWS::WAFv2::WebACL"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Twin("AWS::WAFv2::WebACLAssociation"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Twin(
        "AWS::WAFv2::LoggingConfiguration"
    ),
    "aws:xray/group:Group": Twin("AWS::XRay::Group"),
    "aws:xray/samplingRule:SamplingRule": Twin(
        "AWS::XRay::SamplingRule", {"*": "SamplingRule", "tags": "Tags"}
    ),
}
"""The twin of each type by its token."""


def _queries(inputs: JsonObject) -> list[JsonObject]:
    return [
        {
            **{key: value for key, value in query.items() if key != "metric"},
            **({"metricStat": _statistic(query["metric"])} if "metric" in query else {}),
        }
        for query in inputs["metricQueries"]
    ]


def _statistic(metric: JsonObject) -> JsonObject:
    named = {key: metric[key] for key in ("namespace", "metricName", "dimensions") if key in metric}
    return {"metric": named, "period": metric["period"], "stat": metric["stat"]}


ALSO: Mapping[str, Twin] = {
    "aws:elasticache/replicationGroup:ReplicationGroup": Twin(
        "AWS::ElastiCache::CacheCluster",
        shape=lambda s: {
            "cacheNodeType": s["nodeType"],
            "engine": "redis",
            "numCacheNodes": 1,
        },
    ),
}
"""A second twin, whose type has a rule that the first one's has not: a region's types of nodes."""
NAMED_BY: Mapping[str, str] = {
    "AWS::Backup::BackupVault": "BackupVaultName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::RDS::DBProxyTargetGroup": "DBProxyName",
    "AWS::S3::Bucket": "BucketName",
}
"""Types whose properties are resources of their own in Pulumi, and what names the whole."""
_ONLY_ON_CHANGE = "it matters only when the resource is changed or deleted"
_PROVIDER_ONLY = "it tells the provider how to work, and AWS nothing"
WITHOUT_PROPERTY: Mapping[str, Mapping[str, str]] = {
    "aws:ec2/internetGateway:InternetGateway": {"vpcId": "a VPCGatewayAttachment carries it"},
    "aws:ecs/service:Service": {"waitForSteadyState": _PROVIDER_ONLY},
    "aws:ecs/taskDefinition:TaskDefinition": {
        "skipDestroy": _ONLY_ON_CHANGE,
        "trackLatest": _PROVIDER_ONLY,
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "applyImmediately": _ONLY_ON_CHANGE,
        "authTokenUpdateStrategy": _ONLY_ON_CHANGE,
    },
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "DeliveryStreamEncryptionConfigurationInput.enabled": "the property itself enables it",
        "destination": "the property of the destination names it",
    },
    "aws:rds/instance:Instance": {
        "finalSnapshotIdentifier": _ONLY_ON_CHANGE,
        "passwordWoVersion": _PROVIDER_ONLY,
        "skipFinalSnapshot": _ONLY_ON_CHANGE,
    },
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": {
        "sourceDbInstanceArn": "CloudFormation has the copy as properties of the source",
    },
    "aws:secretsmanager/secret:Secret": {
        "forceOverwriteReplicaSecret": "CloudFormation never overwrites a secret",
        "recoveryWindowInDays": _ONLY_ON_CHANGE,
    },
    "aws:secretsmanager/secretVersion:SecretVersion": {
        "secretId": "in CloudFormation the value belongs to the secret",
    },
    "aws:sns/topicSubscription:TopicSubscription": {"endpointAutoConfirms": _PROVIDER_ONLY},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
        "tags": "CloudFormation's rules have no tags",
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "tags": "CloudFormation's rules have no tags",
    },
}
"""Inputs that CloudFormation has no property for, by type, and why."""
WITHOUT_TWIN: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "no API call: the provider waits",
    "aws:s3/bucketObjectv2:BucketObjectv2": "CloudFormation has no objects of a bucket",
}
"""Types of AWS that CloudFormation has no word for, and why."""
