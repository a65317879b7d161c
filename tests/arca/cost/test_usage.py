"""How much each resource uses: planted resources with their arithmetic, and every real type."""

import pytest

from arca.cost.graph import LoadedGraph
from arca.cost.span import Span, between, exactly
from arca.cost.traffic import Traffic
from arca.cost.usage import FREE, RULES, Unmeasured, Usage, usage_of, vcpus
from arca.graph import Resource
from tests.arca.cost.graphs import LOAD, planted, resource, stack_graph
from tests.stacks import STACKS

HOURS = 730
SECONDS = 2_628_000
GIB = SECONDS / 1024**2
"""GiB a month of 1 KiB a second: 2.506."""


def used(one: Resource, graph: LoadedGraph | None = None) -> dict[str, Span]:
    """Return the quantities of a resource's usage types, several of one type added."""
    found: dict[str, Span] = {}
    for usage in usage_of(one, graph or planted(one)):
        assert isinstance(usage, Usage), usage
        before = found.get(usage.usage_type)
        found[usage.usage_type] = before + usage.quantity if before else usage.quantity
    return found


def unmeasured(one: Resource, graph: LoadedGraph | None = None) -> list[str]:
    """Return what cannot be measured of a resource."""
    found = usage_of(one, graph or planted(one))
    return [usage.why for usage in found if isinstance(usage, Unmeasured)]


def close(found: Span, low: float, expected: float, high: float) -> None:
    """Compare three bounds with what was computed by hand."""
    assert (found.low, found.expected, found.high) == pytest.approx((low, expected, high))


@pytest.mark.parametrize("stack", STACKS)
def test_no_declared_type_is_forgotten(stack: str) -> None:
    """Each type of each stack has a rule, or a reason why it is free."""
    declared = {one.type for one in stack_graph(stack).resources}
    assert declared - RULES.keys() - FREE.keys() == set()


def test_no_type_is_both_priced_and_free() -> None:
    """And each reason is a sentence's part."""
    assert RULES.keys() & FREE.keys() == set()
    assert all(len(reason) > 8 for reason in FREE.values())


def test_an_unknown_type_is_not_free() -> None:
    """A new resource type is listed as not priced until somebody decides."""
    (why,) = unmeasured(resource("aws:new/thing:Thing"))
    assert "aws:new/thing:Thing" in why


def test_nat_gateways_share_what_goes_out() -> None:
    """Two gateways carry 1 KiB of calls and 1 KiB of logs a request, half of it each."""
    pair = [resource("aws:ec2/natGateway:NatGateway", name) for name in ("a", "b")]
    found = used(pair[0], planted(*pair))
    assert found["NatGateway-Hours"] == exactly(HOURS)
    # 1, 2 and 4 requests/s * 2 KiB / 2 gateways
    close(found["NatGateway-Bytes"], GIB, 2 * GIB, 4 * GIB)


def test_an_endpoint_takes_the_logs_from_nat() -> None:
    """Its hours count by zone; what it carries does not go through NAT."""
    nat = resource("aws:ec2/natGateway:NatGateway")
    logs = resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcEndpointType="Interface",
        serviceName="com.amazonaws.sa-east-1.logs",
        subnetIds=["a", "b", "c"],
    )
    graph = planted(nat, logs)
    close(used(nat, graph)["NatGateway-Bytes"], GIB, 2 * GIB, 4 * GIB)
    assert used(logs, graph)["VpcEndpoint-Hours"] == exactly(3 * HOURS)
    close(used(logs, graph)["VpcEndpoint-Bytes"], GIB, 2 * GIB, 4 * GIB)


def test_gateway_endpoints_and_regional_nat() -> None:
    """A gateway endpoint is free; a regional gateway is charged in each zone."""
    gateway = resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Gateway")
    assert used(gateway) == {}
    regional = resource("aws:ec2/natGateway:NatGateway", availabilityZoneAddresses=[{}, {}, {}])
    assert used(regional)["NatGateway-Hours"] == exactly(3 * HOURS)


