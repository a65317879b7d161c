"""The contract of a stack's exports, defined once for the program that writes them and `arca`.

The type parameter is the type of a value that only the cloud knows: `str` for whoever reads the
exports, `pulumi.Output[str]` for the program. What the settings decide is a plain value on both
sides. This file does not import Pulumi: whoever reads a stack needs this file and the JSON of
`pulumi stack output --json --show-secrets`, nothing else.
"""

from typing import Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeVar

from arca.naming import Severity

T = TypeVar("T", default=str)

BucketRole = Literal["documents", "audit", "logs", "artifacts"]
ReplicatedKey = Literal["data", "documents", "secrets", "images"]
"""Keys with a replica in the DR region, because what they encrypt has a copy there."""
ReplicatedSecret = Literal["database-owner", "database-app", "arca-certificate", "jwt-key"]
"""Secrets with a replica in the DR region; the cache's token has none."""
ReplicatedBucket = Literal["documents", "audit"]
"""Buckets whose objects S3 copies into the DR region."""


class Contract(BaseModel):
    """Base of all outputs: frozen, and an undeclared key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class NetworkOutputs(Contract, Generic[T]):
    """The network in which tasks and jobs run."""

    vpc_id: T
    public_subnet_ids: list[T]
    private_subnet_ids: list[T]
    isolated_subnet_ids: list[T]
    security_group_ids: dict[str, T] = Field(default={})
    """By role; empty in exports from before this field."""
    service_security_group_id: T
    job_security_group_id: T


class DatabaseOutputs(Contract, Generic[T]):
    """The database: `host` is what the service connects to, `address` the instance itself."""

    identifier: T
    arn: T
    resource_id: T
    address: T
    host: T
    port: int
    name: str
    read_replica_addresses: list[T]
    is_replica: bool
    generation: int = 1
    """The instance's number (ADR 0029); 1 in exports from before this field."""


class BackupsOutputs(Contract, Generic[T]):
    """AWS Backup's vaults; a stack without a plan, and a DR stack on standby, have none."""

    vault_name: T
    """The vault in the stack's own region."""
    vault_arns: dict[str, T]
    """By region; a primary's backups are copied into its DR region."""
    restored_subnet_group: T | None = None
    """The isolated subnets of a database that is restored for a test."""
    restored_class: str | None = None
    """Its instance class."""


class CacheOutputs(Contract, Generic[T]):
    """The cache; a DR stack on standby has none."""

    replication_group_id: T
    address: T
    port: int


class ServiceOutputs(Contract, Generic[T]):
    """The ECS service and everything that a deployment touches."""

    cluster: T
    name: T
    port: int
    task_family: T
    migration_family: T
    strategy: Literal["rolling", "blue-green", "linear", "canary"]
    deployment_configuration: dict[str, Any] = Field(default={})
    """As ECS's API takes it (Amazon ECS API Reference, DeploymentConfiguration); empty in exports
    from before this field."""
    min_tasks: int = 0
    """The fewest tasks that serve, with which the first release begins; 0 in exports from before
    this field."""
    capacity_provider_strategy: list[dict[str, Any]] = Field(default=[])
    """As ECS's API takes it (Amazon ECS API Reference, CapacityProviderStrategyItem); empty in
    exports from before this field."""
    log_group: T
    alarm_names: list[T]
    blue_target_group_arn: T
    green_target_group_arn: T
    production_rule_arn: T
    test_rule_arn: T
    load_balancer_arn: T
    load_balancer_dns_name: T


class ObservabilityOutputs(Contract, Generic[T]):
    """What watches the stack; `bindings` are the dimensions of the catalogue's metrics."""

    alarm_names: dict[str, T]
    dashboards: list[str]
    objectives: list[str]
    bindings: dict[str, list[T]]
    topics: dict[Severity, T]
    log_groups: dict[str, T]


class EdgeOutputs(Contract, Generic[T]):
    """The names that customers, Cloudflare and health checks use."""

    url: str
    regional_url: str
    origin_name: str
    regional_origin_name: str
    health_check_id: T
    failover_lever_id: T | None = None
    """The health check that a person inverts to send the traffic to the DR region (ADR 0021)."""


class RegistryOutputs(Contract, Generic[T]):
    """The image repository in this stack's region."""

    repository_name: T
    repository_url: T


class DeliveryOutputs(Contract, Generic[T]):
    """ARNs of GitHub Actions' roles, which go into the environments' variables."""

    preview: T
    look: T
    infra: T
    release: T
    review: T | None = None
    sweep: T | None = None


class RecoveryOutputs(Contract, Generic[T]):
    """What a secondary needs of its primary; all of it is in the DR region or global.

    `components/primary.py` gives every field to the secondary as an unknown value of this type,
    so all of them are `T`, or a mapping to `T` with literal keys.
    """

    region: T
    account_id: T
    cidr: T
    database_arn: T
    key_arns: dict[ReplicatedKey, T]
    secret_arns: dict[ReplicatedSecret, T]
    source_buckets: dict[ReplicatedBucket, T]
    replica_buckets: dict[ReplicatedBucket, T]
    documents_arn: T
    """ARN of the documents' replica."""
    repository_name: T
    origin_zone_id: T
    client_ca_pem: T


class Outputs(Contract, Generic[T]):
    """All exports of a stack."""

    stack: str
    stage: Literal["dev", "staging", "prod"]
    role: Literal["primary", "secondary"]
    phase: Literal["standby", "promoting", "active", "fenced", "following"]
    region: str
    account_id: str
    network: NetworkOutputs[T]
    database: DatabaseOutputs[T]
    backups: BackupsOutputs[T] | None = None
    cache: CacheOutputs[T] | None = None
    service: ServiceOutputs[T]
    edge: EdgeOutputs[T]
    observability: ObservabilityOutputs[T]
    registry: RegistryOutputs[T]
    delivery: DeliveryOutputs[T] | None = None
    buckets: dict[BucketRole, T]
    key_arns: dict[str, T]
    secret_arns: dict[str, T]
    secrets_without_value: list[str]
    recovery: RecoveryOutputs[T] | None = None

    @property
    def fenced(self) -> bool:
        """True when the stack answers 503 and runs no task, because another region serves."""
        away = self.role == "primary" and self.phase in ("following", "promoting")
        return self.phase == "fenced" or away
