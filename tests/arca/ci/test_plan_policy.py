"""The policies that every plan of the pipeline must keep."""

import json
import subprocess
import sys
from typing import Any, cast

import pytest
from pulumi.automation.events import EngineEvent

from tests import ROOT
from tests.stacks import graph

PRELUDE = json.dumps({"preludeEvent": {"config": {}}})
DATABASE = ("aws:rds/instance:Instance", "database")


def event(operation: str, stack: str, kind: str, name: str) -> str:
    """Return a line of the event log about a resource that the stack really has."""
    node = graph(stack).one(kind, name)
    metadata = {"op": operation, "urn": node.urn, "type": kind, "provider": ""}
    return json.dumps({"resourcePreEvent": {"metadata": metadata, "planning": True}})


def checked(*lines: str) -> tuple[int, str, str]:
    """Run the command as the workflow does; returns its exit code, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arca", "ci", "plan-policy"],
        cwd=ROOT,
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("operation", ["delete", "delete-replaced", "discard", "discard-replaced"])
def test_no_plan_loses_data(operation: str) -> None:
    """That holds before or after a replacement, and in dev, where nothing is protected."""
    code, printed, said = checked(PRELUDE, event(operation, "dev", *DATABASE))
    line = f"{operation} database (aws:rds/instance:Instance): its data would be lost"
    assert (code, printed) == (6, f"{line}\n")
    assert "Error: The plan breaks the pipeline's policies." in said
    assert f"where:  {line}" in said


@pytest.mark.parametrize("operation", ["same", "create", "update", "refresh", "read"])
def test_other_changes_are_allowed(operation: str) -> None:
    """A resource that holds no data may be replaced."""
    task = ("aws:ecs/taskDefinition:TaskDefinition", "service")
    lines = [event(operation, "prod", *DATABASE), event("delete-replaced", "prod", *task)]
    assert checked(PRELUDE, *lines) == (0, "", "")


@pytest.mark.parametrize("operation", ["create", "update", "delete", "replace"])
def test_the_pipeline_does_not_change_its_own_roles(operation: str) -> None:
    """AWS would refuse it too, but only after the update has changed other resources."""
    for kind in ("aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"):
        code, printed, _ = checked(PRELUDE, event(operation, "prod", kind, "delivery-infra"))
        line = f"{operation} delivery-infra: the pipeline does not change its own roles\n"
        assert (code, printed) == (6, line)


@pytest.mark.parametrize(
    ("operation", "role"), [("same", "delivery-infra"), ("update", "service-task")]
)
def test_roles_that_stay_or_are_the_services_are_allowed(operation: str, role: str) -> None:
    """The policy is about changes of the pipeline's own roles."""
    assert checked(PRELUDE, event(operation, "prod", "aws:iam/role:Role", role))[0] == 0


@pytest.mark.parametrize("log", ["empty", "without its beginning", "no JSON"])
def test_an_incomplete_log_is_an_error(log: str) -> None:
    """A log that is empty or cut at its beginning says nothing about what would be done."""
    lines = {
        "empty": (),
        "without its beginning": (event("same", "dev", *DATABASE),),
        "no JSON": ("no JSON",),
    }
    code, printed, said = checked(*lines[log])
    assert (code, printed) == (1, "")
    assert "The input is not the event log of a preview" in said


def test_pulumis_own_sdk_reads_these_events() -> None:
    """The keys are those of the SDK's reader."""
    reader = cast("Any", EngineEvent)
    line = json.loads(event("delete", "dev", *DATABASE))
    metadata = reader.from_json({"sequence": 1, "timestamp": 1, **line}).resource_pre_event.metadata
    assert (metadata.op, metadata.type) == ("delete", DATABASE[0])
    first = {"sequence": 0, "timestamp": 0, **json.loads(PRELUDE)}
    assert reader.from_json(first).prelude_event is not None
