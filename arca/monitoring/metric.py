"""A metric of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["rate", "errors", "duration", "utilization", "saturation", "business"]
"""RED for what customers ask, USE for what it runs on, and what the business counts."""
Emitter = Literal["AWS", "service", "probe", "publisher", "operator"]
Unit = Literal["Count", "Percent", "Milliseconds", "Seconds", "Bytes", "Days", "None"]
Binding = Literal[
    "stage",
    "load_balancer",
    "blue",
    "green",
    "cluster",
    "service",
    "database",
    "cache_node",
    "canary",
    "certificate",
    "health_check",
    "deployment_rule",
    "migration_rule",
    "crash_rule",
]
"""What differs by stack, and where a dimension's value comes from."""


@dataclass(frozen=True)
class Metric:
    """A metric as CloudWatch knows it; `dimensions` say which of a stack's values each takes."""

    id: str
    namespace: str
    name: str
    unit: Unit
    stat: str
    """The statistic that is meant when none is named."""
    role: Role
    emitter: Emitter
    meaning: str
    dimensions: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    splits: tuple[str, ...] = ()
    """Further dimensions, whose values are not known beforehand: one line each in a graph."""
    region: str = ""
    """Where it stands, if not in the stack's own region."""


OWN = "arca-api"
"""The namespace of all that the platform and the service emit themselves."""


def own(
    identifier: str,
    name: str,
    role: Role,
    meaning: str,
    *,
    unit: Unit = "Count",
    stat: str = "Sum",
    emitter: Emitter = "service",
    splits: tuple[str, ...] = (),
) -> Metric:
    """A metric of our own, by stage."""
    return Metric(
        identifier,
        OWN,
        name,
        unit,
        stat,
        role,
        emitter,
        meaning,
        dimensions={"Stage": "stage"},
        splits=splits,
    )


def aws(
    identifier: str,
    where: str,
    stat: str,
    role: Role,
    meaning: str,
    *,
    unit: Unit,
    dimensions: Mapping[str, Binding],
    region: str = "",
) -> Metric:
    """A metric that AWS publishes, `where` as `AWS/RDS CPUUtilization`."""
    namespace, name = where.split(" ")
    return Metric(
        identifier, namespace, name, unit, stat, role, "AWS", meaning, dimensions, region=region
    )
