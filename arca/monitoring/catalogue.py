"""Every metric that anything here reads, and no other.

AWS's names and dimensions are those of the services' own pages: Elastic Load Balancing User Guide,
"CloudWatch metrics for your Application Load Balancer"; Amazon ECS Developer Guide, "CloudWatch
metrics" and Container Insights' "Enhanced observability metrics"; Amazon RDS User Guide,
"CloudWatch metrics for Amazon RDS"; Amazon ElastiCache User Guide, "Metrics for Valkey and Redis
OSS"; Amazon S3 User Guide, "Using S3 Replication metrics", which says that latency is published in
the destination's region and failures in the source's; Amazon Route 53 Developer Guide, "Monitoring
health checks"; AWS Backup Developer Guide, "AWS Backup metrics with Amazon CloudWatch"; ACM User
Guide, "Supported CloudWatch metrics"; Amazon EventBridge User Guide,
"Monitoring"; AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

MetricRole = Literal["rate", "errors", "duration", "utilization", "saturation", "business"]
"""RED for what customers ask, USE for what it runs on, and what the business counts."""
Emitter = Literal["AWS", "service", "probe", "publisher"]
Unit = Literal["Count", "Percent", "Milliseconds", "Seconds", "Bytes", "Days", "None"]
Binding = Literal[
    "stage",
    "load_balancer",
    "blue",
    "green",
    "cluster",
    "service",
    "database",
    "cache_node",
    "canary",
    "certificate",
    "health_check",
    "deployment_rule",
    "migration_rule",
    "crash_rule",
    "backup_rule",
    "vault",
    "definition_watch",
    "copy_source",
    "copy_destination",
    "copy_rule",
]
"""What differs by stack: the name under which a stack gives a dimension its values."""
OWN_NAMESPACE = "arca-api"
"""The CloudWatch namespace of the metrics that the platform and the service emit."""


@dataclass(frozen=True)
class Metric:
    """A metric as CloudWatch knows it."""

    id: str
    """Its name in this project."""
    namespace: str
    name: str
    unit: Unit
    stat: str
    """The statistic that alarms and graphs read unless they name another."""
    role: MetricRole
    emitter: Emitter
    meaning: str
    dimensions: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    """CloudWatch's dimensions, each with the binding that gives its value."""
    splits: tuple[str, ...] = ()
    """Dimensions whose values are found at run time; a graph draws one line for each value."""
    region: str = ""
    """The region that holds the metric; empty for the stack's own region."""
    threshold_variable: str = ""
    """The variable that gives the service an objective's threshold in ms, to count by; or empty."""


def own_metric(
    identifier: str,
    name: str,
    *,
    role: MetricRole,
    meaning: str,
    unit: Unit = "Count",
    stat: str = "Sum",
    emitter: Emitter = "service",
    splits: tuple[str, ...] = (),
    threshold_variable: str = "",
) -> Metric:
    """Describe a metric of the project's own namespace, with the dimension Stage."""
    return Metric(
        id=identifier,
        namespace=OWN_NAMESPACE,
        name=name,
        unit=unit,
        stat=stat,
        role=role,
        emitter=emitter,
        meaning=meaning,
        dimensions={"Stage": "stage"},
        splits=splits,
        threshold_variable=threshold_variable,
    )


def aws_metric(
    identifier: str,
    where: str,
    *,
    stat: str,
    role: MetricRole,
    meaning: str,
    unit: Unit,
    dimensions: Mapping[str, Binding],
    region: str = "",
) -> Metric:
    """Describe a metric that AWS publishes; `where` reads `AWS/RDS CPUUtilization`."""
    namespace, name = where.split(" ")
    return Metric(
        id=identifier,
        namespace=namespace,
        name=name,
        unit=unit,
        stat=stat,
        role=role,
        emitter="AWS",
        meaning=meaning,
        dimensions=dimensions,
        region=region,
    )


BALANCER_DIMENSIONS: Mapping[str, Binding] = {"LoadBalancer": "load_balancer"}
ECS_DIMENSIONS: Mapping[str, Binding] = {"ClusterName": "cluster", "ServiceName": "service"}
RDS_DIMENSIONS: Mapping[str, Binding] = {"DBInstanceIdentifier": "database"}
COPY_DIMENSIONS: Mapping[str, Binding] = {
    "SourceBucket": "copy_source",
    "DestinationBucket": "copy_destination",
    "RuleId": "copy_rule",
}
CACHE_DIMENSIONS: Mapping[str, Binding] = {"CacheClusterId": "cache_node"}
INSIGHTS = "ECS/ContainerInsights"

