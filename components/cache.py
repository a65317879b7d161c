"""The cache: a Valkey or Redis replication group, with TLS and a token."""

from collections.abc import Iterator
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import physical
from arca.outputs import CacheOutputs
from arca.pins import pinned
from components.component import Component, Place
from components.spec import Format, LogRetention, Spec, WrongKey
from components.windows import DailyWindow, WeeklyWindow, daily_length, overlap, weekly_length
from components.wires import Placement

CACHE_PORT = 6379
_GENERAL = {"large": 6.38, "xlarge": 12.93, "2xlarge": 26.04, "4xlarge": 52.26, "8xlarge": 103.68}
_MEMORY = {"large": 13.07, "xlarge": 26.32, "2xlarge": 52.82, "4xlarge": 105.81, "8xlarge": 209.55}
NODE_MEMORY_GIB = {
    "t4g": {"micro": 0.5, "small": 1.37, "medium": 3.09},
    **dict.fromkeys(("m6g", "m7g", "m8g"), _GENERAL | {"12xlarge": 157.12, "16xlarge": 209.55}),
    **dict.fromkeys(("r6g", "r7g", "r8g"), _MEMORY | {"12xlarge": 317.77, "16xlarge": 419.09}),
}
"""GiB by family and size, the same in both regions (Amazon ElastiCache User Guide, "Supported node
types"); the tests compare the sizes with cfn-lint's data."""
NODE_TYPES = frozenset(
    f"cache.{family}.{size}" for family, sizes in NODE_MEMORY_GIB.items() for size in sizes
)
SHORTEST_MINUTES = 60
"""ElastiCache API, CreateReplicationGroup: SnapshotWindow and PreferredMaintenanceWindow are at
least an hour long."""

OLDEST_VALKEY = (7, 2)
REDIS_VERSIONS = ("7.0", "7.1")
"""Redis OSS ends at 7.1 and Valkey begins at 7.2 (Amazon ElastiCache User Guide, "Supported engines
and versions"). The parameter groups of older versions of Redis OSS have names of another form."""


