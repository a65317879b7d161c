"""The settings of a stack: one section for each component, and the owner's values."""

from typing import Annotated, Literal

from pydantic import Field

from arca.cost.traffic import Traffic
from components.alerting import AlertingSpec
from components.backups import BackupsSpec
from components.cache import CacheSpec
from components.database import DatabaseSpec
from components.database.spec import Replica
from components.delivery import DeliverySpec
from components.dns import DnsSpec
from components.edge import EdgeSpec
from components.experiments import ExperimentsSpec
from components.firewall import FirewallSpec
from components.flow_logs import FlowLogsSpec
from components.keys import KeysSpec
from components.load_balancer import LoadBalancerSpec
from components.network import NetworkSpec, VpcRange
from components.observability import ObservabilitySpec
from components.probe import ProbeSpec
from components.proxy import ProxySpec
from components.registry import RegistrySpec
from components.secrets import SecretsSpec
from components.service import ServiceSpec
from components.spec import Email, Format, Region, Spec, Zone
from components.storage import StorageSpec

LIVE_PATH = "/health/live"
"""Answers 200 while the process runs, whatever it depends on (docs/service-contract.md)."""
CLOUDFLARE_ID = r"^[0-9a-f]{32}$"
CloudflareId = Annotated[
    str, Format(CLOUDFLARE_ID, "the 32 hexadecimal digits of an id at Cloudflare")
]


class OwnerSpec(Spec):
    """Values that only the owner of the accounts knows.

    The committed values are placeholders: the emulated cloud accepts them, and `pulumi up`
    refuses them.
    """

    account_id: Annotated[
        str, Format(r"^\d{12}$", 'the 12 digits of an AWS account, such as "123456789012"')
    ] = Field(description="AWS account of this stack. Placeholder: twelve zeros.")
    domain: Annotated[
        str,
        Format(
            r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$",
            "a domain in lower case, such as acme.com",
        ),
    ] = Field(description="Domain of the stage's Cloudflare zone. Placeholder: ends in `.example`.")
    cloudflare_account_id: CloudflareId = Field(
        description="Cloudflare account. Placeholder: 32 zeros."
    )
    cloudflare_zone_id: CloudflareId = Field(
        description="The stage's Cloudflare zone. Placeholder: 32 zeros."
    )
    image: Annotated[
        str,
        Format(
            r"^[a-z0-9][a-z0-9.:/_-]*(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$",
            "an image with a tag that always means the same, such as arca-api:1.42.0, or a digest",
            lambda text: not text.endswith(":latest"),
        ),
    ] = Field(
        description="First image of the service, by tag (never `latest`) or digest; later the "
        "pipeline ships images. Placeholder: the tag `placeholder`."
    )
    contact_email: Email = Field(
        description="E-mail address for Cloudflare's health notifications. Placeholder: ends in "
        "`.example`."
    )
    team: str = Field(default="platform", description="Value of the tag `owner`.")
    cost_center: str = Field(default="arca-api", description="Value of the tag `cost-center`.")

    def placeholders(self) -> list[str]:
        """Return the names of the fields that still hold a placeholder."""
        unfilled = {
            "account_id": self.account_id == "0" * 12,
            "domain": self.domain.endswith(".example"),
            "cloudflare_account_id": self.cloudflare_account_id == "0" * 32,
            "cloudflare_zone_id": self.cloudflare_zone_id == "0" * 32,
            "image": self.image.endswith(":placeholder"),
            "contact_email": self.contact_email.endswith(".example"),
        }
        return [name for name, is_placeholder in unfilled.items() if is_placeholder]


Phase = Literal["standby", "promoting", "active", "fenced", "following"]


class RecoverySpec(Spec):
    """The stack's role in disaster recovery."""

    role: Literal["primary", "secondary"] = Field(
        default="primary", description="Role; a secondary is the DR stack of a primary."
    )
    replica_region: Region | None = Field(
        default=None,
        description="Primary: region that receives copies of keys, secrets, documents, images "
        "and backups.",
    )
    primary_stack: str | None = Field(
        default=None, description="Secondary: name of its primary's stack."
    )
    primary_cidr: VpcRange | None = Field(
        default=None,
        description="Secondary: the primary's `network.cidr`, which its own must not overlap.",
    )
    phase: Phase = Field(
        default="standby",
        description="Secondary: `standby` follows the primary, `promoting` detaches the database, "
        "`active` serves. These are two updates, because AWS changes no other setting of a "
        "replica while it promotes it. `fenced` ends the service before a fail-back. Primary: "
        "none, or `fenced` after its DR stack took over: it answers 503 and runs no task, so that "
        "nothing writes to a database of before. A fail-back goes on with `following` and "
        "`promoting`, and ends with none (docs/adr/0029-fail-back.md).",
    )
    release_data: bool = Field(
        default=False,
        description="In phase `fenced`, or in a secondary's `standby`: lift the protection of the "
        "database and the cache, so that the update with the next `database.generation` deletes "
        "them. The database leaves a final snapshot, unless it is a replica.",
    )
    warm_tasks: int = Field(
        default=1, ge=0, description="Secondary: number of tasks that run while it is not active."
    )


