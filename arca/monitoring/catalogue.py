"""Every metric that anything here reads, and no other.

AWS's names and dimensions are those of the services' own pages: Elastic Load Balancing User
Guide, "CloudWatch metrics for your Application Load Balancer"; Amazon ECS Developer Guide,
"CloudWatch metrics" and Container Insights' "Enhanced observability metrics"; Amazon RDS User
Guide, "CloudWatch metrics for Amazon RDS"; Amazon ElastiCache User Guide, "Metrics for Valkey and
Redis OSS"; Amazon Route 53 Developer Guide, "Monitoring health checks"; ACM User Guide,
"Supported CloudWatch metrics"; Amazon EventBridge User Guide, "Monitoring".
"""

from collections.abc import Mapping

from arca.monitoring.metric import Binding, Metric, aws, own

BALANCER: Mapping[str, Binding] = {"LoadBalancer": "load_balancer"}
ECS: Mapping[str, Binding] = {"ClusterName": "cluster", "ServiceName": "service"}
RDS: Mapping[str, Binding] = {"DBInstanceIdentifier": "database"}
CACHE: Mapping[str, Binding] = {"CacheClusterId": "cache_node"}
INSIGHTS = "ECS/ContainerInsights"

EDGE = (
    aws("edge.requests", "AWS/ApplicationELB RequestCount", "Sum", "rate",
        "Requests that reached the load balancer.", unit="Count", dimensions=BALANCER),
    aws("edge.server-errors", "AWS/ApplicationELB HTTPCode_ELB_5XX_Count", "Sum", "errors",
        "5xx of the load balancer itself: no task could answer.", unit="Count",
        dimensions=BALANCER),
    aws("edge.target-errors", "AWS/ApplicationELB HTTPCode_Target_5XX_Count", "Sum", "errors",
        "5xx of the tasks.", unit="Count", dimensions=BALANCER),
    aws("edge.client-errors", "AWS/ApplicationELB HTTPCode_Target_4XX_Count", "Sum", "errors",
        "4xx of the tasks.", unit="Count", dimensions=BALANCER),
    aws("edge.duration", "AWS/ApplicationELB TargetResponseTime", "p95", "duration",
        "Time until a task's answer begins.", unit="Seconds", dimensions=BALANCER),
    aws("edge.connections", "AWS/ApplicationELB ActiveConnectionCount", "Sum", "utilization",
        "Connections of Cloudflare and to the tasks.", unit="Count", dimensions=BALANCER),
    aws("edge.bytes", "AWS/ApplicationELB ProcessedBytes", "Sum", "utilization",
        "Bytes through the load balancer.", unit="Bytes", dimensions=BALANCER),
    aws("edge.healthy-blue", "AWS/ApplicationELB HealthyHostCount", "Minimum", "errors",
        "Healthy tasks of the blue target group.", unit="Count",
        dimensions={**BALANCER, "TargetGroup": "blue"}),
    aws("edge.healthy-green", "AWS/ApplicationELB HealthyHostCount", "Minimum", "errors",
        "Healthy tasks of the green target group.", unit="Count",
        dimensions={**BALANCER, "TargetGroup": "green"}),
    aws("edge.certificate-days", "AWS/CertificateManager DaysToExpiry", "Minimum", "saturation",
        "Days until the load balancer's certificate expires.", unit="Days",
        dimensions={"CertificateArn": "certificate"}),
    aws("edge.health", "AWS/Route53 HealthCheckStatus", "Minimum", "errors",
        "1 while Route 53's checkers find this region working.", unit="None",
        dimensions={"HealthCheckId": "health_check"}, region="us-east-1"),
)  # fmt: skip # one metric after the other

PROBE = (
    Metric("probe.success", "CloudWatchSynthetics", "SuccessPercent", "Percent", "Average",
           "errors", "probe", "100 where a run of the probe found the API working, else 0.",
           dimensions={"CanaryName": "canary"}),
    Metric("probe.duration", "CloudWatchSynthetics", "Duration", "Milliseconds", "Average",
           "duration", "probe", "Time of a whole run of the probe.",
           dimensions={"CanaryName": "canary"}),
)  # fmt: skip # likewise