def test_a_load_balancer_pays_its_busiest_dimension() -> None:
    """At 1 KiB a request, connections cost more capacity units than bytes; at 1 MiB, bytes do."""
    balancer = resource("aws:lb/loadBalancer:LoadBalancer", subnets=["a", "b"])
    found = used(balancer)
    # 2 requests/s / 25 connections an LCU * 730 h
    close(found["LCUUsage"], HOURS / 25, HOURS * 2 / 25, HOURS * 4 / 25)
    assert found["PublicIPv4:InUseAddress"] == exactly(2 * HOURS)
    big = LOAD.model_copy(update={"request_kib": exactly(1024)})
    # 1 request/s * 1 MiB * 3600 s = 3.516 GiB an hour
    lcus = used(balancer, planted(balancer, traffic=big))["LCUUsage"]
    close(lcus, HOURS * 3.515625, HOURS * 7.03125, HOURS * 14.0625)


def fargate(*extra: Resource, **strategy: float) -> LoadedGraph:
    """Return a service of half a vCPU and 1 GiB, with autoscaling from 2 to 6 tasks."""
    strategies = [
        {"capacityProvider": "FARGATE", "base": strategy.get("base", 0), "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": strategy.get("spot", 0)},
    ]
    return planted(
        resource(
            "aws:ecs/service:Service",
            "service",
            capacityProviderStrategies=strategies,
            desiredCount=2,
        ),
        resource(
            "aws:ecs/taskDefinition:TaskDefinition",
            "service",
            cpu="512",
            memory="1024",
            runtimePlatform={"cpuArchitecture": "ARM64"},
        ),
        resource("aws:appautoscaling/target:Target", minCapacity=2, maxCapacity=6),
        *extra,
        traffic=LOAD.model_copy(update={"requests_per_second": between(10, 70, 900)}),
    )


def test_tasks_follow_the_load_within_their_limits() -> None:
    """20 requests a second a task: 10 need 1, 70 need 4 and 900 need 45, of 2 to 6 tasks."""
    graph = fargate()
    found = used(graph.resources[0], graph)
    close(found["Fargate-ARM-vCPU-Hours:perCPU"], 2 * 365, 4 * 365, 6 * 365)
    close(found["Fargate-ARM-GB-Hours"], 2 * HOURS, 4 * HOURS, 6 * HOURS)
    # 60 metrics of Container Insights a task, from 40 to 100
    close(found["CW:ContainerInsightsMetricUsage"], 80, 240, 600)


def test_spot_takes_its_weight_beyond_the_base() -> None:
    """Base 2, weights 1 and 3: of 4 tasks 1.5 are Spot, of 6 tasks 3."""
    graph = fargate(base=2, spot=3)
    found = used(graph.resources[0], graph)
    close(found["SpotUsage-Fargate-ARM-GB-Hours"], 0, 1.5 * HOURS, 3 * HOURS)
    close(found["Fargate-ARM-GB-Hours"], 2 * HOURS, 2.5 * HOURS, 3 * HOURS)


def test_a_service_without_a_task_definition_is_not_free() -> None:
    """Its size is not known."""
    service = resource("aws:ecs/service:Service", desiredCount=1)
    assert unmeasured(service) == [
        "the task's size; the service has no task definition of its name"
    ]


DATABASE = "aws:rds/instance:Instance"


def database(**inputs: object) -> Resource:
    """Return a database of 100 GiB."""
    given = {"instanceClass": "db.r7g.large", "allocatedStorage": 100, "multiAz": True, **inputs}
    return Resource(DATABASE, "database", "database", given)


def test_a_database() -> None:
    """Hours, storage, backups beyond its size, and insights by vCPU."""
    found = used(database(backupRetentionPeriod=7, databaseInsightsMode="advanced"))
    assert found["Multi-AZUsage:db.r7g.large"] == exactly(HOURS)
    assert found["RDS:Multi-AZ-GP3-Storage"] == exactly(100)
    # 0, a half and twice the size
    close(found["RDS:ChargedBackupUsage"], 0, 50, 200)
    assert found["DatabaseInsights-vCPU-Hours"] == exactly(2 * HOURS)
    assert "InstanceUsage:db.r7g.large" in used(database(multiAz=False))