class Settings(Spec):
    """A stack's settings."""

    stage: Literal["dev", "staging", "prod"] = Field(
        description="Purpose of the stack. `prod` refuses settings that risk customers' data."
    )
    region: Region = Field(description="AWS region of the stack.")
    protected: bool = Field(
        default=False, description="Refuse to destroy durable resources: data, keys, secrets."
    )
    disposable: bool = Field(
        default=False,
        description="Destroying the stack leaves nothing behind: no final snapshot, no restorable "
        "secret, no bucket. For review stacks.",
    )
    owner: OwnerSpec = Field(description="Values that only the owner of the accounts knows.")
    recovery: RecoverySpec = Field(default=RecoverySpec(), description="Role in disaster recovery.")
    network: NetworkSpec = Field(default=NetworkSpec(), description="The VPC and its subnets.")
    flow_logs: FlowLogsSpec = Field(default=FlowLogsSpec(), description="VPC flow logs.")
    keys: KeysSpec = Field(default=KeysSpec(), description="Customer managed KMS keys.")
    secrets: SecretsSpec = Field(default=SecretsSpec(), description="Secrets and their rotation.")
    storage: StorageSpec = Field(default=StorageSpec(), description="Buckets.")
    database: DatabaseSpec = Field(default=DatabaseSpec(), description="RDS PostgreSQL.")
    backups: BackupsSpec = Field(
        default=BackupsSpec(), description="AWS Backup of the database and the documents."
    )
    proxy: ProxySpec = Field(default=ProxySpec(), description="Pool of RDS Proxy.")
    cache: CacheSpec = Field(default=CacheSpec(), description="Valkey or Redis.")
    registry: RegistrySpec = Field(default=RegistrySpec(), description="ECR repository.")
    load_balancer: LoadBalancerSpec = Field(default=LoadBalancerSpec(), description="The ALB.")
    firewall: FirewallSpec = Field(default=FirewallSpec(), description="WAFv2 on the ALB.")
    service: ServiceSpec = Field(default=ServiceSpec(), description="The ECS service.")
    edge: EdgeSpec = Field(default=EdgeSpec(), description="The Cloudflare zone.")
    dns: DnsSpec = Field(default=DnsSpec(), description="Origin names and health checks.")
    delivery: DeliverySpec = Field(
        default=DeliverySpec(), description="Roles of GitHub Actions, one for each environment."
    )
    alerting: AlertingSpec = Field(default=AlertingSpec(), description="Receivers of alarms.")
    probe: ProbeSpec = Field(default=ProbeSpec(), description="The outside probe.")
    observability: ObservabilitySpec = Field(
        default=ObservabilitySpec(), description="Alarms, dashboards, queries, traces, budgets."
    )

    experiments: ExperimentsSpec = Field(
        default=ExperimentsSpec(), description="Templates of experiments with AWS FIS."
    )

    traffic: Traffic = Field(
        default=Traffic(),
        description="The load that `arca cost` assumes; no resource depends on it.",
    )

    @property
    def secondary(self) -> bool:
        """True for a DR stack."""
        return self.recovery.role == "secondary"

    @property
    def serving(self) -> bool:
        """True when the stack has all that serves customers, even while it is fenced.

        A DR stack on standby has not, nor a primary whose database follows its DR stack's.
        """
        phase = self.recovery.phase
        if self.secondary:
            return phase in ("active", "fenced")
        return phase not in ("following", "promoting")

    @property
    def fenced(self) -> bool:
        """True when the stack answers 503 and runs no task, because another region serves."""
        phase = self.recovery.phase
        return phase == "fenced" or not (self.secondary or self.serving)

    @property
    def following(self) -> bool:
        """True when the database is a replica of the other region's."""
        return self.recovery.phase == ("standby" if self.secondary else "following")

    @property
    def follows_arn(self) -> str | None:
        """The instance that a primary follows to fail back; a secondary reads its primary's."""
        source = self.database.source
        return source.source_arn if isinstance(source, Replica) and self.following else None

    @property
    def backs_up(self) -> bool:
        """True when the stack declares its backups: a standby's data are its primary's."""
        return self.backups.enabled and (self.serving or not self.secondary)

    @property
    def experiments_zone(self) -> Zone | None:
        """The zone that an experiment cuts off; None for a stack that serves nobody."""
        if not (self.experiments.enabled and self.serving and not self.fenced):
            return None
        return self.experiments.zone or self.network.zones[-1]

    @property
    def network_now(self) -> NetworkSpec:
        """The network's settings in the current phase; one NAT gateway is enough without customers.

        The others come with the cache, which takes longer to create, and before customers.
        """
        # A primary keeps its addresses, which the tax agency may know.
        if self.secondary and not self.serving and self.network.nat == "per-zone":
            return self.network.model_copy(update={"nat": "single"})
        return self.network

    @property
    def load_balancer_now(self) -> LoadBalancerSpec:
        """The load balancer's settings in the current phase.

        A standby answers that it is not ready, because its database takes no writes
        (docs/service-contract.md). Its tasks would be replaced for ever.
        """
        if self.serving:
            return self.load_balancer
        return self.load_balancer.model_copy(update={"health_path": LIVE_PATH})

    @property
    def observability_now(self) -> ObservabilitySpec:
        """The settings of alarms in the current phase.

        A fenced stack is down on purpose. One that follows says how far it is behind.
        """
        if self.recovery.phase == "fenced":
            return self.observability.model_copy(update={"alarms": False})
        return self.observability

    @property
    def service_now(self) -> ServiceSpec:
        """The service's settings in the current phase.

        A DR stack on standby runs few tasks, and a fenced stack none.
        """
        if self.serving and not self.fenced:
            return self.service
        tasks = 0 if self.fenced else self.recovery.warm_tasks
        most = 0 if self.fenced else max(tasks, 1)
        scaling = self.service.scaling.model_copy(
            update={"min_tasks": tasks, "max_tasks": most, "schedules": ()}
        )
        changed: dict[str, object] = {"scaling": scaling}
        if self.fenced:
            # Autoscaling stays, and ends the tasks that a release or a person started.
            delegated = self.service.delegated.model_copy(update={"desired_count": True})
            changed["delegated"] = delegated
        return self.service.model_copy(update=changed)
