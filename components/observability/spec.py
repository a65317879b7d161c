"""The settings of alarms, dashboards and traces."""

from typing import Annotated

from pydantic import Field

from arca.monitoring.thresholds import Thresholds
from components.spec import Format, LogRetention, Spec


class ObservabilitySpec(Spec):
    """Alarms, dashboards, saved queries, trace groups, error budgets."""

    repository_url: Annotated[
        str, Format(r"^(https://\S+)?$", "an address that begins with https://, or nothing")
    ] = Field(
        default="",
        description="Where this repository's files are read; alarms link their runbooks below it. "
        "Empty: alarms name the file.",
    )
    alarms: bool = Field(
        default=True,
        description="Declare the alarms. Without them nobody is notified; a deployment still rolls "
        "back on its own alarms.",
    )
    dashboards: bool = Field(default=True, description="Declare the five dashboards.")
    events_days: LogRetention = Field(
        default=90, description="Days that ECS's events are kept; ECS itself forgets in an hour."
    )
    thresholds: Thresholds = Field(
        default=Thresholds(), description="Thresholds of alarms that are not an objective's."
    )