def test_a_replica_has_its_sources_storage() -> None:
    """It reads the size in its primary's graph; without that, the storage is not free."""
    source = "arn:aws:rds:sa-east-1:000000000000:db:arca-prod"
    replica = database(allocatedStorage=None, multiAz=False, replicateSourceDb=source)
    alone = LoadedGraph("dr", "us-east-1", (replica,), traffic=LOAD, plan="pro")
    assert [why for why in unmeasured(replica, alone) if "storage of a replica" in why]
    restored = database(allocatedStorage=None, snapshotIdentifier="before")
    assert [why for why in unmeasured(restored) if "a restored database" in why], "it is not free"
    beside = LoadedGraph(
        "dr", "us-east-1", (replica,), traffic=LOAD, plan="pro", primary=planted(database())
    )
    found = used(replica, beside)
    assert found["RDS:GP3-Storage"] == exactly(100)
    assert found["USE1-AWS-Out-Bytes"] == LOAD.database_change_gib
    (sent,) = (
        one
        for one in usage_of(replica, beside)
        if isinstance(one, Usage) and one.usage_type == "USE1-AWS-Out-Bytes"
    )
    assert sent.region == "sa-east-1", "a transfer is charged where it leaves"


@pytest.mark.parametrize(
    ("class_", "number"),
    [("db.t4g.small", 2), ("db.r7g.large", 2), ("db.r7g.xlarge", 4), ("db.m7g.4xlarge", 16)],
)
def test_vcpus(class_: str, number: int) -> None:
    """As RDS lists them."""
    assert vcpus(class_) == number


def test_a_proxy_pays_for_the_vcpus_behind_it() -> None:
    """Two vCPUs, every hour; without a database it is not free."""
    proxy = resource("aws:rds/proxy:Proxy")
    assert used(proxy, planted(proxy, database()))["RDS:ProxyUsage"] == exactly(2 * HOURS)
    assert len(unmeasured(proxy)) == 1


def test_an_alarm_pays_for_each_metric_it_reads() -> None:
    """The expression over three metrics is no metric."""
    queries = [*[{"metric": {"namespace": "AWS/RDS"}}] * 3, {"expression": "a/b"}]
    kind = "aws:cloudwatch/metricAlarm:MetricAlarm"
    assert used(resource(kind, metricQueries=queries)) == {"CW:AlarmMonitorUsage": exactly(3)}
    assert used(resource(kind, period=60.0)) == {"CW:AlarmMonitorUsage": exactly(1)}
    assert used(resource(kind, period=10.0)) == {"CW:HighResAlarmMonitorUsage": exactly(1)}


@pytest.mark.parametrize(
    ("expression", "runs"), [("rate(1 minute)", 43_800), ("rate(5 minutes)", 8_760)]
)
def test_runs_of_a_canary(expression: str, runs: int) -> None:
    """730 hours of them."""
    canary = resource("aws:synthetics/canary:Canary", schedule={"expression": expression})
    assert used(canary) == {"CW:Canary-runs": exactly(runs)}


def test_a_canary_with_another_schedule_is_not_free() -> None:
    """A cron expression is not counted."""
    canary = resource("aws:synthetics/canary:Canary", schedule={"expression": "cron(0 1 * * ? *)"})
    assert len(unmeasured(canary)) == 1


