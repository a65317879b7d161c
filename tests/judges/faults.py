"""The planted faults: what is wrong, where, and which judges find it."""

from tests.judges.planted import (
    ALARM,
    BOARD,
    BOTOCORE,
    CACHE,
    CANARY,
    CFN,
    CHECK,
    CLOUDFLARE,
    COLLECTOR,
    CONFIGURATION,
    DATABASE,
    LIMITS,
    METRICS,
    ON_PLAN,
    POLICY,
    REFUSALS,
    ROLE,
    ROLES,
    SERVICE,
    TASK,
    Fault,
    fault,
)

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
RULESET = "cloudflare:index/ruleset:Ruleset"
KEY = "arn:aws:kms:sa-east-1:000000000000:key/1"

FAULTS: tuple[Fault, ...] = (
    # Item 1 to 28 of issue 14, as far as a judge can see them.
    fault(
        "apostrophe in a rule's description",
        (INGRESS, "access-load-balancer-service-8080"),
        {"description": "the balancer's requests"},
        REFUSALS,
        item=1,
    ),
    fault(
        "encrypted artifacts of a canary in Python",
        CANARY,
        {"artifactConfig": {"s3Encryption": {"encryptionMode": "SSE_KMS", "kmsKeyArn": KEY}}},
        REFUSALS,
        item=2,
    ),
    fault("health check of a free zone", CHECK, {}, ON_PLAN, item=3, plan="free"),
    fault(
        "two rate limits of a free zone, and a minute",
        LIMITS,
        {"rules.0.ratelimit.period": 60},
        ON_PLAN,
        item=3,
        plan="free",
    ),
    fault(
        "managed rules of a free zone",
        (RULESET, "edge-request-firewall-managed"),
        {},
        ON_PLAN,
        item=3,
        plan="free",
    ),
    fault(
        "condition in the trust of S3's replication",
        (ROLE, "storage-replication"),
        {
            "assumeRolePolicy.@.Statement.0.Condition": {
                "StringEquals": {"aws:SourceAccount": "000000000000"}
            }
        },
        ROLES,
        item=13,
    ),
    fault(
        "permission that a page wants and the policy lacks",
        (POLICY, "audit-trail-writer"),
        {"policy.@.Statement.0.Action": ["s3:AbortMultipartUpload"]},
        ROLES,
        item=14,
    ),
    fault(
        "minor version of PostgreSQL that is closed",
        DATABASE,
        {"engineVersion": "16.8"},
        CFN,
        REFUSALS,
        item=15,
    ),
    fault(
        "minor version of PostgreSQL that is deprecated",
        DATABASE,
        {"engineVersion": "12.4"},
        CFN,
        item=15,
    ),
    fault(
        "deprecated runtime of a canary",
        CANARY,
        {"runtimeVersion": "syn-python-selenium-5.1"},
        REFUSALS,
        item=15,
    ),
    fault(
        "misspelt TLS policy",
        ("aws:lb/listener:Listener", "load-balancer-production"),
        {"sslPolicy": "ELBSecurityPolicy-TLS13-2021-06"},
        REFUSALS,
        item=15,
    ),
    fault(
        "unknown level of security",
        ("cloudflare:index/zoneSetting:ZoneSetting", "edge-security-level"),
        {"value": "very high"},
        CLOUDFLARE,
        item=16,
    ),
    fault(
        "filter of a notification that its kind has not",
        ("cloudflare:index/notificationPolicy:NotificationPolicy", "edge-region"),
        {"filters.healths": ["Healthy"]},
        CLOUDFLARE,
        item=17,
    ),
    fault(
        "circuit breaker of a canary deployment",
        SERVICE,
        {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        REFUSALS,
        item=27,
    ),
    # The database, the cache and the storage.
    fault(
        "class of an instance that the region has not",
        DATABASE,
        {"instanceClass": "db.r7x.large"},
        CFN,
    ),
    fault("unknown type of storage", DATABASE, {"storageType": "gp9"}, REFUSALS),
    fault(
        "months of Insights", DATABASE, {"performanceInsightsRetentionPeriod": 400.0}, CFN, REFUSALS
    ),
    fault("too many days of backups", DATABASE, {"backupRetentionPeriod": 36.0}, CFN, REFUSALS),
    fault(
        "backups in the time of maintenance", DATABASE, {"backupWindow": "07:00-08:00"}, REFUSALS
    ),
    fault("storage that cannot grow", DATABASE, {"maxAllocatedStorage": 100.0}, REFUSALS),
    fault("encryption without a key's own", DATABASE, {"storageEncrypted": False}, CFN),
    fault("node of a cache that does not exist", CACHE, {"nodeType": "cache.r7z.large"}, CFN),
    fault("Valkey without TLS", CACHE, {"transitEncryptionEnabled": False}, REFUSALS),
    fault("failover of one node", CACHE, {"numCacheClusters": 1.0}, REFUSALS),
    fault(
        "bucket with a capital letter",
        ("aws:s3/bucket:Bucket", "storage-logs"),
        {"bucket": "Arca-Logs"},
        CFN,
        REFUSALS,
    ),
    fault(
        "unknown state of versioning",
        ("aws:s3/bucketVersioning:BucketVersioning", "storage-logs"),
        {"versioningConfiguration.status": "On"},
        CFN,
        BOTOCORE,
    ),
    # The network and the edge of AWS.
    fault(
        "range that is none",
        (INGRESS, "access-nat-load-balancer-8443-a"),
        {"cidrIpv4": "10.0.0.0/33"},
        CFN,
        REFUSALS,
    ),
    fault(
        "subnet that is too small",
        ("aws:ec2/subnet:Subnet", "network-public-a"),
        {"cidrBlock": "10.30.0.0/29"},
        REFUSALS,
    ),
    fault(
        "ports without a protocol",
        (INGRESS, "access-load-balancer-service-8080"),
        {"ipProtocol": None},
        CFN,
    ),
    fault(
        "interval of flow logs",
        ("aws:ec2/flowLog:FlowLog", "flow-logs"),
        {"maxAggregationInterval": 300.0},
        REFUSALS,
    ),
    fault(
        "interface endpoint's service as a gateway",
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "network-s3"),
        {"serviceName": "com.amazonaws.sa-east-1.ecr.api"},
        REFUSALS,
    ),
    fault(
        "HTTPS without a certificate",
        ("aws:lb/listener:Listener", "load-balancer-production"),
        {"certificateArn": None},
        CFN,
    ),
    fault(
        "slow start beside the fewest requests",
        ("aws:lb/targetGroup:TargetGroup", "load-balancer-blue"),
        {"slowStart": 60.0},
        REFUSALS,
    ),
    fault(
        "interval of Route 53's check",
        ("aws:route53/healthCheck:HealthCheck", "origin"),
        {"requestInterval": 60.0},
        CFN,
        BOTOCORE,
    ),
    fault(
        "log of the firewall under another name",
        ("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "firewall"),
        {"logDestinationConfigs": ["arn:aws:logs:sa-east-1:000000000000:log-group:waf"]},
        REFUSALS,
    ),
    fault(
        "unknown scope of the firewall",
        ("aws:wafv2/webAcl:WebAcl", "firewall"),
        {"scope": "GLOBAL"},
        CFN,
        BOTOCORE,
    ),
    # Containers and functions.
    fault("size of a task that Fargate has not", TASK, {"cpu": "300"}, CFN),
    fault("privileged container", TASK, {"containerDefinitions.@.0.privileged": True}, REFUSALS),
    fault(
        "driver of logs that Fargate has not",
        TASK,
        {"containerDefinitions.@.0.logConfiguration.logDriver": "syslog"},
        CFN,
    ),
    fault(
        "interval of a container's check",
        TASK,
        {"containerDefinitions.@.0.healthCheck.interval": 1},
        REFUSALS,
    ),
    fault(
        "unknown strategy of deployments",
        SERVICE,
        {"deploymentConfiguration.strategy": "ALL"},
        CFN,
        BOTOCORE,
    ),
    fault(
        "function with a runtime that has ended",
        ("aws:lambda/function:Function", "observability-publisher"),
        {"runtime": "python3.7"},
        CFN,
    ),
    # Monitoring.
    fault("alarm over a week", ALARM, {"evaluationPeriods": 2000.0}, REFUSALS),
    fault("misspelt treatment of missing data", ALARM, {"treatMissingData": "ok"}, CFN),
    fault(
        "alarm on a metric that nobody publishes",
        ALARM,
        {"namespace": "AWS/ECS", "metricName": "CpuUtilization"},
        METRICS,
    ),
    fault(
        "widget with Route 53's metrics in another region",
        BOARD,
        {
            "dashboardBody.@.widgets.0.properties": {
                "region": "sa-east-1",
                "metrics": [["AWS/Route53", "HealthCheckStatus", "HealthCheckId", "none"]],
            }
        },
        METRICS,
    ),
    fault(
        "log widget without its groups",
        BOARD,
        {
            "dashboardBody.@.widgets.0": {
                "type": "log",
                "properties": {"region": "sa-east-1", "query": "fields @message"},
            }
        },
        REFUSALS,
    ),
    fault(
        "days that logs are kept",
        ("aws:cloudwatch/logGroup:LogGroup", "firewall"),
        {"retentionInDays": 91.0},
        CFN,
    ),
    fault(
        "schedule with five fields",
        ("aws:scheduler/schedule:Schedule", "observability-publisher"),
        {"scheduleExpression": "cron(5 * * * *)"},
        REFUSALS,
    ),
    fault(
        "collector with a misspelt rollup",
        CONFIGURATION,
        {"value.@.exporters.awsemf.dimension_rollup_option": "None"},
        COLLECTOR,
    ),
    fault(
        "sampling of metrics",
        CONFIGURATION,
        {
            "value.@.service.pipelines.metrics.processors": [
                "memory_limiter",
                "tail_sampling",
                "resource",
                "batch",
            ]
        },
        COLLECTOR,
    ),
    # IAM.
    fault(
        "action that does not exist",
        (POLICY, "proxy"),
        {"policy.@.Statement.0.Action": ["secretsmanager:ReadSecret"]},
        CFN,
        ROLES,
    ),
    fault(
        "more than the proxy needs",
        (POLICY, "proxy"),
        {
            "policy.@.Statement.0.Action": [
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
            ]
        },
        ROLES,
    ),
    fault(
        "trust policy of another version",
        (ROLE, "proxy"),
        {"assumeRolePolicy.@.Version": "2012-10-18"},
        CFN,
    ),
    # Cloudflare.
    fault("action that no rule has", LIMITS, {"rules.0.action": "blok"}, CLOUDFLARE),
    fault(
        "requests in a text", LIMITS, {"rules.0.ratelimit.requestsPerPeriod": "many"}, CLOUDFLARE
    ),
    fault("period that Cloudflare has not", LIMITS, {"rules.0.ratelimit.period": 25.0}, ON_PLAN),
    fault("method that a health check has not", CHECK, {"httpConfig.method": "POST"}, CLOUDFLARE),
    fault("misspelt parameter", CHECK, {"httpConfig.expectedCode": ["200"]}, CLOUDFLARE),
    fault(
        "mode of TLS that does not exist",
        ("cloudflare:index/zoneSetting:ZoneSetting", "edge-ssl"),
        {"value": "strictest"},
        CLOUDFLARE,
    ),
    fault(
        "type of record that does not exist",
        ("cloudflare:index/dnsRecord:DnsRecord", "edge-region"),
        {"type": "ALIAS"},
        CLOUDFLARE,
    ),
)
"""Each is planted alone into the graph of prod."""