API = (
    own("api.requests", "Requests", "rate", "Requests answered, health checks excluded."),
    own("api.requests.failed", "RequestsFailed", "errors",
        "Answers that are the API's own failure: 5xx, 408 and 425, and 429 below the quota."),
    own("api.requests.fast", "RequestsFast", "duration", "Requests answered within 200 ms."),
    own("api.client-errors", "ClientErrors", "errors", "4xx that are the caller's."),
    own("api.server-errors", "ServerErrors", "errors", "5xx."),
    own("api.duration", "RequestDuration", "duration", "Time until a request is answered.",
        unit="Milliseconds", stat="p95"),
    own("api.route-requests", "RouteRequests", "rate", "Requests by endpoint.", splits=("Route",)),
    own("api.route-duration", "RouteDuration", "duration", "Time by endpoint.",
        unit="Milliseconds", stat="p95", splits=("Route", )),
    own("api.route-errors", "RouteErrors", "errors", "Failed requests by endpoint.",
        splits=("Route", )),
    own("api.rate-limited", "RateLimited", "errors", "Requests refused with 429 over the quota."),
    own("api.authentications", "Authentications", "rate", "Attempts to authenticate."),
    own("api.authenticated", "AuthenticationsSucceeded", "errors", "Attempts that succeeded."),
    own("api.queue", "QueueDepth", "saturation", "Invoices waiting to be sent to ARCA.",
        stat="Maximum"),
)  # fmt: skip # likewise

DATABASE = (
    own("database.queries", "Queries", "rate", "Queries that ended."),
    own("database.queries.fast", "QueriesFast", "duration", "Queries that took 50 ms at most."),
    own("database.query-duration", "QueryDuration", "duration", "Time of a query.",
        unit="Milliseconds", stat="p95"),
    own("database.slow-queries", "SlowQueries", "errors", "Queries of more than 1 s."),
    own("database.pool-use", "PoolUse", "utilization",
        "Connections in use, of those that the pool may hold.", unit="Percent", stat="Maximum"),
    own("database.pool-waiting", "PoolWaiting", "saturation",
        "Requests waiting for a connection.", stat="Maximum"),
    aws("database.connections", "AWS/RDS DatabaseConnections", "Maximum", "utilization",
        "Sessions of the instance.", unit="Count", dimensions=RDS),
    aws("database.cpu", "AWS/RDS CPUUtilization", "Average", "utilization",
        "CPU of the instance.", unit="Percent", dimensions=RDS),
    aws("database.memory", "AWS/RDS FreeableMemory", "Minimum", "saturation",
        "Memory that is left.", unit="Bytes", dimensions=RDS),
    aws("database.storage", "AWS/RDS FreeStorageSpace", "Minimum", "saturation",
        "Storage that is left.", unit="Bytes", dimensions=RDS),
    aws("database.disk-queue", "AWS/RDS DiskQueueDepth", "Average", "saturation",
        "Reads and writes waiting for the disk.", unit="Count", dimensions=RDS),
    aws("database.read-latency", "AWS/RDS ReadLatency", "Average", "duration",
        "Time of a disk read.", unit="Seconds", dimensions=RDS),
    aws("database.write-latency", "AWS/RDS WriteLatency", "Average", "duration",
        "Time of a disk write.", unit="Seconds", dimensions=RDS),
    aws("database.replica-lag", "AWS/RDS ReplicaLag", "Maximum", "saturation",
        "Seconds that a replica is behind its source.", unit="Seconds", dimensions=RDS),
)  # fmt: skip # likewise

REDIS = (
    aws("cache.hit-rate", "AWS/ElastiCache CacheHitRate", "Average", "utilization",
        "Look-ups that found their key.", unit="Percent", dimensions=CACHE),
    aws("cache.memory", "AWS/ElastiCache DatabaseMemoryUsagePercentage", "Maximum", "utilization",
        "Memory in use, of maxmemory.", unit="Percent", dimensions=CACHE),
    aws("cache.evictions", "AWS/ElastiCache Evictions", "Sum", "saturation",
        "Keys thrown out for want of memory.", unit="Count", dimensions=CACHE),
    aws("cache.connections", "AWS/ElastiCache CurrConnections", "Maximum", "utilization",
        "Connections of clients.", unit="Count", dimensions=CACHE),
    aws("cache.cpu", "AWS/ElastiCache EngineCPUUtilization", "Average", "utilization",
        "CPU of the engine's thread.", unit="Percent", dimensions=CACHE),
)  # fmt: skip # likewise

