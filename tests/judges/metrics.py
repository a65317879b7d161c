"""The judge of metrics: what alarms and dashboards read exists for the resource in that region."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from arca.clock import Clock
from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.monitoring.catalogue import OWN_NAMESPACE
from components.storage import RULE
from tests.graph import ACCOUNT, Graph, primary_recovery
from tests.judges.cfn_lint import region_of

JUDGE = "metrics"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


class Published(NamedTuple):
    """What AWS publishes with a set of dimensions, and the page that lists it."""

    page: str
    dimensions: frozenset[str]
    names: frozenset[str]


def _published(page: str, dimensions: str, names: str) -> Published:
    return Published(page, frozenset(dimensions.split()), frozenset(names.split()))


PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "AWS/ApplicationELB": (
        _published(
            "Application Load Balancers Guide, CloudWatch metrics",
            "LoadBalancer",
            "ActiveConnectionCount ClientTLSNegotiationErrorCount ConsumedLCUs "
            "HTTPCode_ELB_4XX_Count HTTPCode_ELB_5XX_Count HTTPCode_Target_2XX_Count "
            "HTTPCode_Target_4XX_Count HTTPCode_Target_5XX_Count NewConnectionCount "
            "ProcessedBytes RejectedConnectionCount RequestCount TargetConnectionErrorCount "
            "TargetResponseTime",
        ),
        _published(
            "Application Load Balancers Guide, CloudWatch metrics",
            "LoadBalancer TargetGroup",
            "HTTPCode_Target_2XX_Count HTTPCode_Target_4XX_Count HTTPCode_Target_5XX_Count "
            "HealthyHostCount RequestCount RequestCountPerTarget TargetConnectionErrorCount "
            "TargetResponseTime UnHealthyHostCount",
        ),
    ),
    "AWS/Backup": (
        _published(
            "AWS Backup Developer Guide, AWS Backup metrics with Amazon CloudWatch",
            "BackupVaultName",
            "NumberOfBackupJobsAborted NumberOfBackupJobsCompleted NumberOfBackupJobsCreated "
            "NumberOfBackupJobsExpired NumberOfBackupJobsFailed NumberOfCopyJobsCompleted "
            "NumberOfCopyJobsFailed NumberOfRestoreJobsCompleted NumberOfRestoreJobsFailed",
        ),
    ),
    "AWS/CertificateManager": (
        _published(
            "AWS Certificate Manager User Guide, Supported CloudWatch metrics",
            "CertificateArn",
            "DaysToExpiry",
        ),
    ),
    "AWS/ECS": (
        _published(
            "Amazon ECS Developer Guide, Amazon ECS CloudWatch metrics",
            "ClusterName ServiceName",
            "CPUUtilization EBSFilesystemUtilization MemoryUtilization",
        ),
    ),
    "AWS/ElastiCache": (
        _published(
            "Amazon ElastiCache User Guide, Metrics for Valkey and Redis OSS",
            "CacheClusterId",
            "CPUUtilization CacheHitRate CurrConnections DatabaseMemoryUsagePercentage "
            "EngineCPUUtilization Evictions FreeableMemory ReplicationLag SwapUsage",
        ),
    ),
    "AWS/Events": (
        _published(
            "Amazon EventBridge User Guide, Monitoring Amazon EventBridge",
            "RuleName",
            "FailedInvocations Invocations MatchedEvents ThrottledRules TriggeredRules",
        ),
    ),
    "AWS/Firehose": (
        _published(
            "Amazon Data Firehose Developer Guide, Monitor with CloudWatch metrics",
            "DeliveryStreamName",
            "DeliveryToS3.DataFreshness DeliveryToS3.Records DeliveryToS3.Success IncomingRecords "
            "KMSKeyAccessDenied ThrottledRecords",
        ),
    ),
    "AWS/Lambda": (
        _published(
            "AWS Lambda Developer Guide, Types of metrics for Lambda functions",
            "FunctionName",
            "ConcurrentExecutions Duration Errors Invocations Throttles",
        ),
    ),
    "AWS/RDS": (
        _published(
            "Amazon RDS User Guide, Amazon CloudWatch metrics for Amazon RDS",
            "DBInstanceIdentifier",
            "CPUUtilization DatabaseConnections DiskQueueDepth FreeStorageSpace FreeableMemory "
            "MaximumUsedTransactionIDs ReadIOPS ReadLatency ReplicaLag SwapUsage WriteIOPS "
            "WriteLatency",
        ),
    ),
    "AWS/Route53": (
        _published(
            "Amazon Route 53 Developer Guide, Monitoring health checks using CloudWatch",
            "HealthCheckId",
            "ChildHealthCheckHealthyCount ConnectionTime HealthCheckPercentageHealthy "
            "HealthCheckStatus SSLHandshakeTime TimeToFirstByte",
        ),
    ),
    "AWS/S3": (
        _published(
            "Amazon S3 User Guide, Amazon S3 CloudWatch replication metrics",
            "DestinationBucket RuleId SourceBucket",
            "BytesPendingReplication OperationsFailedReplication OperationsPendingReplication "
            "ReplicationLatency",
        ),
    ),
    "CloudWatchSynthetics": (
        _published(
            "Amazon CloudWatch User Guide, CloudWatch metrics published by canaries",
            "CanaryName",
            "2xx 4xx 5xx Duration Failed SuccessPercent",
        ),
    ),
    "ECS/ContainerInsights": (
        _published(
            "Amazon CloudWatch User Guide, Amazon ECS Container Insights metrics",
            "ClusterName ServiceName",
            "CpuReserved CpuUtilized DeploymentCount DesiredTaskCount EphemeralStorageReserved "
            "EphemeralStorageUtilized MemoryReserved MemoryUtilized NetworkRxBytes NetworkTxBytes "
            "PendingTaskCount RunningTaskCount TaskSetCount",
        ),
    ),
}
"""What AWS publishes, by namespace; only what an engineer here may want to read."""
BUCKET = "aws:s3/bucket:Bucket"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
ONLY_IN = {"AWS/Route53": "us-east-1"}
"""Namespaces that AWS publishes in one region (Amazon Route 53 Developer Guide, the page above)."""


class Reading(NamedTuple):
    """A metric that an alarm or a widget reads."""

    region: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]


def judge(graph: Graph, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what is wrong with the metrics that a stack's alarms and dashboards read."""
    known = _values(graph)
    buckets = {
        str(graph.states[node.urn]["bucket"]): region_of(graph, node) for node in graph.of(BUCKET)
    }
    chosen = graph.custom() if nodes is None else nodes
    return [
        Finding(JUDGE, node.urn, f"{reading.namespace} {reading.name}", says)
        for node in chosen
        for reading in _readings(graph, node)
        for says in _faults(reading, known, buckets)
    ]


