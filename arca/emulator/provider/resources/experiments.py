"""Templates of experiments (AWS FIS)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    take,
    take_outputs,
)


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "actionId": action["actionId"],
        "parameters": {one["key"]: one["value"] for one in action.get("parameters", [])},
        "targets": {action["target"]["key"]: action["target"]["value"]},
    }


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in target.items() if key != "name"}


def _template(state: ResourceState) -> dict[str, Any]:
    return {
        **take("description", "roleArn", "stopConditions", "experimentOptions", "tags")(state),
        "actions": {one["name"]: _action(one) for one in state["actions"]},
        "targets": {one["name"]: _target(one) for one in state["targets"]},
        "logConfiguration": {
            "logSchemaVersion": state["logConfiguration"]["logSchemaVersion"],
            "cloudWatchLogsConfiguration": state["logConfiguration"]["cloudwatchLogsConfiguration"],
        },
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:fis/experimentTemplate:ExperimentTemplate": Resource(
        OutputTemplates("EXT{hex}"),
        calls=(
            ApiCall(
                "fis",
                "create_experiment_template",
                _template,
                take_outputs(id="experimentTemplate.id"),
            ),
        ),
    ),
}