ARCA = (
    own("arca.calls", "ArcaCalls", "rate", "Calls that asked ARCA for a CAE."),
    own("arca.calls.answered", "ArcaCallsAnswered", "errors",
        "Calls that ARCA answered, granted or refused."),
    own("arca.duration", "ArcaDuration", "duration", "Time of a call to ARCA.",
        unit="Milliseconds", stat="p95"),
    own("arca.token-hits", "ArcaTokenHits", "utilization",
        "Calls that found a valid WSAA token in the cache."),
    own("arca.token-misses", "ArcaTokenMisses", "utilization", "Calls that had to get a token."),
    own("arca.authorized", "CaeAuthorized", "business", "Invoices that got a CAE."),
    own("arca.rejected", "CaeRejected", "business", "Invoices that ARCA refused."),
    own("arca.certificate-days", "ArcaCertificateDays", "saturation",
        "Days until the WSAA client certificate expires.", unit="Days", stat="Minimum"),
)  # fmt: skip # likewise

BUSINESS = (
    own("business.invoices", "InvoicesCreated", "business", "Invoices created."),
    own("business.active-users", "ActiveUsers", "business",
        "Accounts with a request in the last five minutes.", stat="Maximum"),
)  # fmt: skip # likewise

INFRASTRUCTURE = (
    aws("service.cpu", "AWS/ECS CPUUtilization", "Average", "utilization",
        "CPU of the tasks, of what they reserve.", unit="Percent", dimensions=ECS),
    aws("service.memory", "AWS/ECS MemoryUtilization", "Average", "utilization",
        "Memory of the tasks, of what they reserve.", unit="Percent", dimensions=ECS),
    aws("service.running", f"{INSIGHTS} RunningTaskCount", "Minimum", "errors", "Tasks that run.",
        unit="Count", dimensions=ECS),
    aws("service.desired", f"{INSIGHTS} DesiredTaskCount", "Maximum", "utilization",
        "Tasks that should run.", unit="Count", dimensions=ECS),
    aws("service.network-in", f"{INSIGHTS} NetworkRxBytes", "Average", "utilization",
        "Bytes received a second.", unit="Bytes", dimensions=ECS),
    aws("service.network-out", f"{INSIGHTS} NetworkTxBytes", "Average", "utilization",
        "Bytes sent a second.", unit="Bytes", dimensions=ECS),
    aws("service.disk", f"{INSIGHTS} EphemeralStorageUtilized", "Maximum", "utilization",
        "Task storage in use, GB.", unit="None", dimensions=ECS),
    aws("service.deployments-failed", "AWS/Events TriggeredRules", "Sum", "errors",
        "Deployments that ECS gave up or rolled back.", unit="Count",
        dimensions={"RuleName": "deployment_rule"}),
    aws("service.migrations-failed", "AWS/Events TriggeredRules", "Sum", "errors",
        "Migration tasks that ended with a failure.", unit="Count",
        dimensions={"RuleName": "migration_rule"}),
    aws("service.crashes", "AWS/Events TriggeredRules", "Sum", "errors",
        "Tasks of the service whose container exited by itself.", unit="Count",
        dimensions={"RuleName": "crash_rule"}),
)  # fmt: skip # likewise

SLO = (
    own("slo.budget-consumed", "ErrorBudgetConsumed", "saturation",
        "Error budget used up, by objective and window.", unit="Percent", stat="Maximum",
        emitter="publisher", splits=("SLO", "Window")),
    own("slo.burn-rate", "BurnRate", "saturation",
        "How many times faster than allowed the budget burns.", unit="None", stat="Maximum",
        emitter="publisher", splits=("SLO", "Window")),
    own("slo.bad", "BadSlices", "errors",
        "Bad slices of the hour, for budgets longer than CloudWatch keeps minutes.",
        stat="Maximum", emitter="publisher", splits=("SLO", )),
    own("slo.maintenance", "Maintenance", "saturation",
        "1 in each minute of a maintenance window (`arca maintenance start`).", unit="None",
        stat="Minimum", emitter="operator"),
)  # fmt: skip # likewise

GROUPS: Mapping[str, tuple[Metric, ...]] = {
    "Edge": EDGE,
    "Probe": PROBE,
    "API": API,
    "Database": DATABASE,
    "Redis": REDIS,
    "ARCA client": ARCA,
    "Business": BUSINESS,
    "Infrastructure": INFRASTRUCTURE,
    "Objectives": SLO,
}
CATALOGUE: Mapping[str, Metric] = {
    metric.id: metric for metrics in GROUPS.values() for metric in metrics
}
"""Every metric by its id."""