EDGE_METRICS = (
    aws_metric(
        "edge.requests",
        "AWS/ApplicationELB RequestCount",
        stat="Sum",
        role="rate",
        meaning="Requests that reached the load balancer.",
        unit="Count",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.server-errors",
        "AWS/ApplicationELB HTTPCode_ELB_5XX_Count",
        stat="Sum",
        role="errors",
        meaning="5xx of the load balancer itself: no task could answer.",
        unit="Count",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.target-errors",
        "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
        stat="Sum",
        role="errors",
        meaning="5xx of the tasks.",
        unit="Count",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.client-errors",
        "AWS/ApplicationELB HTTPCode_Target_4XX_Count",
        stat="Sum",
        role="errors",
        meaning="4xx of the tasks.",
        unit="Count",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.duration",
        "AWS/ApplicationELB TargetResponseTime",
        stat="p95",
        role="duration",
        meaning="Time until a task's answer begins.",
        unit="Seconds",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.connections",
        "AWS/ApplicationELB ActiveConnectionCount",
        stat="Sum",
        role="utilization",
        meaning="Connections of Cloudflare and to the tasks.",
        unit="Count",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.bytes",
        "AWS/ApplicationELB ProcessedBytes",
        stat="Sum",
        role="utilization",
        meaning="Bytes through the load balancer.",
        unit="Bytes",
        dimensions=BALANCER_DIMENSIONS,
    ),
    aws_metric(
        "edge.healthy-blue",
        "AWS/ApplicationELB HealthyHostCount",
        stat="Minimum",
        role="errors",
        meaning="Healthy tasks of the blue target group.",
        unit="Count",
        dimensions={**BALANCER_DIMENSIONS, "TargetGroup": "blue"},
    ),
    aws_metric(
        "edge.healthy-green",
        "AWS/ApplicationELB HealthyHostCount",
        stat="Minimum",
        role="errors",
        meaning="Healthy tasks of the green target group.",
        unit="Count",
        dimensions={**BALANCER_DIMENSIONS, "TargetGroup": "green"},
    ),
    aws_metric(
        "edge.certificate-days",
        "AWS/CertificateManager DaysToExpiry",
        stat="Minimum",
        role="saturation",
        meaning="Days until the load balancer's certificate expires.",
        unit="Days",
        dimensions={"CertificateArn": "certificate"},
    ),
    aws_metric(
        "edge.health",
        "AWS/Route53 HealthCheckStatus",
        stat="Minimum",
        role="errors",
        meaning="1 while Route 53's checkers find this region working.",
        unit="None",
        dimensions={"HealthCheckId": "health_check"},
        region="us-east-1",
    ),
)

PROBE_METRICS = (
    Metric(
        id="probe.success",
        namespace="CloudWatchSynthetics",
        name="SuccessPercent",
        unit="Percent",
        stat="Average",
        role="errors",
        emitter="probe",
        meaning="100 where a run of the probe found the API working, else 0.",
        dimensions={"CanaryName": "canary"},
    ),
    Metric(
        id="probe.duration",
        namespace="CloudWatchSynthetics",
        name="Duration",
        unit="Milliseconds",
        stat="Average",
        role="duration",
        emitter="probe",
        meaning="Time of a whole run of the probe.",
        dimensions={"CanaryName": "canary"},
    ),
)

