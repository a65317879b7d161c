"""The assumptions about a stack's load from which its usage follows: settings with defaults.

The graph says how many resources there are, but not how much passes through them. No figure here
was measured on AWS. Replace each with what the bill or the dashboards say.
"""

from pydantic import BaseModel, ConfigDict, Field

from arca.cost.span import NOTHING, Span, between


class Traffic(BaseModel):
    """The load of a stack. Each figure but one has a low, an expected and a high value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_second: Span = Field(
        default=between(1, 5, 30),
        description="Requests a second at the load balancer, as the mean of a month.",
    )
    request_kib: Span = Field(
        default=between(2, 4, 16), description="KiB of a request and its answer together."
    )
    requests_per_task_second: float = Field(
        default=20,
        gt=0,
        strict=True,
        allow_inf_nan=False,
        description="Requests a second that one task serves. It decides how many tasks run, "
        "between `service.scaling.min_tasks` and `max_tasks`.",
    )
    outward_kib: Span = Field(
        default=between(2, 6, 20),
        description="KiB that a request sends through NAT and gets back: calls to ARCA.",
    )
    log_kib: Span = Field(
        default=between(0.5, 1, 3), description="KiB that the service logs for a request."
    )
    flow_log_gib: Span = Field(
        default=between(1, 5, 30), description="GiB of VPC flow logs in a month."
    )
    other_log_gib: Span = Field(
        default=between(0.02, 0.2, 2), description="GiB a month of each other log group."
    )
    container_metrics: Span = Field(
        default=between(40, 60, 100),
        description="Metrics of Container Insights for each running task.",
    )
    custom_metrics: Span = Field(
        default=between(30, 40, 120),
        description="Metrics of the service and of the error budgets, with all their dimensions.",
    )
    documents_gib: Span = Field(
        default=between(10, 100, 1000), description="GiB of invoice documents that are stored."
    )
    audit_gib: Span = Field(
        default=between(1, 10, 100), description="GiB of audit records that are stored."
    )
    small_bucket_gib: Span = Field(
        default=between(0.1, 1, 10), description="GiB of access logs, and of artifacts."
    )
    images_gib: Span = Field(
        default=between(1, 5, 15), description="GiB of container images that are stored."
    )
    database_change_gib: Span = Field(
        default=between(1, 20, 150),
        description="GiB of database changes in a month, which replicas and copies of backups "
        "receive from another region.",
    )
    backup_share: Span = Field(
        default=between(0, 0.5, 2),
        description="Backups beyond the size of the database, which AWS keeps for nothing, as a "
        "share of that size.",
    )

    def standing_by(self) -> "Traffic":
        """Return the load of a stack that serves nobody: only the database's changes reach it."""
        return self.model_copy(
            update={
                "requests_per_second": NOTHING,
                "custom_metrics": NOTHING,
                "documents_gib": NOTHING,
                "flow_log_gib": self.flow_log_gib * 0.1,
            }
        )
