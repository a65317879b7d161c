"""What a resource uses in a month: usage types of AWS's price list, and how much of each.

A resource type has a rule in RULES, or a reason why it is free in FREE. Any other type is not
priced, and the estimate says so.

Sources: the pricing page of each service, named beside its rule.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from arca.cost.graph import LoadedGraph
from arca.cost.price_table import ANYWHERE
from arca.cost.span import NOTHING, Span, between, exactly
from arca.graph import Resource

HOURS = 730
"""Hours of a month, as AWS's calculator counts them."""
SECONDS = HOURS * 3600
MEBI = 1024**2
LOG_COMPRESSION = 0.15
"""What is left of a log when CloudWatch stores it (Amazon CloudWatch pricing, example of logs)."""
VCPUS = {"micro": 2, "small": 2, "medium": 2, "large": 2}
"""Virtual CPUs by the size of a database class, in the families that settings accept; an xlarge has
4, and an Nxlarge 4 N (Amazon RDS User Guide, "Hardware specifications for DB instance classes")."""
CONNECTIONS_PER_LCU = 25
"""New connections a second (Elastic Load Balancing pricing); a request is taken for a connection,
which is the upper bound."""


@dataclass(frozen=True)
class Usage:
    """How much of a usage type a resource uses in a month, in the unit of the price."""

    service: str
    """The service's code in the price list."""
    usage_type: str
    quantity: Span
    narrowed_by: str = ""
    region: str | None = None
    """Where it is charged; None for the region of the stack."""


@dataclass(frozen=True)
class Unmeasured:
    """A charge whose quantity cannot be known here: it is not priced, and never 0."""

    why: str


Found = Usage | Unmeasured
Rule = Callable[[Resource, LoadedGraph], Iterator[Found]]