API_METRICS = (
    own_metric(
        "api.requests",
        "Requests",
        role="rate",
        meaning="Requests answered, health checks excluded.",
    ),
    own_metric(
        "api.requests.failed",
        "RequestsFailed",
        role="errors",
        meaning="Answers that are the API's own failure: 5xx, 408 and 425, "
        "and 429 below the quota.",
    ),
    own_metric(
        "api.requests.fast",
        "RequestsFast",
        role="duration",
        meaning="Requests that did not fail, answered within `REQUESTS_FAST_MS`.",
        threshold_variable="REQUESTS_FAST_MS",
    ),
    own_metric(
        "api.client-errors",
        "ClientErrors",
        role="errors",
        meaning="4xx that are the caller's.",
    ),
    own_metric(
        "api.server-errors",
        "ServerErrors",
        role="errors",
        meaning="5xx.",
    ),
    own_metric(
        "api.duration",
        "RequestDuration",
        role="duration",
        meaning="Time until a request is answered.",
        unit="Milliseconds",
        stat="p95",
    ),
    own_metric(
        "api.route-requests",
        "RouteRequests",
        role="rate",
        meaning="Requests by endpoint.",
        splits=("Route",),
    ),
    own_metric(
        "api.route-duration",
        "RouteDuration",
        role="duration",
        meaning="Time by endpoint.",
        unit="Milliseconds",
        stat="p95",
        splits=("Route",),
    ),
    own_metric(
        "api.route-errors",
        "RouteErrors",
        role="errors",
        meaning="Failed requests by endpoint.",
        splits=("Route",),
    ),
    own_metric(
        "api.rate-limited",
        "RateLimited",
        role="errors",
        meaning="Requests refused with 429 over the quota.",
    ),
    own_metric(
        "api.authentications",
        "Authentications",
        role="rate",
        meaning="Attempts to authenticate.",
    ),
    own_metric(
        "api.authenticated",
        "AuthenticationsSucceeded",
        role="errors",
        meaning="Attempts that succeeded.",
    ),
    own_metric(
        "api.queue",
        "QueueDepth",
        role="saturation",
        meaning="Invoices waiting to be sent to ARCA.",
        stat="Maximum",
    ),
)

DATABASE_METRICS = (
    own_metric(
        "database.queries",
        "Queries",
        role="rate",
        meaning="Queries that ended.",
    ),
    own_metric(
        "database.queries.fast",
        "QueriesFast",
        role="duration",
        meaning="Queries that took `QUERIES_FAST_MS` at most.",
        threshold_variable="QUERIES_FAST_MS",
    ),
    own_metric(
        "database.query-duration",
        "QueryDuration",
        role="duration",
        meaning="Time of a query.",
        unit="Milliseconds",
        stat="p95",
    ),
    own_metric(
        "database.slow-queries",
        "SlowQueries",
        role="errors",
        meaning="Queries of more than 1 s.",
    ),
    own_metric(
        "database.pool-use",
        "PoolUse",
        role="utilization",
        meaning="Connections in use, of those that the pool may hold.",
        unit="Percent",
        stat="Maximum",
    ),
    own_metric(
        "database.pool-waiting",
        "PoolWaiting",
        role="saturation",
        meaning="Requests waiting for a connection.",
        stat="Maximum",
    ),
    aws_metric(
        "database.connections",
        "AWS/RDS DatabaseConnections",
        stat="Maximum",
        role="utilization",
        meaning="Sessions of the instance.",
        unit="Count",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.cpu",
        "AWS/RDS CPUUtilization",
        stat="Average",
        role="utilization",
        meaning="CPU of the instance.",
        unit="Percent",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.memory",
        "AWS/RDS FreeableMemory",
        stat="Minimum",
        role="saturation",
        meaning="Memory that is left.",
        unit="Bytes",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.storage",
        "AWS/RDS FreeStorageSpace",
        stat="Minimum",
        role="saturation",
        meaning="Storage that is left.",
        unit="Bytes",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.disk-queue",
        "AWS/RDS DiskQueueDepth",
        stat="Average",
        role="saturation",
        meaning="Reads and writes waiting for the disk.",
        unit="Count",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.read-latency",
        "AWS/RDS ReadLatency",
        stat="Average",
        role="duration",
        meaning="Time of a disk read.",
        unit="Seconds",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.write-latency",
        "AWS/RDS WriteLatency",
        stat="Average",
        role="duration",
        meaning="Time of a disk write.",
        unit="Seconds",
        dimensions=RDS_DIMENSIONS,
    ),
    aws_metric(
        "database.replica-lag",
        "AWS/RDS ReplicaLag",
        stat="Maximum",
        role="saturation",
        meaning="Seconds that a replica is behind its source.",
        unit="Seconds",
        dimensions=RDS_DIMENSIONS,
    ),
)