def _faults(reading: Reading, known: frozenset[str], buckets: Mapping[str, str]) -> Iterator[str]:
    if reading.namespace == OWN_NAMESPACE:
        return
    where = ONLY_IN.get(reading.namespace, reading.region)
    if reading.namespace == "AWS/S3":
        # Amazon S3 User Guide, "Using S3 Replication metrics".
        failed = reading.name == "OperationsFailedReplication"
        bucket = reading.dimensions.get("SourceBucket" if failed else "DestinationBucket", "")
        where = buckets.get(bucket, reading.region)
    if where != reading.region:
        yield f"published in {where} only, read in {reading.region}"
    given = frozenset(reading.dimensions)
    names = {
        name
        for one in PUBLISHED.get(reading.namespace, ())
        if one.dimensions == given
        for name in one.names
    }
    if reading.name not in names:
        yield f"not published with {', '.join(sorted(given))}"
    for key, value in reading.dimensions.items():
        # The nodes of a cache are its own id and a number.
        whole = value.rpartition("-")[0] if key == "CacheClusterId" else value
        if whole not in known:
            yield f"{key} {value} is no resource of the stack"


def _values(graph: Graph) -> frozenset[str]:
    """Return all ids of resources, and all texts that they have as outputs."""
    outputs = {str(value) for state in graph.states.values() for value in state.values()}
    ids = {
        simulate_outputs(node, account=ACCOUNT, region=region_of(graph, node), clock=Clock())[0]
        for node in graph.custom()
        if node.type.startswith("aws:")
    }
    rules = {str(rule["id"]) for node in graph.of(REPLICATION) for rule in node.inputs["rules"]}
    return frozenset(outputs | ids | rules | _of_primary(graph))


def _of_primary(graph: Graph) -> set[str]:
    """Return the buckets and the rule that a secondary reads of its primary."""
    if not graph.referred:
        return set()
    recovery = primary_recovery(ACCOUNT)
    return {*recovery["source_buckets"].values(), *recovery["replica_buckets"].values(), RULE}


def _readings(graph: Graph, node: Registration) -> Iterator[Reading]:
    region = region_of(graph, node)
    if node.type == ALARM:
        metrics = [node.inputs] if "metricName" in node.inputs else []
        metrics += [
            one["metric"] for one in node.inputs.get("metricQueries", []) if "metric" in one
        ]
        for one in metrics:
            dimensions = one.get("dimensions", {})
            yield Reading(region, one["namespace"], one["metricName"], dimensions)
    elif node.type == DASHBOARD:
        for widget in json.loads(node.inputs["dashboardBody"])["widgets"]:
            properties: Mapping[str, Any] = widget["properties"]
            rows: list[list[Any]] = properties.get("metrics", [])
            yield from (_row(row, properties["region"]) for row in rows if isinstance(row[0], str))


def _row(row: list[Any], region: str) -> Reading:
    """Return the metric of a widget's row: texts, and options at its end."""
    texts = [one for one in row if isinstance(one, str)]
    options = cast("Mapping[str, Any]", {} if isinstance(row[-1], str) else row[-1])
    dimensions = dict(zip(texts[2::2], texts[3::2], strict=True))
    return Reading(str(options.get("region", region)), texts[0], texts[1], dimensions)