def test_log_groups() -> None:
    """The service's log, an ordinary group, AWS's own deliveries, and one without an end."""
    kind = "aws:cloudwatch/logGroup:LogGroup"
    service = resource(kind, component="service", name_="", retentionInDays=73)
    found = used(service)
    close(found["DataProcessing-Bytes"], GIB, 2 * GIB, 4 * GIB)
    # 73 days are 2.4 months; 15% are left of what came in
    close(found["TimedStorage-ByteHrs"], 0.36 * GIB, 0.72 * GIB, 1.44 * GIB)
    flow = Resource(kind, "f", "flow-logs", {"name": "/arca-dev/flow-logs", "retentionInDays": 30})
    assert used(flow)["VendedLog-Bytes"] == LOAD.flow_log_gib
    other = Resource(kind, "o", "cache", {"name": "/arca-dev/cache", "retentionInDays": 30})
    assert used(other)["DataProcessing-Bytes"] == LOAD.other_log_gib
    assert len(unmeasured(Resource(kind, "e", "cache", {"name": "/x"}))) == 1


def test_flow_logs_in_s3() -> None:
    """Delivered to a bucket of their own, they are stored there until they expire."""
    flow = resource("aws:ec2/flowLog:FlowLog", logDestinationType="s3")
    bucket = resource("aws:s3/bucket:Bucket", "flow-logs", component="flow-logs")
    expiry = resource(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "flow-logs",
        rules=[{"expiration": {"days": 73}}],
    )
    graph = planted(flow, bucket, expiry)
    assert used(flow, graph) == {"S3-Egress-Bytes": LOAD.flow_log_gib}
    # 1, 5 and 30 GiB a month for 2.4 months
    close(used(bucket, graph)["TimedStorage-ByteHrs"], 2.4, 12, 72)
    assert used(resource("aws:ec2/flowLog:FlowLog", logDestinationType="cloud-watch-logs")) == {}


def test_a_bucket_without_a_role_is_not_free() -> None:
    """Nobody knows what is in it."""
    assert len(unmeasured(resource("aws:s3/bucket:Bucket", "storage-new"))) == 1


def test_health_checks_outside_aws() -> None:
    """HTTPS, a fast interval and the latency are three features."""
    kind = "aws:route53/healthCheck:HealthCheck"
    full = resource(kind, type="HTTPS", requestInterval=10, measureLatency=True)
    assert used(full)["Health-Check-Option-Non-AWS"] == exactly(3)
    plain = resource(kind, type="HTTP", requestInterval=30)
    assert used(plain)["Health-Check-Option-Non-AWS"] == exactly(0)


def test_keys_secrets_and_parameters() -> None:
    """Two rotations of a key cost; a replica of a secret is a secret; an advanced parameter too."""
    kind = "aws:kms/key:Key"
    assert used(resource(kind, enableKeyRotation=True)) == {"KMS-Keys": between(1, 2, 3)}
    assert used(resource(kind)) == {"KMS-Keys": exactly(1)}
    secret = resource("aws:secretsmanager/secret:Secret", replicas=[{"region": "us-east-1"}])
    assert used(secret) == {"AWSSecretsManager-Secrets": exactly(2)}
    parameter = "aws:ssm/parameter:Parameter"
    assert used(resource(parameter)) == {}
    assert len(unmeasured(resource(parameter, tier="Advanced"))) == 1


def test_cloudflares_plan_is_charged_once() -> None:
    """In the stack that owns the zone, whatever number of settings it has."""
    kind = "cloudflare:index/zoneSetting:ZoneSetting"
    two = (resource(kind, "a"), resource(kind, "b"))
    assert [used(one, planted(*two)) for one in two] == [{"plan-pro": exactly(1)}, {}]
    business = planted(*two, plan="business")
    assert used(two[0], business) == {"plan-business": exactly(1)}
    assert used(two[0], planted(*two, plan="free")) == {}


def test_a_standby_has_no_requests() -> None:
    """Its fixed charges stay, and the database's changes still arrive."""
    idle = Traffic().standing_by()
    acl = resource("aws:wafv2/webAcl:WebAcl", rules=[{}, {}])
    found = used(acl, planted(acl, traffic=idle))
    assert found["RequestV2-Tier1"] == exactly(0)
    assert (found["WebACLV2"], found["RuleV2"]) == (exactly(1), exactly(2))
    assert idle.database_change_gib == Traffic().database_change_gib
