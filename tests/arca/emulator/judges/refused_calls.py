"""A call for each rule of the table of refusals that AWS refuses by it, and calls before it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class RefusedCall(NamedTuple):
    """A call that breaks a rule."""

    rule: str
    operation: str
    params: Mapping[str, Any]
    before: tuple[tuple[str, Mapping[str, Any]], ...] = ()


INGRESS = "ec2.authorize_security_group_ingress"
RECORD = "route53.change_resource_record_sets"
TARGETS = "elbv2.modify_target_group_attributes"
TASK = "ecs.register_task_definition"
SERVICE = "ecs.create_service"
INSTANCE = "rds.create_db_instance"
CACHE = "elasticache.create_replication_group"
ALARM = "cloudwatch.put_metric_alarm"
CANARY = "synthetics.create_canary"
PARAMETER = "ssm.put_parameter"


def record(**fields: Any) -> dict[str, Any]:
    """Return the parameters that make one record."""
    name = {"Name": "api.arca.example", "Type": "A"}
    change = {"Action": "UPSERT", "ResourceRecordSet": {**name, **fields}}
    return {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [change]}}


def attributes(**values: str) -> dict[str, Any]:
    """Return the parameters that set attributes; `__` stands for a dot."""
    pairs = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
    return {"TargetGroupArn": "arn", "Attributes": pairs}


def task(memory: str = "512", **container: Any) -> dict[str, Any]:
    """Return the parameters that register a task of one container on Fargate."""
    return {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "memory": memory,
        "containerDefinitions": [{"name": "api", **container}],
    }


def alarm(*readings: str, **more: Any) -> dict[str, Any]:
    """Return the parameters of an alarm over an expression."""
    stat = {"Metric": {"Namespace": "a", "MetricName": "b"}, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": one, "MetricStat": stat, "ReturnData": False} for one in readings]
    total = {"Id": "total", "Expression": "1", "ReturnData": True}
    return {"AlarmName": "x", "EvaluationPeriods": 1, "Metrics": [*queries, total], **more}


def dashboard(widget: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a dashboard with one widget."""
    return {"DashboardName": "x", "DashboardBody": json.dumps({"widgets": [widget]})}


