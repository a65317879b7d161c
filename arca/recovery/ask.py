"""Ask AWS for one fact about a standby each, in the standby's region only.

Each function raises ArcaError where AWS refuses the call or does not answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, get_args

from arca.clients import client, explained
from arca.outputs import ReplicatedSecret
from arca.recovery.facts import Certificate, Image, Lever, Replica, Secret
from arca.stack import Stack

REPLICATED: tuple[ReplicatedSecret, ...] = get_args(ReplicatedSecret)
FRESH = timedelta(minutes=10)
"""How old a metric's value may be; RDS and S3 send one a minute while there is any."""
PERIOD_SECONDS, EMULATED_PERIOD_SECONDS = 60, 1
"""The emulated cloud sends several values a second: its minutes are seconds."""


def replica(standby: Stack, now: datetime) -> Replica:
    """Return the state of the standby's database, and its lag in the newest minute.

    A lag of -1 means that RDS does not know it. Source: Amazon RDS User Guide, Monitoring read
    replication.
    """
    identifier = standby.outputs.database.identifier
    rds = client(standby, "rds")
    with explained(standby, f"The database {identifier} cannot be read"):
        try:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
        except rds.exceptions.DBInstanceNotFoundFault:
            return Replica(identifier, "missing", follows=False, lag_seconds=None)
    point = _newest(standby, "AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": identifier}, now)
    at, lag = point if point is not None and point[1] >= 0 else (None, None)
    return Replica(
        identifier,
        str(found["DBInstanceStatus"]),
        follows=bool(found.get("ReadReplicaSourceDBInstanceIdentifier")),
        lag_seconds=lag,
        lag_at=at,
    )


def moment(stack: Stack, here: datetime) -> datetime:
    """Return AWS's time, rounded up; `here`, this machine's, where an answer has no date.

    The times of metrics and of transactions are AWS's, and an operator's clock may be minutes
    behind. Every answer has the header Date (RFC 9110, section 6.6.1), in whole seconds.
    """
    with explained(stack, "The time cannot be asked for"):
        answer = client(stack, "sts").get_caller_identity()
    with suppress(KeyError, ValueError):
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return date + timedelta(seconds=1)
    return here


def _newest(
    stack: Stack, namespace: str, name: str, dimensions: Mapping[str, str], now: datetime
) -> tuple[datetime, float] | None:
    """Return the newest minute's begin and maximum; None without a value of the last minutes."""
    with explained(stack, f"The metric {name} cannot be read"):
        points = client(stack, "cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - FRESH,
            EndTime=now,
            Period=PERIOD_SECONDS if stack.endpoint is None else EMULATED_PERIOD_SECONDS,
            Statistics=["Maximum"],
        )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if newest is None else (newest["Timestamp"], float(newest["Maximum"]))


def newest_restorable(standby: Stack, primary: Stack) -> datetime | None:
    """Return the latest moment that the primary's backups in the standby's region can restore."""
    rds = client(standby, "rds")
    with explained(standby, "The replicated backups cannot be read"):
        try:
            found = rds.describe_db_instance_automated_backups(
                DbiResourceId=primary.outputs.database.resource_id
            )["DBInstanceAutomatedBackups"]
        except rds.exceptions.DBInstanceAutomatedBackupNotFoundFault:
            return None
    moments = (one.get("RestoreWindow", {}).get("LatestTime") for one in found)
    return max((moment for moment in moments if moment is not None), default=None)


def last_copied_backup(standby: Stack, primary: Stack) -> datetime | None:
    """Return when the newest backup was made that AWS Backup copied into the standby's region.

    AWS Backup's recovery points of an instance are its snapshots of the type `awsbackup` (Amazon
    RDS API Reference, DescribeDBSnapshots).
    """
    with explained(standby, "The copied backups cannot be read"):
        pages = (
            client(standby, "rds")
            .get_paginator("describe_db_snapshots")
            .paginate(
                DBInstanceIdentifier=primary.outputs.database.identifier, SnapshotType="awsbackup"
            )
        )
        made = [
            # A copy was created later than what it is a copy of.
            one.get("OriginalSnapshotCreateTime") or one["SnapshotCreateTime"]
            for page in pages
            for one in page["DBSnapshots"]
            if one["Status"] == "available"
        ]
    return max(made, default=None)


def replication_latency(standby: Stack, now: datetime) -> dict[str, float | None]:
    """Return the seconds by which each bucket's copy is behind."""
    bindings = standby.outputs.observability.bindings
    names = ("copy_source", "copy_destination", "copy_rule")
    copies = zip(*(bindings.get(name, []) for name in names), strict=True)
    found = {
        destination: _newest(
            standby,
            "AWS/S3",
            "ReplicationLatency",
            {"SourceBucket": source, "DestinationBucket": destination, "RuleId": rule},
            now,
        )
        for source, destination, rule in copies
    }
    return {name: None if point is None else point[1] for name, point in found.items()}