class CacheSpec(Spec):
    """The ElastiCache replication group."""

    engine: Literal["valkey", "redis"] = Field(
        default="valkey", description="Engine; Valkey costs 20% less than Redis."
    )
    engine_version: Annotated[
        str, Format(r"^\d{1,2}\.\d{1,2}$", "a version with major and minor, such as 8.0")
    ] = Field(
        default=pinned("cache.engine_version"),
        description="Engine version, major and minor; with engine `redis`, "
        f"{' or '.join(REDIS_VERSIONS)}.",
    )
    node_type: Annotated[
        str,
        Format(
            r"^cache\.",
            f"a current node type of the families {', '.join(NODE_MEMORY_GIB)}, such as "
            "cache.t4g.small",
            NODE_TYPES.__contains__,
        ),
    ] = Field(
        default="cache.t4g.small",
        description="ElastiCache node type, which sets each node's memory and CPU.",
    )
    nodes: int = Field(
        default=1, ge=1, le=6, description="Number of nodes: one primary, the others replicas."
    )
    multi_az: bool = Field(
        default=False,
        description="Place nodes in different zones, with automatic failover; needs two nodes.",
    )
    maxmemory_policy: Literal[
        "noeviction", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "volatile-ttl"
    ] = Field(
        default="volatile-lru", description="Keys that the engine evicts when memory is full."
    )
    snapshot_days: int = Field(
        default=0, ge=0, le=35, description="Days that daily snapshots are kept; 0 for none."
    )
    snapshot_window: DailyWindow = Field(
        default="05:00-06:00", description="Daily window for snapshots, UTC."
    )
    maintenance_window: WeeklyWindow = Field(
        default="sun:08:30-sun:09:30", description="Weekly window for maintenance, UTC."
    )
    token_strategy: Literal["SET", "ROTATE"] = Field(
        default="SET",
        description="How a new AUTH token is applied. ROTATE also accepts the old token: use it "
        "for the first of the two updates of a rotation. Never use it for the first token, which "
        "it would leave optional.",
    )
    log_days: LogRetention = Field(
        default=90, description="Days that the slow log and the engine log are kept."
    )

    @property
    def memory_gib(self) -> float:
        """Memory of each node in GiB."""
        _, family, size = self.node_type.split(".")
        return NODE_MEMORY_GIB[family][size]

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Yield what ElastiCache refuses."""
        if self.multi_az and self.nodes < 2:
            yield WrongKey("nodes", "at least 2, because multi_az fails over to another node")
        major, minor = self.engine_version.split(".")
        if self.engine == "redis" and self.engine_version not in REDIS_VERSIONS:
            wanted = f"{' or '.join(REDIS_VERSIONS)}, because engine is redis"
            yield WrongKey("engine_version", wanted)
        elif self.engine == "valkey" and (int(major), int(minor)) < OLDEST_VALKEY:
            wanted = "7.2 or newer, because engine is valkey"
            yield WrongKey("engine_version", wanted)
        if daily_length(self.snapshot_window) < SHORTEST_MINUTES:
            yield WrongKey("snapshot_window", f"a window of at least {SHORTEST_MINUTES} minutes")
        if weekly_length(self.maintenance_window) < SHORTEST_MINUTES:
            yield WrongKey("maintenance_window", f"a window of at least {SHORTEST_MINUTES} minutes")
        if overlap(self.snapshot_window, self.maintenance_window):
            yield WrongKey(
                "maintenance_window", f"a window that does not overlap {self.snapshot_window}"
            )


class Cache(Component):
    """The cache.

    Produces: subnet group, parameter group, log groups and the replication group.
    """

    address: pulumi.Output[str]
    replication_group_id: pulumi.Output[str]
    node_ids: list[pulumi.Output[str]]
    """The nodes as metrics name them (ElastiCache User Guide, "Metrics for Valkey and Redis
    OSS")."""

    def __init__(
        self,
        name: str,
        spec: CacheSpec,
        place: Place,
        *,
        at: Placement,
        key_arn: pulumi.Input[str],
        log_key_arn: pulumi.Input[str],
        token: pulumi.Input[str],
        generation: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:cache:Cache", name, place, data_class="confidential", opts=opts)
        identifier = physical(place.prefix, limit=40)
        family = f"{spec.engine}{spec.engine_version.split('.', maxsplit=1)[0]}"
        subnets = aws.elasticache.SubnetGroup(
            name, name=identifier, subnet_ids=at.subnet_ids, opts=self.child()
        )
        parameters = aws.elasticache.ParameterGroup(
            f"{name}-{family}",
            name=f"{identifier}-{family}",
            family=family,
            parameters=[{"name": "maxmemory-policy", "value": spec.maxmemory_policy}],
            opts=self.child(),
        )
        logs = {
            kind: aws.cloudwatch.LogGroup(
                f"{name}-{kind}",
                name=f"/{place.prefix}/cache/{kind}",
                kms_key_id=log_key_arn,
                retention_in_days=spec.log_days,
                opts=self.child(),
            )
            for kind in ("slow-log", "engine-log")
        }
        # A cache repeats answers of the database that it stands before, so it goes with that one.
        counted = f"-{generation}" if generation > 1 else ""
        group = aws.elasticache.ReplicationGroup(
            f"{name}{counted}",
            replication_group_id=physical(f"{place.prefix}{counted}", limit=40),
            description=f"{identifier}: tokens, idempotency keys, rate limits",
            engine=spec.engine,
            engine_version=spec.engine_version,
            node_type=spec.node_type,
            num_cache_clusters=spec.nodes,
            automatic_failover_enabled=spec.multi_az,
            multi_az_enabled=spec.multi_az,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[at.security_group_id],
            port=CACHE_PORT,
            at_rest_encryption_enabled=True,
            kms_key_id=key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=token,
            auth_token_update_strategy=spec.token_strategy,
            snapshot_retention_limit=spec.snapshot_days,
            snapshot_window=spec.snapshot_window,
            maintenance_window=spec.maintenance_window,
            auto_minor_version_upgrade=False,
            apply_immediately=False,
            log_delivery_configurations=[
                {
                    "destination": group.name,
                    "destination_type": "cloudwatch-logs",
                    "log_format": "json",
                    "log_type": kind,
                }
                for kind, group in logs.items()
            ],
            opts=self.durable(),
        )
        self.address = group.primary_endpoint_address
        self.replication_group_id = group.replication_group_id
        self.node_ids = [
            pulumi.Output.concat(group.replication_group_id, f"-{number:03}")
            for number in range(1, spec.nodes + 1)
        ]
        self.register_outputs({"address": self.address})

    def variables(self) -> dict[str, pulumi.Input[str]]:
        """Return the variables with which the service finds the cache."""
        return {"CACHE_HOST": self.address, "CACHE_PORT": str(CACHE_PORT)}

    def outputs(self) -> CacheOutputs[pulumi.Output[str]]:
        """The cache's part of the stack's exports."""
        return CacheOutputs[pulumi.Output[str]](
            replication_group_id=self.replication_group_id,
            address=self.address,
            port=CACHE_PORT,
        )
