"""The settings of a stack: every Spec composed, and what only an owner knows."""

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field, field_validator

from components.alerting import AlertingSpec
from components.cache import CacheSpec
from components.database import DatabaseSpec
from components.delivery import DeliverySpec
from components.dns import DnsSpec
from components.edge import EdgeSpec
from components.firewall import FirewallSpec
from components.flow_logs import FlowLogsSpec
from components.keys import KeysSpec
from components.load_balancer import LoadBalancerSpec
from components.network import NetworkSpec
from components.observability import ObservabilitySpec
from components.probe import ProbeSpec
from components.proxy import ProxySpec
from components.registry import RegistrySpec
from components.secrets import SecretsSpec
from components.service import ServiceSpec
from components.spec import Region, Spec
from components.storage import StorageSpec


class OwnerSpec(Spec):
    """What only the owner of the accounts knows.

    The committed values are placeholders: the emulated cloud takes them, AWS never sees them.
    """

    account_id: str = Field(
        pattern=r"^\d{12}$", description="AWS account of this stack. Placeholder: twelve zeros."
    )
    domain: str = Field(
        pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$",
        description="Domain of the stage's Cloudflare zone. Placeholder: ends in `.example`.",
    )
    cloudflare_account_id: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="Cloudflare account. Placeholder: 32 zeros."
    )
    cloudflare_zone_id: str = Field(
        pattern=r"^[0-9a-f]{32}$",
        description="The stage's Cloudflare zone. Placeholder: 32 zeros.",
    )
    image: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.:/_-]*(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$",
        description="Image that the service starts with, by tag (never `latest`) or digest; "
        "afterwards the pipeline ships images. Placeholder: the tag `placeholder`.",
    )
    contact_email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        description="Where Cloudflare writes about health. Placeholder: ends in `.example`.",
    )
    team: str = Field(default="platform", description="Value of the tag `owner`.")
    cost_center: str = Field(default="arca-api", description="Value of the tag `cost-center`.")

    @field_validator("image")
    @classmethod
    def _not_latest(cls, image: str) -> str:
        if image.endswith(":latest"):
            message = "a tag that always means the same image, or a digest"
            raise ValueError(message)
        return image

    def placeholders(self) -> list[str]:
        """Names of the fields that nobody has filled in."""
        unfilled = {
            "account_id": self.account_id == "0" * 12,
            "domain": self.domain.endswith(".example"),
            "cloudflare_account_id": self.cloudflare_account_id == "0" * 32,
            "cloudflare_zone_id": self.cloudflare_zone_id == "0" * 32,
            "image": self.image.endswith(":placeholder"),
            "contact_email": self.contact_email.endswith(".example"),
        }
        return [name for name, is_placeholder in unfilled.items() if is_placeholder]


class RecoverySpec(Spec):
    """The stack's part in disaster recovery."""

    role: Literal["primary", "secondary"] = Field(
        default="primary", description="A secondary is the DR stack of a primary."
    )
    replica_region: Region | None = Field(
        default=None,
        description="Primary: region that receives copies of keys, secrets, documents, images "
        "and backups.",
    )
    primary_stack: str | None = Field(
        default=None, description="Secondary: the stack that it stands by for."
    )
    primary_cidr: IPv4Network | None = Field(
        default=None,
        description="Secondary: the primary's network.cidr, which ours must not overlap.",
    )
    phase: Literal["standby", "promoting", "active"] = Field(
        default="standby",
        description="Secondary: `standby` follows the primary; `promoting` detaches the "
        "database; `active` serves. Two updates, for AWS does not change a replica's other "
        "settings while it is promoted.",
    )
    warm_tasks: int = Field(
        default=1, ge=0, description="Secondary: tasks that run while it is not active."
    )


class Settings(Spec):
    """A stack's settings."""

    stage: Literal["dev", "staging", "prod"] = Field(
        description="What the stack is for. `prod` refuses whatever would risk customers' data."
    )
    region: Region = Field(description="AWS region of the stack.")
    protected: bool = Field(
        default=False, description="Refuse to destroy what is durable: data, keys, secrets."
    )
    disposable: bool = Field(
        default=False,
        description="Destroying the stack leaves nothing behind: no final snapshot, no secret to "
        "bring back, no bucket that is not empty. For review stacks.",
    )
    runs_on: Literal["aws", "emulated"] = Field(
        default="aws", description="Set by `make up` alone; on AWS, placeholders are refused."
    )
    owner: OwnerSpec = Field(description="What only the owner of the accounts knows.")
    recovery: RecoverySpec = Field(default=RecoverySpec(), description="Part in disaster recovery.")
    network: NetworkSpec = Field(default=NetworkSpec(), description="The VPC and its subnets.")
    flow_logs: FlowLogsSpec = Field(default=FlowLogsSpec(), description="VPC flow logs.")
    keys: KeysSpec = Field(default=KeysSpec(), description="Customer managed KMS keys.")
    secrets: SecretsSpec = Field(default=SecretsSpec(), description="Secrets and their rotation.")
    storage: StorageSpec = Field(default=StorageSpec(), description="Buckets.")
    database: DatabaseSpec = Field(default=DatabaseSpec(), description="RDS PostgreSQL.")
    proxy: ProxySpec = Field(default=ProxySpec(), description="RDS Proxy's pool.")
    cache: CacheSpec = Field(default=CacheSpec(), description="Valkey or Redis.")
    registry: RegistrySpec = Field(default=RegistrySpec(), description="ECR repository.")
    load_balancer: LoadBalancerSpec = Field(default=LoadBalancerSpec(), description="The ALB.")
    firewall: FirewallSpec = Field(default=FirewallSpec(), description="WAFv2 on the ALB.")
    service: ServiceSpec = Field(default=ServiceSpec(), description="The ECS service.")
    edge: EdgeSpec = Field(default=EdgeSpec(), description="The Cloudflare zone.")
    dns: DnsSpec = Field(default=DnsSpec(), description="Origin names and health checks.")
    delivery: DeliverySpec = Field(
        default=DeliverySpec(), description="Roles of GitHub Actions, one an environment."
    )
    alerting: AlertingSpec = Field(default=AlertingSpec(), description="Who hears of an alarm.")
    probe: ProbeSpec = Field(default=ProbeSpec(), description="The outside probe.")
    observability: ObservabilitySpec = Field(
        default=ObservabilitySpec(), description="Alarms, dashboards, queries, traces, budgets."
    )

    @property
    def secondary(self) -> bool:
        """Whether this is a DR stack."""
        return self.recovery.role == "secondary"

    @property
    def serving(self) -> bool:
        """Whether customers may be sent here: always, but for a DR stack that is not active."""
        return not self.secondary or self.recovery.phase == "active"

    @property
    def following(self) -> bool:
        """Whether the database follows another stack's."""
        return self.secondary and self.recovery.phase == "standby"

    @property
    def service_now(self) -> ServiceSpec:
        """The service as it runs in the present phase: a DR stack that waits stays small."""
        if self.serving:
            return self.service
        tasks = self.recovery.warm_tasks
        scaling = self.service.scaling.model_copy(
            update={"min_tasks": tasks, "max_tasks": max(tasks, 1), "schedules": ()}
        )
        return self.service.model_copy(update={"scaling": scaling})
