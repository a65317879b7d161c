"""The publisher of the error budgets: a Lambda function that runs once an hour."""

from collections.abc import Iterable, Mapping, Sequence

import pulumi

from arca.monitoring.catalogue import OWN_NAMESPACE, Binding
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.publisher_input import publisher_input
from components.code import source, zipped
from components.component import Component, Text
from components.iam import allow
from components.observability.scheduled import ScheduledFunction, declare_scheduled

CARRIED = (
    "__init__.py",
    "monitoring/__init__.py",
    "monitoring/slo/__init__.py",
    "monitoring/slo/budget.py",
    "monitoring/slo/duration.py",
    "monitoring/slo/publisher.py",
)
"""Files of the package `arca` that the function imports."""
SCHEDULE = "cron(5 * * * ? *)"
"""Five minutes past the hour: CloudWatch then has its last minute."""


def declare_publisher(
    component: Component,
    name: str,
    objectives: Iterable[Objective],
    *,
    bindings: Mapping[Binding, Sequence[Text]],
    artifacts: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Declare the function, its schedule, roles and log group; return the group's name."""
    described = pulumi.Output.json_dumps(
        publisher_input(objectives, bindings, stage=component.place.stage), sort_keys=True
    )
    files = {f"arca/{path}": source(path) for path in CARRIED}
    return declare_scheduled(
        component,
        f"{name}-publisher",
        ScheduledFunction(
            name="slo-publisher",
            handler="arca.monitoring.slo.publisher.handler",
            schedule=SCHEDULE,
            code=described.apply(lambda text: zipped({**files, "objectives.json": str(text)})),
            statements=[
                allow(["cloudwatch:GetMetricData"], ["*"]),
                allow(
                    ["cloudwatch:PutMetricData"],
                    ["*"],
                    condition={"StringEquals": {"cloudwatch:namespace": OWN_NAMESPACE}},
                ),
            ],
        ),
        artifacts=artifacts,
        key_arn=key_arn,
    )