REDIS_METRICS = (
    aws_metric(
        "cache.hit-rate",
        "AWS/ElastiCache CacheHitRate",
        stat="Average",
        role="utilization",
        meaning="Look-ups that found their key.",
        unit="Percent",
        dimensions=CACHE_DIMENSIONS,
    ),
    aws_metric(
        "cache.memory",
        "AWS/ElastiCache DatabaseMemoryUsagePercentage",
        stat="Maximum",
        role="utilization",
        meaning="Memory in use, of maxmemory.",
        unit="Percent",
        dimensions=CACHE_DIMENSIONS,
    ),
    aws_metric(
        "cache.evictions",
        "AWS/ElastiCache Evictions",
        stat="Sum",
        role="saturation",
        meaning="Keys thrown out for want of memory.",
        unit="Count",
        dimensions=CACHE_DIMENSIONS,
    ),
    aws_metric(
        "cache.connections",
        "AWS/ElastiCache CurrConnections",
        stat="Maximum",
        role="utilization",
        meaning="Connections of clients.",
        unit="Count",
        dimensions=CACHE_DIMENSIONS,
    ),
    aws_metric(
        "cache.cpu",
        "AWS/ElastiCache EngineCPUUtilization",
        stat="Average",
        role="utilization",
        meaning="CPU of the engine's thread.",
        unit="Percent",
        dimensions=CACHE_DIMENSIONS,
    ),
)

ARCA_METRICS = (
    own_metric(
        "arca.calls",
        "ArcaCalls",
        role="rate",
        meaning="Calls that asked ARCA for a CAE.",
    ),
    own_metric(
        "arca.calls.answered",
        "ArcaCallsAnswered",
        role="errors",
        meaning="Calls that ARCA answered, granted or refused.",
    ),
    own_metric(
        "arca.duration",
        "ArcaDuration",
        role="duration",
        meaning="Time of a call to ARCA.",
        unit="Milliseconds",
        stat="p95",
    ),
    own_metric(
        "arca.token-hits",
        "ArcaTokenHits",
        role="utilization",
        meaning="Calls that found a valid WSAA token in the cache.",
    ),
    own_metric(
        "arca.token-misses",
        "ArcaTokenMisses",
        role="utilization",
        meaning="Calls that had to get a token.",
    ),
    own_metric(
        "arca.authorized",
        "CaeAuthorized",
        role="business",
        meaning="Invoices that got a CAE.",
    ),
    own_metric(
        "arca.rejected",
        "CaeRejected",
        role="business",
        meaning="Invoices that ARCA refused.",
    ),
    own_metric(
        "arca.certificate-days",
        "ArcaCertificateDays",
        role="saturation",
        meaning="Days until the WSAA client certificate expires.",
        unit="Days",
        stat="Minimum",
    ),
)

BUSINESS_METRICS = (
    own_metric(
        "business.invoices",
        "InvoicesCreated",
        role="business",
        meaning="Invoices created.",
    ),
    own_metric(
        "business.active-users",
        "ActiveUsers",
        role="business",
        meaning="Accounts with a request in the last five minutes.",
        stat="Maximum",
    ),
)

INFRASTRUCTURE_METRICS = (
    aws_metric(
        "service.cpu",
        "AWS/ECS CPUUtilization",
        stat="Average",
        role="utilization",
        meaning="CPU of the tasks, of what they reserve.",
        unit="Percent",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.memory",
        "AWS/ECS MemoryUtilization",
        stat="Average",
        role="utilization",
        meaning="Memory of the tasks, of what they reserve.",
        unit="Percent",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.running",
        f"{INSIGHTS} RunningTaskCount",
        stat="Minimum",
        role="errors",
        meaning="Tasks that run.",
        unit="Count",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.desired",
        f"{INSIGHTS} DesiredTaskCount",
        stat="Maximum",
        role="utilization",
        meaning="Tasks that should run.",
        unit="Count",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.network-in",
        f"{INSIGHTS} NetworkRxBytes",
        stat="Average",
        role="utilization",
        meaning="Bytes received a second.",
        unit="Bytes",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.network-out",
        f"{INSIGHTS} NetworkTxBytes",
        stat="Average",
        role="utilization",
        meaning="Bytes sent a second.",
        unit="Bytes",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.disk",
        f"{INSIGHTS} EphemeralStorageUtilized",
        stat="Maximum",
        role="utilization",
        meaning="Task storage in use, GB.",
        unit="None",
        dimensions=ECS_DIMENSIONS,
    ),
    aws_metric(
        "service.deployments-failed",
        "AWS/Events TriggeredRules",
        stat="Sum",
        role="errors",
        meaning="Deployments that ECS gave up or rolled back.",
        unit="Count",
        dimensions={"RuleName": "deployment_rule"},
    ),
    aws_metric(
        "service.migrations-failed",
        "AWS/Events TriggeredRules",
        stat="Sum",
        role="errors",
        meaning="Migration tasks that ended with a failure.",
        unit="Count",
        dimensions={"RuleName": "migration_rule"},
    ),
    aws_metric(
        "service.crashes",
        "AWS/Events TriggeredRules",
        stat="Sum",
        role="errors",
        meaning="Tasks of the service whose container exited by itself.",
        unit="Count",
        dimensions={"RuleName": "crash_rule"},
    ),
    aws_metric(
        "service.definitions-unknown",
        "AWS/Lambda Errors",
        stat="Sum",
        role="errors",
        meaning="Looks at the task definitions that found an unknown one, or failed.",
        unit="Count",
        dimensions={"FunctionName": "definition_watch"},
    ),
)