BLUE_GREEN = {"strategy": "BLUE_GREEN"}
PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}
VALUES: Mapping[str, Any] = {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
LISTENER: Mapping[str, Any] = {"ListenerArn": "l", "Priority": 10, "Conditions": []}
FAILOVER = {"Failover": "PRIMARY", "SetIdentifier": "a", "AliasTarget": {"DNSName": "x"}}
REPLICATION = {
    "Bucket": "a",
    "ReplicationConfiguration": {
        "Rules": [{"ID": "r", "Destination": {"Bucket": "arn:aws:s3:::b"}}],
    },
}
LOGGED = {"Bucket": "a", "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "logs"}}}
LONG_POLICY = '{"Statement": "' + "x" * 10_300 + '"}'

CALLS = (
    RefusedCall(
        "description of a security group's rule",
        INGRESS,
        {"IpPermissions": [{"IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "AWS's"}]}]},
    ),
    RefusedCall(
        "description of a security group", "ec2.create_security_group", {"Description": "AWS's"}
    ),
    RefusedCall("name of a security group", "ec2.create_security_group", {"GroupName": "sg-api"}),
    RefusedCall(
        "host bits in a security group's rule",
        INGRESS,
        {"IpPermissions": [{"IpRanges": [{"CidrIp": "10.0.0.1/8"}]}]},
    ),
    RefusedCall("size of a VPC", "ec2.create_vpc", {"CidrBlock": "10.0.0.0/8"}),
    RefusedCall("size of a subnet", "ec2.create_subnet", {"CidrBlock": "10.0.0.0/29"}),
    RefusedCall(
        "entries of a prefix list",
        "ec2.create_managed_prefix_list",
        {"PrefixListName": "x", "MaxEntries": 1, "Entries": [{"Cidr": "a"}, {"Cidr": "b"}]},
    ),
    RefusedCall("interval of a flow log", "ec2.create_flow_logs", {"MaxAggregationInterval": 300}),
    RefusedCall(
        "service of a VPC endpoint",
        "ec2.create_vpc_endpoint",
        {"ServiceName": "com.amazonaws.sa-east-1.ecr.api", "VpcEndpointType": "Gateway"},
    ),
    RefusedCall("name of a record", RECORD, record(Name="a..arca.example", **VALUES)),
    RefusedCall("failover records", RECORD, record(**FAILOVER), ((RECORD, record(**FAILOVER)),)),
    RefusedCall(
        "alias or values of a record", RECORD, record(TTL=60, AliasTarget={"DNSName": "x"})
    ),
    RefusedCall(
        "CNAME at the apex of a zone",
        RECORD,
        record(Name="arca.example", Type="CNAME", **VALUES),
        (("route53.create_hosted_zone", {"Name": "arca.example."}),),
    ),
    RefusedCall(
        "name of a load balancer or target group",
        "elbv2.create_target_group",
        {"Name": "internal-arca"},
    ),
    RefusedCall(
        "TLS policy of a listener",
        "elbv2.create_listener",
        {"SslPolicy": "ELBSecurityPolicy-TLS13-2021-06"},
    ),
    RefusedCall(
        "attributes of a load balancer or target group",
        TARGETS,
        attributes(deregistration_delay__timeout_seconds="3601"),
    ),
    RefusedCall(
        "slow start with another algorithm",
        TARGETS,
        attributes(
            slow_start__duration_seconds="30",
            load_balancing__algorithm__type="least_outstanding_requests",
        ),
    ),
    RefusedCall(
        "timeout of a health check",
        "elbv2.create_target_group",
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
    ),
    RefusedCall(
        "priority of a listener's rule",
        "elbv2.create_rule",
        LISTENER,
        (("elbv2.create_rule", LISTENER),),
    ),
    RefusedCall(
        "values of a listener's rule",
        "elbv2.create_rule",
        {**LISTENER, "Conditions": [{"HostHeaderConfig": {"Values": list("abcdef")}}]},
    ),
    RefusedCall(
        "first name of a certificate",
        "acm.request_certificate",
        {"DomainName": f"{'a' * 60}.example"},
    ),
    RefusedCall(
        "destination of a firewall's log",
        "wafv2.put_logging_configuration",
        {"LoggingConfiguration": {"LogDestinationConfigs": ["arn:aws:logs:x:1:log-group:waf"]}},
    ),
    RefusedCall(
        "rate of a firewall's rule",
        "wafv2.create_web_acl",
        {
            "Rules": [
                {"Name": "rate", "Priority": 1, "Statement": {"RateBasedStatement": {"Limit": 9}}}
            ]
        },
    ),
    RefusedCall(
        "priorities of a firewall's rules",
        "wafv2.create_web_acl",
        {"Rules": [{"Priority": 1, "Statement": {}}, {"Priority": 1, "Statement": {}}]},
    ),
    RefusedCall("name of a service or cluster", SERVICE, {"serviceName": "arca api"}),
    RefusedCall(
        "parts of a deployment's strategy",
        SERVICE,
        {
            "deploymentConfiguration": {
                **BLUE_GREEN,
                "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            }
        },
    ),
    RefusedCall(
        "stage of a pause",
        SERVICE,
        {"deploymentConfiguration": {**BLUE_GREEN, "lifecycleHooks": [PAUSE]}},
    ),
    RefusedCall(
        "capacity provider strategy",
        SERVICE,
        {"launchType": "FARGATE", "capacityProviderStrategy": [{"weight": 1}]},
    ),
    RefusedCall("grace period of health checks", SERVICE, {"healthCheckGracePeriodSeconds": 60}),
    RefusedCall(
        "rebalancing of zones",
        SERVICE,
        {
            "availabilityZoneRebalancing": "ENABLED",
            "deploymentConfiguration": {"maximumPercent": 100},
        },
    ),
    RefusedCall("health check of a container", TASK, task(healthCheck={"interval": 1})),
    RefusedCall("parameters that Fargate has not", TASK, task(privileged=True)),
    RefusedCall("memory of the containers", TASK, task(memory="512", memoryReservation=600)),
    RefusedCall("dependencies of a container", TASK, task(dependsOn=[{"containerName": "x"}])),
    RefusedCall("volumes of a container", TASK, task(mountPoints=[{"sourceVolume": "tmp"}])),
    RefusedCall(
        "capacities of a scalable target",
        "application-autoscaling.register_scalable_target",
        {"MinCapacity": 3, "MaxCapacity": 2},
    ),
    RefusedCall(
        "size of a function's environment",
        "lambda.create_function",
        {"Environment": {"Variables": {"A": "x" * 4096}}},
    ),
    RefusedCall("identifier of an instance", INSTANCE, {"DBInstanceIdentifier": "arca--prod"}),
    RefusedCall("closed minor version", INSTANCE, {"Engine": "postgres", "EngineVersion": "16.8"}),
    RefusedCall("name of the master user", INSTANCE, {"MasterUsername": "rdsadmin"}),
    RefusedCall("password of the master user", INSTANCE, {"MasterUserPassword": "with a space"}),
    RefusedCall(
        "Performance Insights and Database Insights",
        INSTANCE,
        {"DatabaseInsightsMode": "advanced", "PerformanceInsightsRetentionPeriod": 7},
    ),
    RefusedCall(
        "sizes of storage",
        INSTANCE,
        {"AllocatedStorage": 100, "StorageType": "gp3", "Iops": 4000},
    ),
    RefusedCall(
        "windows of backup and maintenance",
        INSTANCE,
        {
            "PreferredBackupWindow": "07:00-08:00",
            "PreferredMaintenanceWindow": "sun:07:30-sun:08:30",
        },
    ),
    RefusedCall("interval of monitoring", INSTANCE, {"MonitoringInterval": 60}),
    RefusedCall("backups that are kept", INSTANCE, {"BackupRetentionPeriod": 36}),
    RefusedCall(
        "replica of an instance",
        "rds.create_db_instance_read_replica",
        {"SourceDBInstanceIdentifier": "arn:aws:rds:us-east-1:000000000000:db:arca-prod"},
    ),
    RefusedCall("name of a proxy", "rds.create_db_proxy", {"DBProxyName": "1-arca"}),
    RefusedCall("timeout of idle clients", "rds.create_db_proxy", {"IdleClientTimeout": 28801}),
    RefusedCall(
        "shares of a proxy's pool",
        "rds.modify_db_proxy_target_group",
        {"ConnectionPoolConfig": {"MaxConnectionsPercent": 40, "MaxIdleConnectionsPercent": 50}},
    ),
    RefusedCall("identifier of a cache", CACHE, {"ReplicationGroupId": "a" * 41}),
    RefusedCall(
        "nodes, failover and encryption of a cache",
        CACHE,
        {"AutomaticFailoverEnabled": True, "NumCacheClusters": 1},
    ),
    RefusedCall(
        "token of a cache", CACHE, {"AuthToken": "too short", "TransitEncryptionEnabled": True}
    ),
    RefusedCall("name of a bucket", "s3.create_bucket", {"Bucket": "Arca.Logs"}),
    RefusedCall(
        "days before an object moves",
        "s3.put_bucket_lifecycle_configuration",
        {
            "LifecycleConfiguration": {
                "Rules": [{"ID": "r", "Transitions": [{"Days": 7, "StorageClass": "STANDARD_IA"}]}]
            }
        },
    ),
    RefusedCall("replication of a bucket", "s3.put_bucket_replication", REPLICATION),
    RefusedCall(
        "target of access logs",
        "s3.put_bucket_logging",
        LOGGED,
        (("s3.put_object_lock_configuration", {"Bucket": "logs"}),),
    ),
    RefusedCall("span of an alarm", ALARM, {"Period": 3600, "EvaluationPeriods": 169}),
    RefusedCall("datapoints of an alarm", ALARM, {"DatapointsToAlarm": 3, "EvaluationPeriods": 2}),
    RefusedCall("metric math of an alarm", ALARM, alarm(*(f"m{n}" for n in range(11)))),
    RefusedCall(
        "dimensions of an alarm",
        ALARM,
        {"EvaluationPeriods": 1, "Dimensions": [{"Name": "Stage", "Value": "producción"}]},
    ),
    RefusedCall(
        "alarms of a composite alarm",
        "cloudwatch.put_composite_alarm",
        {"AlarmRule": 'ALARM("nowhere")'},
    ),
    RefusedCall(
        "deprecated runtime of a canary",
        CANARY,
        {"RuntimeVersion": "syn-python-selenium-5.1", "Schedule": {"Expression": "rate(0 hour)"}},
    ),
    RefusedCall(
        "encryption of a canary's artifacts",
        CANARY,
        {
            "RuntimeVersion": "syn-python-selenium-7.0",
            "ArtifactConfig": {},
            "Schedule": {"Expression": "rate(0 hour)"},
        },
    ),
    RefusedCall(
        "timeout of a canary",
        CANARY,
        {
            "RuntimeVersion": "syn-python-selenium-7.0",
            "Schedule": {"Expression": "rate(1 minute)"},
            "RunConfig": {"TimeoutInSeconds": 61},
        },
    ),
    RefusedCall("name of a topic", "sns.create_topic", {"Name": "arca prod"}),
    RefusedCall("name of a parameter", PARAMETER, {"Name": "/aws/arca", "Value": ""}),
    RefusedCall("value of a parameter", PARAMETER, {"Name": "/arca", "Value": "x" * 4097}),
    RefusedCall("name of a secret", "secretsmanager.create_secret", {"Name": "arca prod"}),
    RefusedCall("alias of a key", "kms.create_alias", {"AliasName": "alias/aws/arca"}),
    RefusedCall(
        "size of a trust policy", "iam.create_role", {"AssumeRolePolicyDocument": LONG_POLICY}
    ),
    RefusedCall(
        "size of a role's inline policies",
        "iam.put_role_policy",
        {"RoleName": "a", "PolicyDocument": LONG_POLICY},
    ),
    RefusedCall(
        "policies attached to a role",
        "iam.attach_role_policy",
        {"RoleName": "a"},
        (("iam.attach_role_policy", {"RoleName": "a"}),) * 10,
    ),
    RefusedCall(
        "expression of a schedule",
        "scheduler.create_schedule",
        {"ScheduleExpression": "cron(5 * * * *)"},
    ),
    RefusedCall("pattern of an event rule", "events.put_rule", {"EventPattern": '{"source": "a"}'}),
    RefusedCall(
        "body of a dashboard",
        "cloudwatch.put_dashboard",
        dashboard({"type": "log", "properties": {"region": "a", "query": "fields @message"}}),
    ),
)
"""One for each rule; a test compares the names."""
