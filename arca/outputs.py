"""The contract of a stack's exports: what ops reads, and nothing else is promised.

Free of Pulumi, so that whoever reads a stack needs nothing but this file and the JSON of
`pulumi stack output --json --show-secrets`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Frozen, and unknown keys are an error: an export that nobody declared is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkOutputs(Contract):
    """Where things run."""

    vpc_id: str
    public_subnet_ids: list[str]
    private_subnet_ids: list[str]
    isolated_subnet_ids: list[str]
    service_security_group_id: str
    job_security_group_id: str


class DatabaseOutputs(Contract):
    """The database: `host` is what the service connects to, `address` the instance itself."""

    identifier: str
    arn: str
    resource_id: str
    address: str
    host: str
    port: int
    name: str
    read_replica_addresses: list[str]
    is_replica: bool


class CacheOutputs(Contract):
    """The cache; absent in a DR stack that stands by."""

    replication_group_id: str
    address: str
    port: int


class ServiceOutputs(Contract):
    """The ECS service and everything that a deployment touches."""

    cluster: str
    name: str
    port: int
    task_family: str
    migration_family: str
    strategy: Literal["rolling", "blue-green", "linear", "canary"]
    log_group: str
    alarm_names: list[str]
    blue_target_group_arn: str
    green_target_group_arn: str
    production_rule_arn: str
    test_rule_arn: str
    load_balancer_arn: str
    load_balancer_dns_name: str


class ObservabilityOutputs(Contract):
    """What watches the stack; `bindings` say which dimensions the catalogue's metrics have."""

    alarm_names: dict[str, str]
    dashboards: list[str]
    objectives: list[str]
    bindings: dict[str, list[str]]
    topics: dict[Literal["SEV1", "SEV2", "SEV3", "SEV4"], str]
    log_groups: dict[str, str]


class EdgeOutputs(Contract):
    """The names that customers, Cloudflare and health checks use."""

    url: str
    regional_url: str
    origin_name: str
    regional_origin_name: str
    health_check_id: str


class RegistryOutputs(Contract):
    """The image repository in this stack's region."""

    repository_name: str
    repository_url: str


class DeliveryOutputs(Contract):
    """ARNs of GitHub Actions' roles, which go into the environments' variables."""

    preview: str
    look: str
    infra: str
    release: str
    review: str | None = None
    sweep: str | None = None


class RecoveryOutputs(Contract):
    """What a secondary needs of its primary; all of it stands in the DR region or is global."""

    region: str
    account_id: str
    cidr: str
    database_arn: str
    key_arns: dict[str, str]
    secret_arns: dict[str, str]
    documents_bucket: str
    documents_arn: str
    repository_name: str
    origin_zone_id: str
    client_ca_pem: str


class Outputs(Contract):
    """All exports of a stack."""

    stack: str
    stage: Literal["dev", "staging", "prod"]
    role: Literal["primary", "secondary"]
    phase: Literal["standby", "promoting", "active"]
    region: str
    account_id: str
    network: NetworkOutputs
    database: DatabaseOutputs
    cache: CacheOutputs | None = None
    service: ServiceOutputs
    edge: EdgeOutputs
    observability: ObservabilityOutputs
    registry: RegistryOutputs
    delivery: DeliveryOutputs | None = None
    buckets: dict[Literal["documents", "audit", "logs", "artifacts"], str]
    key_arns: dict[str, str]
    secret_arns: dict[str, str]
    secrets_without_value: list[str]
    recovery: RecoveryOutputs | None = None
