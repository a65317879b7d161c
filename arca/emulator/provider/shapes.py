"""Ids and computed outputs of every resource type, as templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """A resource's id and computed outputs, as templates.

    Fields of a template: `{name}` (the physical name), `{hex}` (seventeen digits of the URN's
    hash), `{account}`, `{region}`, `{id}`, and every scalar input by its wire name.
    """

    id: str
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    named: str = ""
    """The input that holds the physical name, made from the logical one when absent."""


def _ec2(kind: str, identifier: str, named: str = "", **more: str) -> Shape:
    arn = f"arn:aws:ec2:{{region}}:{{account}}:{kind}/{{id}}"
    return Shape(f"{identifier}-{{hex}}", {"arn": arn, **more}, named)


def _arn(service: str, resource: str, identifier: str = "{name}", **more: str) -> Shape:
    arn = f"arn:aws:{service}:{{region}}:{{account}}:{resource}"
    return Shape(identifier, {"arn": arn, **more}, named="name")


_ELB = "arn:aws:elasticloadbalancing:{region}:{account}:"
_OF_BUCKET = Shape("{bucket}")

SHAPES: Mapping[str, Shape] = {
    "aws:acm/certificate:Certificate": Shape(
        "arn:aws:acm:{region}:{account}:certificate/{uuid}", {"arn": "{id}"}
    ),
    "aws:acm/certificateValidation:CertificateValidation": Shape("{uuid}"),
    "aws:appautoscaling/policy:Policy": Shape("{name}", {"arn": "{id}"}, named="name"),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Shape("{name}", named="name"),
    "aws:appautoscaling/target:Target": Shape("{resourceId}"),
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": Shape(
        "arn:aws:chatbot::{account}:chat-configuration/slack-channel/{configurationName}",
        {"chatConfigurationArn": "{id}"},
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Shape(
        "{alarmName}", {"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{alarmName}"}
    ),
    "aws:cloudwatch/dashboard:Dashboard": Shape(
        "{dashboardName}", {"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{id}"}
    ),
    "aws:cloudwatch/eventRule:EventRule": _arn("events", "rule/{name}"),
    "aws:cloudwatch/eventTarget:EventTarget": Shape("{rule}-{targetId}"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Shape("{policyName}"),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Shape("cwlsf-{hex}"),
    "aws:cloudwatch/queryDefinition:QueryDefinition": Shape(
        "{name}_{uuid}", {"queryDefinitionId": "{uuid}"}
    ),
    "aws:cloudwatch/logGroup:LogGroup": _arn("logs", "log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _arn("cloudwatch", "alarm:{name}"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("security-group", "sg"),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": Shape("eigw-{hex}"),
    "aws:ec2/eip:Eip": _ec2("elastic-ip", "eipalloc", allocationId="{id}"),
    "aws:ec2/flowLog:FlowLog": _ec2("vpc-flow-log", "fl"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("internet-gateway", "igw"),
    "aws:ec2/managedPrefixList:ManagedPrefixList": _ec2("prefix-list", "pl", "name"),
    "aws:ec2/natGateway:NatGateway": Shape("nat-{hex}"),
    "aws:ec2/route:Route": Shape("r-{routeTableId}-{hex}"),
    "aws:ec2/routeTable:RouteTable": _ec2("route-table", "rtb"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Shape("rtbassoc-{hex}"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("security-group", "sg", "name"),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet"),
    "aws:ec2/vpc:Vpc": _ec2("vpc", "vpc", ipv6CidrBlock="2600:1f1e:{hex4}:{hex2}00::/56"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2("vpc-endpoint", "vpce"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Shape("{repository}"),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": Shape("{account}"),
    "aws:ecr/repository:Repository": _arn(
        "ecr",
        "repository/{name}",
        repositoryUrl="{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": Shape("{prefix}"),
    "aws:ecs/cluster:Cluster": _arn("ecs", "cluster/{name}", "{arn}"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Shape("{clusterName}"),
    "aws:ecs/service:Service": _arn("ecs", "service/{cluster_tail}/{name}", "{arn}"),
    "aws:ecs/taskDefinition:TaskDefinition": Shape(
        "{family}",
        {"arn": "arn:aws:ecs:{region}:{account}:task-definition/{family}:1", "revision": "1"},
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": _arn("elasticache", "parametergroup:{name}"),
    "aws:elasticache/replicationGroup:ReplicationGroup": Shape(
        "{replicationGroupId}",
        {
            "arn": "arn:aws:elasticache:{region}:{account}:replicationgroup:{id}",
            "primaryEndpointAddress": "master.{id}.{hex6}.{region_code}.cache.amazonaws.com",
        },
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _arn("elasticache", "subnetgroup:{name}"),
    "aws:iam/role:Role": Shape(
        "{name}",
        {"arn": "arn:aws:iam::{account}:role{path}{name}", "uniqueId": "AROA{HEX16}"},
        named="name",
    ),
    "aws:iam/rolePolicy:RolePolicy": Shape("{role}:{name}", named="name"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Shape("{role}-{hex}"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Shape(
        "{arn}", {"arn": "arn:aws:firehose:{region}:{account}:deliverystream/{name}"}, named="name"
    ),
    "aws:kms/alias:Alias": _arn("kms", "{name}"),
    "aws:kms/key:Key": Shape(
        "{key_id}", {"arn": "arn:aws:kms:{region}:{account}:key/{id}", "keyId": "{id}"}
    ),
    "aws:kms/replicaKey:ReplicaKey": Shape(
        "{primary_tail}", {"arn": "arn:aws:kms:{region}:{account}:key/{id}", "keyId": "{id}"}
    ),
    "aws:lambda/function:Function": _arn("lambda", "function:{name}", version="$LATEST"),
    "aws:lb/listener:Listener": Shape(_ELB + "listener/app/{hex16}/{port}", {"arn": "{id}"}),
    "aws:lb/listenerRule:ListenerRule": Shape(
        _ELB + "listener-rule/app/{hex16}/{hex}", {"arn": "{id}"}
    ),
    "aws:lb/loadBalancer:LoadBalancer": Shape(
        "{arn}",
        {
            "arn": _ELB + "loadbalancer/app/{name}/{hex16}",
            "arnSuffix": "app/{name}/{hex16}",
            "dnsName": "{name}-{hex6}.{region}.elb.amazonaws.com",
            "zoneId": "{load_balancer_zone}",
        },
        named="name",
    ),
    "aws:lb/targetGroup:TargetGroup": Shape(
        "{arn}",
        {
            "arn": _ELB + "targetgroup/{name}/{hex16}",
            "arnSuffix": "targetgroup/{name}/{hex16}",
        },
        named="name",
    ),
    "aws:lb/trustStore:TrustStore": Shape(
        "{arn}", {"arn": _ELB + "truststore/{name}/{hex16}"}, named="name"
    ),
    "aws:rds/instance:Instance": Shape(
        "db-{HEX16}",
        {
            "arn": "arn:aws:rds:{region}:{account}:db:{identifier}",
            "address": "{identifier}.{hex6}.{region}.rds.amazonaws.com",
            "endpoint": "{identifier}.{hex6}.{region}.rds.amazonaws.com:{port}",
            "resourceId": "{id}",
        },
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": Shape(
        "arn:aws:rds:{region}:{account}:auto-backup:ab-{hex}"
    ),
    "aws:rds/parameterGroup:ParameterGroup": _arn("rds", "pg:{name}"),
    "aws:rds/proxy:Proxy": _arn(
        "rds", "db-proxy:prx-{hex}", endpoint="{name}.proxy-{hex6}.{region}.rds.amazonaws.com"
    ),
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": Shape(
        "{dbProxyName}",
        {"name": "default", "arn": "arn:aws:rds:{region}:{account}:target-group:prx-tg-{hex}"},
    ),
    "aws:rds/proxyTarget:ProxyTarget": Shape("{dbProxyName}/default/{dbInstanceIdentifier}"),
    "aws:rds/subnetGroup:SubnetGroup": _arn("rds", "subgrp:{name}"),
    "aws:route53/healthCheck:HealthCheck": Shape(
        "{uuid}", {"arn": "arn:aws:route53:::healthcheck/{id}"}
    ),
    "aws:route53/record:Record": Shape("{zoneId}_{name}_{type}", {"fqdn": "{name}"}),
    "aws:route53/zone:Zone": Shape(
        "Z{HEX16}", {"zoneId": "{id}", "arn": "arn:aws:route53:::hostedzone/{id}"}
    ),
    "aws:s3/bucket:Bucket": Shape("{name}", {"arn": "arn:aws:s3:::{name}"}, named="bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _OF_BUCKET,
    "aws:s3/bucketLogging:BucketLogging": _OF_BUCKET,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _OF_BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": Shape("{bucket}/{key}", {"versionId": "{hex}"}),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _OF_BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _OF_BUCKET,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _OF_BUCKET,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _OF_BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _OF_BUCKET
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _OF_BUCKET,
    "aws:scheduler/schedule:Schedule": Shape(
        "default/{name}", {"arn": "arn:aws:scheduler:{region}:{account}:schedule/default/{name}"}
    ),
    "aws:secretsmanager/secret:Secret": _arn("secretsmanager", "secret:{name}-{hex6}", "{arn}"),
    "aws:secretsmanager/secretVersion:SecretVersion": Shape(
        "{secretId}|{uuid}", {"versionId": "{uuid}", "arn": "{secretId}"}
    ),
    "aws:sns/topic:Topic": Shape(
        "{arn}", {"arn": "arn:aws:sns:{region}:{account}:{name}"}, named="name"
    ),
    "aws:sns/topicPolicy:TopicPolicy": Shape("{arn}"),
    "aws:sns/topicSubscription:TopicSubscription": Shape("{topic}:{uuid}", {"arn": "{id}"}),
    "aws:synthetics/canary:Canary": _arn("synthetics", "canary:{name}"),
    "aws:ssm/parameter:Parameter": Shape(
        "{name}", {"arn": "arn:aws:ssm:{region}:{account}:parameter{name}"}
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _ec2("security-group-rule", "sgr"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ec2("security-group-rule", "sgr"),
    "aws:wafv2/webAcl:WebAcl": Shape(
        "{uuid}", {"arn": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{id}"}
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Shape("{webAclArn},{resourceArn}"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Shape("{resourceArn}"),
    "aws:xray/group:Group": Shape(
        "arn:aws:xray:{region}:{account}:group/{groupName}/{HEX16}", {"arn": "{id}"}
    ),
    "aws:xray/samplingRule:SamplingRule": Shape(
        "{ruleName}", {"arn": "arn:aws:xray:{region}:{account}:sampling-rule/{ruleName}"}
    ),
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        Shape("{uuid}")
    ),
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": Shape(
        "{zoneId}"
    ),
    "cloudflare:index/dnsRecord:DnsRecord": Shape("{hex32}"),
    "cloudflare:index/healthcheck:Healthcheck": Shape("{hex32}"),
    "cloudflare:index/notificationPolicy:NotificationPolicy": Shape("{hex32}"),
    "cloudflare:index/ruleset:Ruleset": Shape("{hex32}"),
    "cloudflare:index/tieredCache:TieredCache": Shape("{zoneId}"),
    "cloudflare:index/zoneSetting:ZoneSetting": Shape("{settingId}"),
    "random:index/randomPassword:RandomPassword": Shape("none"),
    "tls:index/certRequest:CertRequest": Shape("{hex}"),
    "tls:index/locallySignedCert:LocallySignedCert": Shape("{hex}"),
    "tls:index/privateKey:PrivateKey": Shape("{hex}"),
    "tls:index/selfSignedCert:SelfSignedCert": Shape("{hex}"),
    **{
        f"pulumi:providers:{name}": Shape("{uuid}")
        for name in ("aws", "cloudflare", "random", "tls")
    },
}