def image(standby: Stack) -> Image:
    """Return the image of the standby's task definition, and whether the region's registry has it.

    The registry's copies keep tags and digests (Amazon ECR User Guide, Private image replication).
    """
    outputs = standby.outputs
    with explained(standby, "The task definition cannot be read"):
        definition = client(standby, "ecs").describe_task_definition(
            taskDefinition=outputs.service.task_family
        )["taskDefinition"]
    url = outputs.registry.repository_url
    used = [str(one["image"]) for one in definition["containerDefinitions"]]
    reference = next((one for one in used if one.startswith((f"{url}:", f"{url}@"))), used[0])
    rest = reference.removeprefix(url)
    identity: Any = {"imageDigest": rest[1:]} if rest[:1] == "@" else {"imageTag": rest[1:]}
    ecr = client(standby, "ecr")
    with explained(standby, f"The image {reference} cannot be looked up"):
        try:
            found = ecr.describe_images(
                repositoryName=outputs.registry.repository_name, imageIds=[identity]
            )["imageDetails"]
        except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
            found = []
    return Image(reference, present=bool(found))


def secrets(standby: Stack) -> Iterator[Secret]:
    """Yield each secret of the standby: whether it is there, has a value, and is still a copy.

    No value is read. A copy names its primary's region until somebody stops its replication
    (AWS Secrets Manager API Reference, DescribeSecret: PrimaryRegion).
    """
    manager = client(standby, "secretsmanager")
    for name, arn in sorted(standby.outputs.secret_arns.items()):
        with explained(standby, f"The secret {name} cannot be read"):
            try:
                found = manager.describe_secret(SecretId=arn)
            except manager.exceptions.ResourceNotFoundException:
                yield Secret(name, present=False, has_value=False)
                continue
        stages = found.get("VersionIdsToStages", {}).values()
        current = any("AWSCURRENT" in one for one in stages)
        copies = found.get("ReplicationStatus", ())
        in_step = all(one.get("Status") != "Failed" for one in copies)
        copied = name in REPLICATED and standby.outputs.role == "secondary"
        follows = found.get("PrimaryRegion", standby.outputs.region) != standby.outputs.region
        yield Secret(
            name,
            present="DeletedDate" not in found,
            has_value=current,
            in_step=in_step,
            detached=copied and not follows,
        )


def keys(standby: Stack) -> dict[str, str]:
    """Return the state of each key, `missing` where there is none."""
    kms, states = client(standby, "kms"), dict[str, str]()
    for name, arn in sorted(standby.outputs.key_arns.items()):
        with explained(standby, f"The key {name} cannot be read"):
            try:
                states[name] = str(kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"])
            except kms.exceptions.NotFoundException:
                states[name] = "missing"
    return states


def certificates(standby: Stack) -> Iterator[Certificate]:
    """Yield the certificates of the load balancer's listeners."""
    arn = standby.outputs.service.load_balancer_arn
    acm = client(standby, "acm")
    with explained(standby, "The listeners cannot be read"):
        listeners = client(standby, "elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]
    used = {one["CertificateArn"] for each in listeners for one in each.get("Certificates", ())}
    for certificate in sorted(used):
        with explained(standby, f"The certificate {certificate} cannot be read"):
            found = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
        yield Certificate(str(found["DomainName"]), str(found["Status"]), found.get("NotAfter"))


def lever(standby: Stack, primary: Stack) -> Lever:
    """Return whether the primary's lever exists, and whether somebody has pulled it."""
    identifier = primary.outputs.edge.failover_lever_id
    if identifier is None:
        return Lever("in the primary's exports", exists=False, pulled=False)
    route53 = client(standby, "route53")
    with explained(standby, "The lever cannot be read"):
        try:
            found = route53.get_health_check(HealthCheckId=identifier)["HealthCheck"]
        except route53.exceptions.NoSuchHealthCheck:
            return Lever(identifier, exists=False, pulled=False)
    pulled = bool(found["HealthCheckConfig"].get("Inverted"))
    return Lever(identifier, exists=True, pulled=pulled)


def healthy_targets(standby: Stack) -> int:
    """Return how many of the standby's targets are healthy, in both of its groups."""
    elb, service = client(standby, "elbv2"), standby.outputs.service
    healthy = 0
    for group in (service.blue_target_group_arn, service.green_target_group_arn):
        with explained(standby, "The health of the targets cannot be read"):
            found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        healthy += sum(one["TargetHealth"]["State"] == "healthy" for one in found)
    return healthy
