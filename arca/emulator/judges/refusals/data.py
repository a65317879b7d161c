"""What RDS, ElastiCache and S3 refuse."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from arca.emulator.judges.refusals.definition import (
    Fault,
    MadeCall,
    Refusal,
    range_rule,
    text_rule,
)

CLOSED_MINORS: Mapping[str, str] = {
    "2024-12-09": "13.11 13.12 13.13 13.14 14.9 14.10 14.11 15.4 15.5 15.6 16.1 16.2",
    "2025-10-01": "13.15 13.16 14.12 14.13 15.7 15.8 16.3 16.4",
    "2026-05-01": (
        "14.14 14.15 14.16 14.17 15.9 15.10 15.11 15.12 16.5 16.6 16.7 16.8 17.1 17.2 17.3 17.4"
    ),
    "2026-10-01": "14.18 14.19 15.13 15.14 16.9 16.10 17.5 17.6",
}
"""Minor versions of PostgreSQL by the day since which no instance can be created with them.

From AWS's notices of the end of standard support, last read on 2026-11-28.
"""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK_MINUTES = 7 * 24 * 60
CREATE = ("rds.create_db_instance", "rds.create_db_instance_read_replica")
IDENTIFIER = r"[a-zA-Z](?:-?[a-zA-Z0-9])*"


def _closed(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    version = call.params.get("EngineVersion", "")
    for since, versions in CLOSED_MINORS.items():
        if call.params.get("Engine") == "postgres" and version in versions.split():
            yield Fault("EngineVersion", f"{version} cannot be created since {since}")


def _user(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    name = call.params.get("MasterUsername", "arca")
    if not re.fullmatch(r"[a-zA-Z_]\w{0,62}", name) or name.lower() in ("admin", "rdsadmin"):
        yield Fault("MasterUsername", f"{name}; 1 to 63 letters, digits, _; not a reserved word")


def _password(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = call.params.get("MasterUserPassword")
    if given is not None and not re.fullmatch(r"""[!#-.0-?A-~]{8,128}""", given):
        yield Fault("MasterUserPassword", '8 to 128 printable characters without / " @ and space')


def _insights(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    days = call.params.get("PerformanceInsightsRetentionPeriod")
    if days is not None and days not in (7, 731) and (days % 31 or not 31 <= days <= 713):
        yield Fault("PerformanceInsightsRetentionPeriod", f"{days}; 7, 731 or months of 31 days")
    if call.params.get("DatabaseInsightsMode") == "advanced" and (days or 0) < 465:
        yield Fault("DatabaseInsightsMode", f"advanced needs 465 days of Insights, not {days}")


def _storage(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    size, most = call.params.get("AllocatedStorage"), call.params.get("MaxAllocatedStorage")
    kind = call.params.get("StorageType", "gp2")
    if kind not in ("gp2", "gp3", "io1", "io2", "standard"):
        yield Fault("StorageType", f"{kind}; gp2, gp3, io1, io2 or standard")
    if size is None:
        return
    if most is not None and most <= size:
        yield Fault("MaxAllocatedStorage", f"{most} is not above the storage of {size} GiB")
    if call.params.get("StorageType") == "gp3":
        if size < 20:
            yield Fault("AllocatedStorage", f"{size}; gp3 has 20 GiB at least")
        for key in ("Iops", "StorageThroughput"):
            if key in call.params and size < 400:
                yield Fault(key, f"not below 400 GiB of gp3; the storage is {size}")


def _windows(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    backup, upkeep = (call.params.get(f"Preferred{key}Window") for key in ("Backup", "Maintenance"))
    if backup is None or upkeep is None:
        return
    begin, end = (_minutes(one) for one in upkeep.split("-"))
    length = (end - begin) % WEEK_MINUTES
    if length < 30:
        yield Fault("PreferredMaintenanceWindow", f"{upkeep}; 30 minutes at least")
    first, last = (_minutes(f"mon:{one}") for one in backup.split("-"))
    if (last - first) % (24 * 60) < 30:
        yield Fault("PreferredBackupWindow", f"{backup}; 30 minutes at least")
    for day in range(7):
        start = (first + day * 24 * 60 - begin) % WEEK_MINUTES
        if start < length or start + (last - first) % (24 * 60) > WEEK_MINUTES:
            yield Fault("PreferredBackupWindow", f"{backup} overlaps the maintenance {upkeep}")
            return


def _minutes(moment: str) -> int:
    day, hour, minute = moment.lower().split(":")
    return (DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


def _monitoring(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    seconds = call.params.get("MonitoringInterval", 0)
    if seconds not in (0, 1, 5, 10, 15, 30, 60):
        yield Fault("MonitoringInterval", f"{seconds}; 0, 1, 5, 10, 15, 30 or 60")
    if bool(seconds) != ("MonitoringRoleArn" in call.params):
        yield Fault("MonitoringRoleArn", "it goes with an interval, and only with one")


def _replica(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    source = str(call.params["SourceDBInstanceIdentifier"])
    if not source.startswith("arn:"):
        return
    elsewhere = source.split(":")[3] != call.region
    if elsewhere and "KmsKeyId" not in call.params:
        yield Fault("KmsKeyId", "a replica of an encrypted instance elsewhere needs a key here")
    if not elsewhere and "DBSubnetGroupName" in call.params:
        yield Fault("DBSubnetGroupName", "a replica in the source's region inherits it")


def _pool(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    pool = call.params.get("ConnectionPoolConfig", {})
    most, idle = pool.get("MaxConnectionsPercent", 100), pool.get("MaxIdleConnectionsPercent", 50)
    if not 1 <= most <= 100 or not 0 <= idle <= most:
        yield Fault("ConnectionPoolConfig", f"{idle}% idle of {most}%; idle is the smaller share")


def _replication_group(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = call.params
    failover, nodes = given.get("AutomaticFailoverEnabled"), given.get("NumCacheClusters", 1)
    if failover and nodes < 2 and "NumNodeGroups" not in given:
        yield Fault("AutomaticFailoverEnabled", f"it needs two nodes, not {nodes}")
    if given.get("MultiAZEnabled") and not failover:
        yield Fault("MultiAZEnabled", "it needs automatic failover")
    if "AuthToken" in given and not given.get("TransitEncryptionEnabled"):
        yield Fault("AuthToken", "it needs encryption in transit")


def _token(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = call.params.get("AuthToken")
    if given is not None and not re.fullmatch(r"[a-zA-Z0-9!&#$^<>-]{16,128}", given):
        yield Fault("AuthToken", "16 to 128 letters, digits and !&#$^<>-")


def _bucket_name(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    name = str(call.params["Bucket"])
    wanted = re.fullmatch(r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
    ending = name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    if wanted is None or ".." in name or ending or _is_address(name):
        yield Fault("Bucket", f"{name}; 3 to 63 of a-z, 0-9, hyphens and single dots")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _transitions(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for rule in call.params["LifecycleConfiguration"]["Rules"]:
        moves = [(one, one.get("Days")) for one in rule.get("Transitions", [])]
        moves += [
            (one, one.get("NoncurrentDays")) for one in rule.get("NoncurrentVersionTransitions", [])
        ]
        for move, days in moves:
            if str(move["StorageClass"]).endswith("_IA") and days is not None and days < 30:
                yield Fault(f"{rule['ID']}.Days", f"{days}; {move['StorageClass']} after 30 days")
        expires = rule.get("Expiration", {}).get("Days")
        if expires is not None and any(days >= expires for move, days in moves if "Days" in move):
            yield Fault(f"{rule['ID']}.Expiration.Days", "it expires before it moves")


def _replication(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    versioned = {
        one.params["Bucket"]
        for one in earlier
        if one.operation == "s3.put_bucket_versioning"
        and one.params["VersioningConfiguration"]["Status"] == "Enabled"
    }
    rules: list[dict[str, Any]] = call.params["ReplicationConfiguration"]["Rules"]
    needed = {call.params["Bucket"], *(_destination(rule) for rule in rules)}
    for name in sorted(needed - versioned):
        yield Fault("Bucket", f"versioning is not enabled on {name}")
    for rule in rules:
        if "Filter" in rule and not {"Priority", "DeleteMarkerReplication"} <= set(rule):
            yield Fault(f"{rule['ID']}.Filter", "it needs Priority and DeleteMarkerReplication")


def _destination(rule: Mapping[str, Any]) -> str:
    return str(rule["Destination"]["Bucket"]).rpartition(":")[2]


def _log_target(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    target = call.params["BucketLoggingStatus"]["LoggingEnabled"]["TargetBucket"]
    for one in earlier:
        if one.params.get("Bucket") != target:
            continue
        if one.operation == "s3.put_object_lock_configuration":
            yield Fault("TargetBucket", f"{target} has a default retention")
        if one.operation == "s3.put_bucket_encryption" and "aws:kms" in str(one.params):
            yield Fault("TargetBucket", f"{target} is encrypted with a KMS key")


REFUSALS = (
    Refusal(
        "identifier of an instance",
        CREATE,
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBInstance",
        text_rule(
            rf"(?=.{{1,63}}$){IDENTIFIER}",
            "at most 63 letters, digits and single hyphens; a letter first, no hyphen last",
            "DBInstanceIdentifier",
        ),
    ),
    Refusal(
        "closed minor version",
        CREATE,
        "InvalidParameterCombination",
        "Amazon RDS for PostgreSQL Release Notes, Release calendars",
        _closed,
    ),
    Refusal(
        "name of the master user",
        CREATE,
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBInstance",
        _user,
    ),
    Refusal(
        "password of the master user",
        CREATE,
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBInstance",
        _password,
    ),
    Refusal(
        "Performance Insights and Database Insights",
        CREATE,
        "InvalidParameterCombination",
        "Amazon RDS User Guide, Turning on the Advanced mode of Database Insights",
        _insights,
    ),
    Refusal(
        "sizes of storage",
        CREATE,
        "InvalidParameterCombination",
        "Amazon RDS User Guide, gp3 storage",
        _storage,
    ),
    Refusal(
        "windows of backup and maintenance",
        CREATE,
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBInstance",
        _windows,
    ),
    Refusal(
        "interval of monitoring",
        CREATE,
        "InvalidParameterCombination",
        "Amazon RDS API Reference, CreateDBInstance",
        _monitoring,
    ),
    Refusal(
        "backups that are kept",
        CREATE,
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBInstance",
        range_rule(0, 35, "BackupRetentionPeriod"),
    ),
    Refusal(
        "replica of an instance",
        ("rds.create_db_instance_read_replica",),
        "InvalidParameterCombination",
        "Amazon RDS API Reference, CreateDBInstanceReadReplica",
        _replica,
    ),
    Refusal(
        "name of a proxy",
        ("rds.create_db_proxy",),
        "InvalidParameterValue",
        "Amazon RDS API Reference, CreateDBProxy",
        text_rule(
            rf"(?=.{{1,63}}$){IDENTIFIER}", "at most 63 letters, digits, hyphens", "DBProxyName"
        ),
    ),
    Refusal(
        "timeout of idle clients",
        ("rds.create_db_proxy",),
        "InvalidParameterValue",
        "Amazon RDS User Guide, Creating a proxy",
        range_rule(1, 28800, "IdleClientTimeout"),
    ),
    Refusal(
        "shares of a proxy's pool",
        ("rds.modify_db_proxy_target_group",),
        "InvalidParameterValue",
        "Amazon RDS API Reference, ConnectionPoolConfiguration",
        _pool,
    ),
    Refusal(
        "identifier of a cache",
        ("elasticache.create_replication_group",),
        "InvalidParameterValue",
        "Amazon ElastiCache API Reference, CreateReplicationGroup",
        text_rule(
            rf"(?=.{{1,40}}$){IDENTIFIER}",
            "at most 40 letters, digits and single hyphens; a letter first, no hyphen last",
            "ReplicationGroupId",
        ),
    ),
    Refusal(
        "nodes, failover and encryption of a cache",
        ("elasticache.create_replication_group",),
        "InvalidParameterCombination",
        "Amazon ElastiCache API Reference, CreateReplicationGroup",
        _replication_group,
    ),
    Refusal(
        "token of a cache",
        ("elasticache.create_replication_group",),
        "InvalidParameterValue",
        "Amazon ElastiCache User Guide, Authenticating with the Valkey AUTH command",
        _token,
    ),
    Refusal(
        "name of a bucket",
        ("s3.create_bucket",),
        "InvalidBucketName",
        "Amazon S3 User Guide, General purpose bucket naming rules",
        _bucket_name,
    ),
    Refusal(
        "days before an object moves",
        ("s3.put_bucket_lifecycle_configuration",),
        "InvalidArgument",
        "Amazon S3 User Guide, Transitioning objects using Amazon S3 Lifecycle",
        _transitions,
    ),
    Refusal(
        "replication of a bucket",
        ("s3.put_bucket_replication",),
        "InvalidRequest",
        "Amazon S3 User Guide, Requirements and considerations for replication",
        _replication,
    ),
    Refusal(
        "target of access logs",
        ("s3.put_bucket_logging",),
        "InvalidTargetBucketForLogging",
        "Amazon S3 User Guide, Enabling Amazon S3 server access logging",
        _log_target,
    ),
)
