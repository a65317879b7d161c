"""The watch over task definitions: a Lambda function that runs every five minutes."""

import pulumi

from components.code import source, zipped
from components.component import Component, Text
from components.iam import allow
from components.observability.scheduled import ScheduledFunction, declare_scheduled
from components.wires import DeclaredTasks

NAME = "definition-watch"
CARRIED = ("__init__.py", "monitoring/__init__.py", "monitoring/definition_watch.py")
"""Files of the package `arca` that the function imports."""
SCHEDULE = "rate(5 minutes)"


def function_name(prefix: str) -> str:
    """Return the function's physical name, which is a dimension of its metrics."""
    return f"{prefix}-{NAME}"


def declare_watch(
    component: Component,
    name: str,
    tasks: DeclaredTasks,
    *,
    repository_url: Text,
    artifacts: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Declare the watch over the stack's task definitions; return its log group's name."""
    declared = pulumi.Output.json_dumps(
        {
            "releaser": f":assumed-role/{component.place.prefix}-release/",
            "images": [repository_url, *tasks.images],
            "families": {
                family: {
                    "executionRoleArn": one.execution_role_arn,
                    "taskRoleArn": one.task_role_arn,
                    "containers": pulumi.Output.json_loads(one.containers),
                }
                for family, one in tasks.families.items()
            },
        },
        sort_keys=True,
    )
    files = {f"arca/{path}": source(path) for path in CARRIED}
    return declare_scheduled(
        component,
        f"{name}-{NAME}",
        ScheduledFunction(
            name=NAME,
            handler="arca.monitoring.definition_watch.handler",
            schedule=SCHEDULE,
            code=declared.apply(lambda text: zipped({**files, "declared.json": str(text)})),
            # Neither call takes a resource (Service Authorization Reference, Amazon ECS).
            statements=[allow(["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], ["*"])],
        ),
        artifacts=artifacts,
        key_arn=key_arn,
    )
