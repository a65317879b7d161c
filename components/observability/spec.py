"""The settings of alarms, dashboards and traces."""

from pydantic import Field

from arca.monitoring.thresholds import Thresholds
from components.spec import LogRetention, Spec


class ObservabilitySpec(Spec):
    """Alarms, dashboards, saved queries, trace groups, error budgets."""

    repository_url: str = Field(
        default="",
        pattern=r"^(https://\S+)?$",
        description="Where this repository's files are read; alarms link their runbooks below it. "
        "Empty: alarms name the file.",
    )
    dashboards: bool = Field(default=True, description="Declare the five dashboards.")
    events_days: LogRetention = Field(
        default=90, description="Days that ECS's events are kept; ECS itself forgets in an hour."
    )
    thresholds: Thresholds = Field(
        default=Thresholds(), description="Thresholds of alarms that are not an objective's."
    )
