"""What stops the pipeline before anything is changed: a plan's policies, an image as it is."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from pulumi.automation.events import EngineEvent

from tests.invariants import DURABLE
from tests.stacks import graph
from tests.workflows import SCRIPTS, script

policy = script("plan_policy")
DIGEST = "sha256:" + "a" * 64


def event(operation: str, stack: str, kind: str, name: str) -> str:
    """A line of the log of events about a resource that the stack really has."""
    node = graph(stack).one(kind, name)
    metadata = {"op": operation, "urn": node.urn, "type": kind, "provider": ""}
    return json.dumps({"resourcePreEvent": {"metadata": metadata, "planning": True}})


PRELUDE = json.dumps({"preludeEvent": {"config": {}}})


def held(*lines: str) -> tuple[int, str]:
    """Run the script as the workflow does; its code and what it says."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "plan_policy.py")],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


DATABASE = ("aws:rds/instance:Instance", "database")


@pytest.mark.parametrize("operation", ["delete", "delete-replaced", "discard", "discard-replaced"])
def test_no_plan_loses_data(operation: str) -> None:
    """Whether it goes at once or after its replacement; on dev too, where nothing is protected."""
    code, said = held(PRELUDE, event(operation, "dev", *DATABASE))
    assert (code, said.splitlines()[0]) == (
        6,
        f"{operation} database (aws:rds/instance:Instance): its data would be gone",
    )


@pytest.mark.parametrize("operation", ["same", "create", "update", "refresh", "read"])
def test_other_changes_are_nobodys_matter(operation: str) -> None:
    """And what holds no data may come and go."""
    task = ("aws:ecs/taskDefinition:TaskDefinition", "service")
    lines = [event(operation, "prod", *DATABASE), event("delete-replaced", "prod", *task)]
    assert held(PRELUDE, *lines) == (0, "")


@pytest.mark.parametrize("operation", ["create", "update", "delete", "replace"])
def test_the_pipeline_does_not_change_its_own_roles(operation: str) -> None:
    """It could not: this says so before an update has done half its work."""
    for kind in ("aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"):
        code, said = held(PRELUDE, event(operation, "prod", kind, "delivery-infra"))
        assert code == 6
        assert "does not change its own roles" in said
    assert held(PRELUDE, event("same", "prod", "aws:iam/role:Role", "delivery-infra"))[0] == 0
    assert held(PRELUDE, event("update", "prod", "aws:iam/role:Role", "service-task"))[0] == 0


@pytest.mark.parametrize("lines", [(), (event("same", "dev", *DATABASE),), ("no JSON",)])
def test_what_is_no_plan_is_no_plan_without_faults(lines: tuple[str, ...]) -> None:
    """A log that is empty or cut at its beginning says nothing about what would be done."""
    assert held(*lines)[0] == 1


def test_events_are_as_pulumis_own_sdk_reads_them() -> None:
    """The same lines, through the SDK's reader."""
    reader = cast("Any", EngineEvent)
    line = json.loads(event("delete", "dev", *DATABASE))
    metadata = reader.from_json({"sequence": 1, "timestamp": 1, **line}).resource_pre_event.metadata
    assert (metadata.op, metadata.type) == ("delete", DATABASE[0])
    first = {"sequence": 0, "timestamp": 0, **json.loads(PRELUDE)}
    assert reader.from_json(first).prelude_event is not None


def test_durable_is_what_every_graph_keeps() -> None:
    """One list for what the program protects and for what no plan may end."""
    assert set(DURABLE) == policy.DURABLE


FAKE = """#!{python}
import os, sys
words = " ".join(sys.argv[1:])
with open(os.environ["CALLS"], "a") as calls:
    print("{name}", words, file=calls)
if words.startswith("inspect"):
    print(os.environ["MANIFEST"])
sys.exit(1 if "describe-images" in words and os.environ["THERE"] == "no" else 0)
"""


class Runner:
    """A runner whose `skopeo` and `aws` only write down what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.calls = folder / "calls"
        self._folder = folder
        for name in ("skopeo", "aws"):
            path = folder / name
            path.write_text(FAKE.format(python=sys.executable, name=name), encoding="utf-8")
            path.chmod(0o755)

    def copy(self, manifest: Mapping[str, Any], *, there: bool) -> tuple[int, list[str], str]:
        """Run the script; its code, the calls without the logins, and what it said."""
        done = subprocess.run(
            [
                *("bash", str(SCRIPTS / "copy_image.sh"), "ghcr.io/acme/arca-api", DIGEST),
                *("1.dkr.ecr.sa-east-1.amazonaws.com/arca-dev-api", "1.2.3"),
            ],
            env={
                "PATH": f"{self._folder}:{os.environ['PATH']}",
                "CALLS": str(self.calls),
                "MANIFEST": json.dumps(manifest),
                "THERE": "yes" if there else "no",
                "GH_TOKEN": "t",
                "GITHUB_ACTOR": "a",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        return done.returncode, [c for c in calls if "login" not in c], done.stdout


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A fresh one."""
    return Runner(tmp_path)


def test_an_image_is_copied_once_and_its_scan_awaited(runner: Runner) -> None:
    """By its digest; a gate of `arca deploy` refuses what is not scanned yet."""
    code, calls, _ = runner.copy({"layers": []}, there=False)
    assert code == 0
    source = f"docker://ghcr.io/acme/arca-api@{DIGEST}"
    target = "docker://1.dkr.ecr.sa-east-1.amazonaws.com/arca-dev-api:1.2.3"
    named = f"--repository-name arca-dev-api --image-id imageDigest={DIGEST}"
    assert calls[-2:] == [
        f"skopeo copy --preserve-digests {source} {target}",
        f"aws ecr wait image-scan-complete {named}",
    ]


def test_an_image_that_is_there_is_not_copied_again(runner: Runner) -> None:
    """A run that is repeated goes on where it was; tags never move."""
    code, calls, _ = runner.copy({"layers": []}, there=True)
    assert code == 0
    assert not any("skopeo copy" in call for call in calls)
    assert "image-scan-complete" in calls[-1]


def test_an_index_is_refused(runner: Runner) -> None:
    """ECR would never scan it, and the gate would refuse it much later."""
    code, calls, said = runner.copy({"manifests": []}, there=False)
    assert code == 2
    assert "names an index" in said
    assert not any("skopeo copy" in call for call in calls)