SLO_METRICS = (
    own_metric(
        "slo.budget-consumed",
        "ErrorBudgetConsumed",
        role="saturation",
        meaning="Error budget used up, by objective and window.",
        unit="Percent",
        stat="Maximum",
        emitter="publisher",
        splits=("SLO", "Window"),
    ),
    own_metric(
        "slo.burn-rate",
        "BurnRate",
        role="saturation",
        meaning="How many times faster than allowed the budget burns.",
        unit="None",
        stat="Maximum",
        emitter="publisher",
        splits=("SLO", "Window"),
    ),
    own_metric(
        "slo.bad",
        "BadSlices",
        role="errors",
        meaning="Bad slices of the hour, for budgets longer than CloudWatch keeps minutes.",
        stat="Maximum",
        emitter="publisher",
        splits=("SLO",),
    ),
)

COPY_METRICS = (
    aws_metric(
        "copies.latency",
        "AWS/S3 ReplicationLatency",
        stat="Maximum",
        role="saturation",
        meaning="Seconds that a bucket's copy in the DR region is behind.",
        unit="Seconds",
        dimensions=COPY_DIMENSIONS,
    ),
    aws_metric(
        "copies.failed",
        "AWS/S3 OperationsFailedReplication",
        stat="Sum",
        role="errors",
        meaning="Objects that were not copied into the DR region.",
        unit="Count",
        dimensions=COPY_DIMENSIONS,
    ),
    aws_metric(
        "backups.completed",
        "AWS/Backup NumberOfBackupJobsCompleted",
        stat="Sum",
        role="saturation",
        meaning="Backups that AWS Backup completed.",
        unit="Count",
        dimensions={"BackupVaultName": "vault"},
    ),
    aws_metric(
        "backups.failed",
        "AWS/Events TriggeredRules",
        stat="Sum",
        role="errors",
        meaning="Backups, copies into the DR region and restore tests that failed.",
        unit="Count",
        dimensions={"RuleName": "backup_rule"},
    ),
)

GROUPS: Mapping[str, tuple[Metric, ...]] = {
    "Edge": EDGE_METRICS,
    "Probe": PROBE_METRICS,
    "API": API_METRICS,
    "Database": DATABASE_METRICS,
    "Redis": REDIS_METRICS,
    "ARCA client": ARCA_METRICS,
    "Business": BUSINESS_METRICS,
    "Infrastructure": INFRASTRUCTURE_METRICS,
    "Objectives": SLO_METRICS,
    "Copies": COPY_METRICS,
}
CATALOGUE: Mapping[str, Metric] = {
    metric.id: metric for metrics in GROUPS.values() for metric in metrics
}
"""Every metric by its id."""
THRESHOLD_VARIABLES = tuple(
    metric.threshold_variable for metric in CATALOGUE.values() if metric.threshold_variable
)
"""The variables that give the service the thresholds of objectives."""


def is_bound(identifier: str, bindings: Mapping[Binding, Sequence[object]]) -> bool:
    """Return whether a stack has a value for every dimension: one without a probe has no canary."""
    return all(bindings[binding] for binding in CATALOGUE[identifier].dimensions.values())