def usage_of(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Yield what a resource uses; nothing where it is free."""
    if resource.type in FREE:
        return
    rule = RULES.get(resource.type)
    if rule is None:
        yield Unmeasured(f"no rule for the type {resource.type} in arca/cost/usage.py")
        return
    yield from rule(resource, graph)


def _requests(graph: LoadedGraph) -> Span:
    return graph.traffic.requests_per_second * SECONDS


def _gib(graph: LoadedGraph, kib_per_request: Span) -> Span:
    return _requests(graph) * kib_per_request * (1 / MEBI)


def _hourly(service: str, usage_type: str, units: float = 1, narrowed_by: str = "") -> Usage:
    return Usage(service, usage_type, exactly(units * HOURS), narrowed_by)


def _nat_gateway(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon VPC pricing, "NAT gateway": by the hour, in each zone, and by GB."""
    zones = len(resource.items("availabilityZoneAddresses")) or 1
    yield _hourly("AmazonEC2", "NatGateway-Hours", zones)
    gateways = sum(1 for _ in graph.of(resource.type))
    yield Usage("AmazonEC2", "NatGateway-Bytes", _through_nat(graph) * (1 / gateways))


def _through_nat(graph: LoadedGraph) -> Span:
    """Return the GiB of a month that leave through NAT.

    Images come from S3 through its gateway endpoint (Amazon ECR User Guide, "Amazon ECR interface
    VPC endpoints"), so they count neither here nor at an interface endpoint.
    """
    outward = _gib(graph, graph.traffic.outward_kib)
    return outward if "logs" in _endpoints(graph) else outward + _gib(graph, graph.traffic.log_kib)


def _endpoints(graph: LoadedGraph) -> set[str]:
    """Return the services with an interface endpoint."""
    prefix = f"com.amazonaws.{graph.region}."
    return {
        one.text("serviceName").removeprefix(prefix)
        for one in graph.of("aws:ec2/vpcEndpoint:VpcEndpoint")
        if one.inputs.get("vpcEndpointType") == "Interface"
    }


def _vpc_endpoint(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """AWS PrivateLink pricing; a gateway endpoint is free."""
    if resource.inputs.get("vpcEndpointType") != "Interface":
        return
    yield _hourly("AmazonVPC", "VpcEndpoint-Hours", len(resource.items("subnetIds")))
    logs = resource.text("serviceName").endswith(".logs")
    quantity = _gib(graph, graph.traffic.log_kib) if logs else NOTHING
    yield Usage("AmazonVPC", "VpcEndpoint-Bytes", quantity)


def _public_address(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """Amazon VPC pricing, "Public IPv4 addresses"."""
    yield _hourly("AmazonVPC", "PublicIPv4:InUseAddress")


def _load_balancer(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Elastic Load Balancing pricing; the load balancer has a public address in each subnet."""
    application = "operation=LoadBalancing:Application"
    yield _hourly("AWSELB", "LoadBalancerUsage", narrowed_by=application)
    connections = graph.traffic.requests_per_second * (1 / CONNECTIONS_PER_LCU)
    gib_an_hour = _gib(graph, graph.traffic.request_kib) * (1 / HOURS)
    yield Usage("AWSELB", "LCUUsage", connections.at_least(gib_an_hour) * HOURS, application)
    yield _hourly("AmazonVPC", "PublicIPv4:InUseAddress", len(resource.items("subnets")))
    yield Usage("AWSDataTransfer", "DataTransfer-Out-Bytes", _gib(graph, graph.traffic.request_kib))


def _trust_store(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """Elastic Load Balancing pricing, "Trust Store"."""
    yield _hourly("AWSELB", "TrustStoreUsage")


def _web_acl(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """AWS WAF pricing; a managed rule group of AWS counts as one rule."""
    yield Usage("awswaf", "WebACLV2", exactly(1))
    yield Usage("awswaf", "RuleV2", exactly(len(resource.items("rules"))))
    yield Usage("awswaf", "RequestV2-Tier1", _requests(graph))


def _service(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """AWS Fargate pricing, Linux on ARM; AWS charges a task's vCPU and memory by the second."""
    task = next(
        (
            one
            for one in graph.of("aws:ecs/taskDefinition:TaskDefinition")
            if one.component == resource.component and one.name == resource.name
        ),
        None,
    )
    if task is None:
        yield Unmeasured("the task's size; the service has no task definition of its name")
        return
    arm = task.below("runtimePlatform").get("cpuArchitecture") == "ARM64"
    kind = "Fargate-ARM" if arm else "Fargate"
    cpus, gib = task.number("cpu") / 1024, task.number("memory") / 1024
    running = _tasks(resource, graph)
    on_demand, spot = _shares(resource, running)
    for prefix, tasks in (("", on_demand), ("SpotUsage-", spot)):
        if tasks != NOTHING:
            hours = tasks * HOURS
            yield Usage("AmazonECS", f"{prefix}{kind}-vCPU-Hours:perCPU", hours * cpus)
            yield Usage("AmazonECS", f"{prefix}{kind}-GB-Hours", hours * gib)
    # Container Insights: the metrics of each running task (Amazon CloudWatch pricing).
    yield Usage(
        "AmazonCloudWatch",
        "CW:ContainerInsightsMetricUsage",
        graph.traffic.container_metrics * running,
    )
    yield Usage("AmazonCloudWatch", "CW:MetricMonitorUsage", graph.traffic.custom_metrics)


def _tasks(service: Resource, graph: LoadedGraph) -> Span:
    """Return the number of running tasks: what the load needs, within autoscaling's limits."""
    target = next(graph.of("aws:appautoscaling/target:Target"), None)
    fewest = target.number("minCapacity") if target else service.number("desiredCount")
    most = target.number("maxCapacity") if target else fewest
    needed = graph.traffic.requests_per_second * (1 / graph.traffic.requests_per_task_second)
    whole = between(*(math.ceil(one) for one in (needed.low, needed.expected, needed.high)))
    return whole.at_most(most).at_least(exactly(fewest))


def _shares(service: Resource, tasks: Span) -> tuple[Span, Span]:
    """Return the tasks on demand and on Spot, by the capacity provider strategy.

    Amazon ECS Developer Guide, "Capacity provider strategy": the base first, then by weight.
    """
    strategies = service.items("capacityProviderStrategies")
    weights = {one["capacityProvider"]: float(one.get("weight") or 0) for one in strategies}
    base = sum(
        float(one.get("base") or 0) for one in strategies if one["capacityProvider"] == "FARGATE"
    )
    total = sum(weights.values())
    share = weights.get("FARGATE_SPOT", 0) / total if total else 0.0

    def spot(running: float) -> float:
        return max(running - base, 0) * share

    on_spot = between(spot(tasks.low), spot(tasks.expected), spot(tasks.high))
    on_demand = between(
        tasks.low - on_spot.low, tasks.expected - on_spot.expected, tasks.high - on_spot.high
    )
    return on_demand, on_spot


def _database(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon RDS for PostgreSQL pricing; CloudWatch Database Insights by vCPU and hour."""
    postgres = "databaseEngine=PostgreSQL"
    several = bool(resource.inputs.get("multiAz"))
    class_ = resource.text("instanceClass")
    usage = "Multi-AZUsage" if several else "InstanceUsage"
    yield _hourly("AmazonRDS", f"{usage}:{class_}", narrowed_by=postgres)
    size = _storage(resource, graph)
    if size is None:
        yield Unmeasured(
            "the storage of a replica or of a restored database, which is its source's; the source "
            "is unknown"
        )
    else:
        kind = "RDS:Multi-AZ-GP3-Storage" if several else "RDS:GP3-Storage"
        yield Usage("AmazonRDS", kind, exactly(size), postgres)
        if resource.number("backupRetentionPeriod"):
            backups = graph.traffic.backup_share * size
            yield Usage("AmazonRDS", "RDS:ChargedBackupUsage", backups, postgres)
    if resource.inputs.get("databaseInsightsMode") == "advanced":
        yield _hourly("AmazonCloudWatch", "DatabaseInsights-vCPU-Hours", vcpus(class_))
    source = _region_of(resource.text("replicateSourceDb"))
    if source and source != graph.region:
        yield _from_region(source, graph.region, graph)


def _storage(resource: Resource, graph: LoadedGraph) -> float | None:
    """Return GiB; a replica and a restored database, which name none, have their source's."""
    own = resource.number("allocatedStorage")
    source = next(graph.primary.of(resource.type), None) if graph.primary else None
    return own or (source.number("allocatedStorage") if source else 0) or None


def _region_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


def _from_region(source: str, target: str, graph: LoadedGraph) -> Found:
    """Return the database's changes on their way to another region, charged where they leave."""
    if (source, target) != ("sa-east-1", "us-east-1"):
        return Unmeasured(f"data transfer from {source} to {target}")
    changes = graph.traffic.database_change_gib
    return Usage("AWSDataTransfer", "USE1-AWS-Out-Bytes", changes, region=source)


def vcpus(class_: str) -> int:
    """Return the virtual CPUs of a database class."""
    size = class_.rpartition(".")[2]
    return VCPUS.get(size) or 4 * int(size.removesuffix("xlarge") or 1)


def _backup_copies(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon RDS pricing, "Cross-Region automated backups": storage there, and the transfer."""
    source = _region_of(resource.text("sourceDbInstanceArn"))
    target = resource.text("region")
    database = next(graph.of("aws:rds/instance:Instance"), None)
    size = _storage(database, graph) if database else None
    if size is None:
        yield Unmeasured(
            "the size of the copied backups; the graph has no database of a known size"
        )
        return
    whole = exactly(size) + graph.traffic.backup_share * size
    postgres = "databaseEngine=PostgreSQL"
    yield Usage("AmazonRDS", "RDS:ChargedBackupUsage", whole, postgres, region=target)
    yield _from_region(source, target, graph)


def _vault(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """AWS Backup pricing: snapshots of RDS as RDS's own backups, and each copy of the documents.

    The first snapshot in a region holds the whole database; at home RDS's own backups hold it
    already. A standby's bucket is a replica, whose size the primary counts. Its vault is empty.
    """
    if next(graph.of("aws:backup/plan:Plan"), None) is None:
        return
    database = next(graph.of("aws:rds/instance:Instance"), None)
    size = _storage(database, graph) if database else None
    if size is None:
        yield Unmeasured("the size of the backups; the graph has no database of a known size")
        return
    away = resource.text("region") or None
    whole = graph.traffic.backup_share * size + exactly(size if away else 0)
    postgres = "databaseEngine=PostgreSQL"
    yield Usage("AmazonRDS", "RDS:ChargedBackupUsage", whole, postgres, region=away)
    documents = graph.traffic.documents_gib
    yield Usage("AWSBackup", "WarmStorage-ByteHrs-S3", documents, region=away)
    if away:
        yield _from_region(graph.region, away, graph)


def _restore_test(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """AWS Backup pricing, "Restore testing": by the test, and what is restored by the hour."""
    yield Unmeasured("a restore test a month, and the hours of the database that it restores")


def _proxy(_: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon RDS Proxy pricing: by the vCPUs of the database behind it, at least two."""
    database = next(graph.of("aws:rds/instance:Instance"), None)
    if database is None:
        yield Unmeasured("the vCPUs behind the proxy; the graph has no database")
        return
    units = max(vcpus(database.text("instanceClass")), 2)
    yield _hourly("AmazonRDS", "RDS:ProxyUsage", units, "databaseEngine=PostgreSQL")


def _cache(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """Amazon ElastiCache pricing: each node by the hour."""
    engine = resource.text("engine").capitalize()
    nodes = resource.number("numCacheClusters", 1)
    usage = f"NodeUsage:{resource.text('nodeType')}"
    yield _hourly("AmazonElastiCache", usage, nodes, f"cacheEngine={engine}")


def _log_group(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Logs": GB that come in, and GB-months that are stored.

    What AWS's own services deliver has a usage type of its own, "vended logs".
    """
    name = resource.text("name")
    vended = name.startswith("aws-waf-logs-") or name.endswith("/flow-logs")
    if name.endswith("/flow-logs"):
        arriving = graph.traffic.flow_log_gib
    elif resource.component == "service":
        arriving = _gib(graph, graph.traffic.log_kib)
    else:
        arriving = graph.traffic.other_log_gib
    months = resource.number("retentionInDays") * 24 / HOURS
    usage = "VendedLog-Bytes" if vended else "DataProcessing-Bytes"
    yield Usage("AmazonCloudWatch", usage, arriving)
    if months == 0:
        yield Unmeasured("the storage of a log group that keeps its logs for ever")
    else:
        stored = arriving * (LOG_COMPRESSION * months)
        yield Usage("AmazonCloudWatch", "TimedStorage-ByteHrs", stored)


def _flow_log(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Vended logs"; a log group counts its own."""
    if resource.inputs.get("logDestinationType") == "s3":
        yield Usage("AmazonCloudWatch", "S3-Egress-Bytes", graph.traffic.flow_log_gib)


def _alarm(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Alarms": by each metric that an alarm reads."""
    queries = resource.items("metricQueries")
    metrics = sum(1 for one in queries if one.get("metric")) if queries else 1
    period = resource.number("period", 60)
    usage = "CW:HighResAlarmMonitorUsage" if period < 60 else "CW:AlarmMonitorUsage"
    yield Usage("AmazonCloudWatch", usage, exactly(metrics))


def _dashboard(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Dashboards"; the three free ones of an account count too."""
    yield Usage("AmazonCloudWatch", "DashboardsUsageHour", exactly(1), region=ANYWHERE)


def _canary(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Synthetics": by the run."""
    expression = str(resource.below("schedule").get("expression", ""))
    minutes = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60}
    words = expression.removeprefix("rate(").removesuffix(")").split()
    if len(words) != 2 or words[1] not in minutes or not words[0].isdigit():
        yield Unmeasured(f"the runs of a canary with the schedule {expression or 'none'}")
        return
    runs = HOURS * 60 / (int(words[0]) * minutes[words[1]])
    yield Usage("AmazonCloudWatch", "CW:Canary-runs", exactly(runs))


def _key(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """AWS KMS pricing: each key, and its first two rotations, cost the same."""
    rotates = bool(resource.inputs.get("enableKeyRotation"))
    yield Usage("awskms", "KMS-Keys", between(1, 2, 3) if rotates else exactly(1))


def _secret(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """AWS Secrets Manager pricing; a replica is a secret of its own."""
    yield Usage("AWSSecretsManager", "AWSSecretsManager-Secrets", exactly(1))
    for replica in resource.items("replicas"):
        yield Usage(
            "AWSSecretsManager",
            "AWSSecretsManager-Secrets",
            exactly(1),
            region=str(replica["region"]),
        )


def _parameter(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """AWS Systems Manager pricing: standard parameters are free."""
    if resource.text("tier") not in ("", "Standard"):
        yield Unmeasured(f"a parameter of the tier {resource.text('tier')}")


def _repository(_: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon ECR pricing: GB-months."""
    yield Usage("AmazonECR", "TimedStorage-ByteHrs", graph.traffic.images_gib)


def _bucket(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon S3 pricing: GB-months, by the bucket's role, which ends its name."""
    traffic = graph.traffic
    region = resource.text("region") or None
    role = resource.name.partition("-")[2]
    standard = partial(Usage, "AmazonS3", "TimedStorage-ByteHrs", region=region)
    if role == "documents":
        yield standard(traffic.documents_gib)
    elif role == "documents-replica":
        yield Usage("AmazonS3", "TimedStorage-SIA-ByteHrs", traffic.documents_gib, region=region)
    elif role == "audit":
        yield standard(traffic.audit_gib)
    elif role == "artifacts":
        yield standard(traffic.small_bucket_gib)
    elif resource.component == "flow-logs":
        yield standard(traffic.flow_log_gib * _kept_months(resource.name, graph))
    elif role == "logs":
        yield standard(traffic.small_bucket_gib)
    else:
        yield Unmeasured(f"the content of the bucket {resource.name}")


def _kept_months(bucket: str, graph: LoadedGraph) -> float:
    """Return how long a bucket keeps an object, in months."""
    days = [
        float(rule["expiration"]["days"])
        for one in graph.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
        if one.name == bucket
        for rule in one.items("rules")
        if rule.get("expiration")
    ]
    return max(days, default=0) * 24 / HOURS


def _firehose(_: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon Data Firehose pricing: GB that come in; the audit trail carries the service's log."""
    yield Usage("AmazonKinesisFirehose", "BilledBytes", _gib(graph, graph.traffic.log_kib))


def _function(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """AWS Lambda pricing on ARM; the publisher runs once an hour for some seconds."""
    gib = resource.number("memorySize", 128) / 1024
    seconds = between(1, 5, resource.number("timeout", 3))
    yield Usage("AWSLambda", "Lambda-GB-Second-ARM", seconds * (gib * HOURS))


def _sampling(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """AWS X-Ray pricing: traces that are recorded, the share of requests that a rule keeps."""
    if resource.text("urlPath") == "*":
        share = resource.number("fixedRate")
        yield Usage("AWSXRay", "XRay-TracesStored", _requests(graph) * share)


def _replication(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Amazon S3 pricing, "Replication": the transfer and the time control, by GB of new objects.

    What comes back from the DR region is written only while its stack serves.
    """
    if resource.text("region"):
        return
    new = graph.traffic.documents_gib * (1 / 12)
    yield Usage("AWSDataTransfer", "USE1-AWS-Out-Bytes", new)
    yield Usage("AmazonS3", "S3RTC-Out-Bytes", new)


def _zone(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """Amazon Route 53 pricing: each hosted zone."""
    yield Usage("AmazonRoute53", "HostedZone", exactly(1), region=ANYWHERE)


def _health_check(resource: Resource, _: LoadedGraph) -> Iterator[Found]:
    """Amazon Route 53 pricing: a check of an endpoint outside AWS, and each optional feature."""
    yield Usage("AmazonRoute53", "Health-Check-Non-AWS", exactly(1), region=ANYWHERE)
    features = (
        resource.text("type").startswith("HTTPS"),
        resource.number("requestInterval", 30) < 30,
        bool(resource.inputs.get("measureLatency")),
        resource.text("type").endswith("STR_MATCH"),
    )
    yield Usage(
        "AmazonRoute53",
        "Health-Check-Option-Non-AWS",
        exactly(sum(features)),
        region=ANYWHERE,
    )


def _composite(_: Resource, __: LoadedGraph) -> Iterator[Found]:
    """Amazon CloudWatch pricing, "Alarms"."""
    yield Usage("AmazonCloudWatch", "CW:CompositeAlarmMonitorUsage", exactly(1))


def _cloudflare(resource: Resource, graph: LoadedGraph) -> Iterator[Found]:
    """Cloudflare's plans are charged by the zone, so once in the stack that owns it."""
    first = next(graph.of(ZONE_SETTING))
    if resource is first and graph.plan != "free":
        yield Usage("Cloudflare", f"plan-{graph.plan}", exactly(1), region=ANYWHERE)


FLOW_LOG = "aws:ec2/flowLog:FlowLog"
ZONE_SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
RULES: Mapping[str, Rule] = {
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": _restore_test,
    "aws:backup/vault:Vault": _vault,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:ec2/eip:Eip": _public_address,
    FLOW_LOG: _flow_log,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _vpc_endpoint,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecs/service:Service": _service,
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache,
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _firehose,
    "aws:kms/key:Key": _key,
    "aws:kms/replicaKey:ReplicaKey": _key,
    "aws:lambda/function:Function": _function,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:lb/trustStore:TrustStore": _trust_store,
    "aws:rds/instance:Instance": _database,
    (
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    ): _backup_copies,
    "aws:rds/proxy:Proxy": _proxy,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:route53/zone:Zone": _zone,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replication,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:ssm/parameter:Parameter": _parameter,
    "aws:synthetics/canary:Canary": _canary,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
    "aws:xray/samplingRule:SamplingRule": _sampling,
    ZONE_SETTING: _cloudflare,
}
_NO_CHARGE = "AWS charges what uses it, not the resource itself"
_PART = "part of a resource that is priced"
_IN_PLAN = "included in the plan of the zone"
_LOCAL = "exists in the state only"
FREE: Mapping[str, str] = {
    "aws:acm/certificate:Certificate": "public certificates of integrated services are free",
    "aws:acm/certificateValidation:CertificateValidation": _PART,
    "aws:appautoscaling/policy:Policy": "autoscaling is free; its alarms are not in the graph",
    "aws:appautoscaling/target:Target": "autoscaling is free",
    "aws:backup/plan:Plan": "what it makes is counted at the vaults",
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": _PART,
    "aws:backup/selection:Selection": _PART,
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": _PART,
    "aws:cloudwatch/eventRule:EventRule": "events of AWS's own services are free",
    "aws:cloudwatch/eventTarget:EventTarget": "delivery to a log group is counted there",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _NO_CHARGE,
    "aws:cloudwatch/logStream:LogStream": "counted at its log group",
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "counted where the data arrive",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "charged by the GB when somebody runs it",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _NO_CHARGE,
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": _NO_CHARGE,
    "aws:ec2/internetGateway:InternetGateway": _NO_CHARGE,
    "aws:ec2/managedPrefixList:ManagedPrefixList": _NO_CHARGE,
    "aws:ec2/route:Route": _NO_CHARGE,
    "aws:ec2/routeTable:RouteTable": _NO_CHARGE,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _NO_CHARGE,
    "aws:ec2/securityGroup:SecurityGroup": _NO_CHARGE,
    "aws:ec2/subnet:Subnet": _NO_CHARGE,
    "aws:ec2/vpc:Vpc": _NO_CHARGE,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _NO_CHARGE,
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": "some images a month; its "
    "transfer is below a dollar",
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": _NO_CHARGE,
    "aws:ecs/cluster:Cluster": "its tasks and their metrics are counted at the service",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _PART,
    "aws:ecs/taskDefinition:TaskDefinition": "charged while tasks run: counted at the service",
    "aws:elasticache/parameterGroup:ParameterGroup": _PART,
    "aws:elasticache/subnetGroup:SubnetGroup": _PART,
    "aws:fis/experimentTemplate:ExperimentTemplate": "charged by the minute of an action, while "
    "a person's experiment runs",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "IAM is free",
    "aws:iam/role:Role": "IAM is free",
    "aws:iam/rolePolicy:RolePolicy": "IAM is free",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "IAM is free",
    "aws:kms/alias:Alias": "aliases are free",
    "aws:lambda/permission:Permission": _NO_CHARGE,
    "aws:lb/listener:Listener": _PART,
    "aws:lb/listenerRule:ListenerRule": "counted in the load balancer's capacity units",
    "aws:lb/targetGroup:TargetGroup": _PART,
    "aws:rds/parameterGroup:ParameterGroup": _PART,
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": _PART,
    "aws:rds/proxyTarget:ProxyTarget": _PART,
    "aws:rds/subnetGroup:SubnetGroup": _PART,
    "aws:route53/record:Record": "queries for aliases of AWS are free, others below a dollar",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "moving an object costs "
    "cents for thousands",
    "aws:s3/bucketLogging:BucketLogging": "what it writes is counted at the bucket of logs",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _NO_CHARGE,
    "aws:s3/bucketObjectv2:BucketObjectv2": "some KiB of code",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _NO_CHARGE,
    "aws:s3/bucketPolicy:BucketPolicy": _NO_CHARGE,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _NO_CHARGE,
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ): "the key is counted; requests to it cost cents",
    "aws:s3/bucketVersioning:BucketVersioning": "old versions are counted at the bucket",
    "aws:scheduler/schedule:Schedule": "14 million invocations a month are free",
    "aws:secretsmanager/secretVersion:SecretVersion": _PART,
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": "free of charge",
    "aws:sns/topic:Topic": "a million requests a month are free",
    "aws:sns/topicPolicy:TopicPolicy": _NO_CHARGE,
    "aws:sns/topicSubscription:TopicSubscription": "a thousand e-mails a month are free",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _NO_CHARGE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _NO_CHARGE,
    "aws:wafv2/webAclAssociation:WebAclAssociation": _PART,
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "counted at its log group",
    "aws:xray/group:Group": "groups are free; traces are counted at the sampling rules",
    (
        "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate"
    ): _IN_PLAN,
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": _IN_PLAN,
    "cloudflare:index/dnsRecord:DnsRecord": _IN_PLAN,
    "cloudflare:index/healthcheck:Healthcheck": _IN_PLAN,
    "cloudflare:index/notificationPolicy:NotificationPolicy": _IN_PLAN,
    "cloudflare:index/ruleset:Ruleset": _IN_PLAN,
    "cloudflare:index/tieredCache:TieredCache": _IN_PLAN,
    "random:index/randomId:RandomId": _LOCAL,
    "random:index/randomPassword:RandomPassword": _LOCAL,
    "tls:index/certRequest:CertRequest": _LOCAL,
    "tls:index/locallySignedCert:LocallySignedCert": _LOCAL,
    "tls:index/privateKey:PrivateKey": _LOCAL,
    "tls:index/selfSignedCert:SelfSignedCert": _LOCAL,
}
"""The types that cost nothing of their own, each with the reason."""
