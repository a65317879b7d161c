"""What stops the pipeline before anything is changed: a plan's policies, an image as it is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import WaiterError
from botocore.session import get_session
from botocore.stub import Stubber
from pulumi.automation.events import EngineEvent

from tests.github.workflows import SCRIPTS, Runner, script
from tests.invariants import DURABLE
from tests.stacks import graph

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


REPOSITORY = "1.dkr.ecr.sa-east-1.amazonaws.com/arca-dev-api"
SKOPEO = """[ "$1" != inspect ] || { [ -n "$MANIFEST" ] && echo "$MANIFEST"; }"""
AWS = """case "$*" in
  *describe-images*) [ "$THERE" = yes ];;
  *image-scan-complete*)
    echo >> looks
    [ "$(wc -l < looks)" -gt "$LATE" ] || { echo "$SCAN" >&2; exit 255; };;
esac"""
WAITER = "Waiter ImageScanComplete failed:"
NOT_YET = f"{WAITER} An error occurred (ScanNotFoundException): Image scan does not exist"
OTHERS = ("no login", f"{WAITER} Waiter encountered a terminal failure state", f"{WAITER} Max")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """One whose `skopeo` and `aws` only write down what they are asked; time does not pass."""
    return Runner(tmp_path, skopeo=SKOPEO, aws=AWS, sleep="")


def copied(
    runner: Runner, manifest: str, *, there: bool = False, late: int = 0, scan: str = NOT_YET
) -> tuple[int, list[str], str]:
    """Copy an image; the code, the calls without the logins, and what was said.

    So many looks at its scan fail with those words before one is good.
    """
    words = ("ghcr.io/acme/arca-api", DIGEST, REPOSITORY, "1.2.3")
    given = {"GH_TOKEN": "t", "GITHUB_ACTOR": "a", "MANIFEST": manifest, "SCAN": scan}
    given |= {"THERE": "yes" if there else "no", "LATE": str(late)}
    text = (SCRIPTS / "copy_image.sh").read_text(encoding="utf-8")
    done = runner.run(text, *words, **given)
    return done.code, [call for call in done.calls if "login" not in call], done.said


IMAGE = '{"layers": []}'
NAMED = f"--repository-name arca-dev-api --image-id imageDigest={DIGEST}"
LOOK = f"aws ecr wait image-scan-complete {NAMED}"


def test_an_image_is_copied_once_and_its_scan_awaited(runner: Runner) -> None:
    """By its digest; a gate of `arca deploy` refuses what is not scanned yet."""
    code, calls, said = copied(runner, IMAGE)
    assert code == 0, said
    source = f"docker://ghcr.io/acme/arca-api@{DIGEST}"
    assert calls[-2:] == [
        f"skopeo copy --preserve-digests {source} docker://{REPOSITORY}:1.2.3",
        LOOK,
    ]


def test_an_image_that_is_there_is_not_copied_again(runner: Runner) -> None:
    """A run that is repeated goes on where it was; tags never move."""
    code, calls, _ = copied(runner, IMAGE, there=True)
    assert code == 0
    assert not any("skopeo copy" in call for call in calls)
    assert calls[-1] == LOOK


def test_an_index_is_refused(runner: Runner) -> None:
    """ECR would never scan it, and the gate would refuse it much later."""
    code, calls, said = copied(runner, '{"manifests": []}')
    assert code == 2
    assert "names an index" in said
    assert not any("skopeo copy" in call for call in calls)


@pytest.mark.parametrize("manifest", ["", "<html>"])
def test_what_cannot_be_read_is_no_image(runner: Runner, manifest: str) -> None:
    """A registry that does not answer has not said that it is no index."""
    code, calls, _ = copied(runner, manifest)
    assert code == 1
    assert not any("skopeo copy" in call for call in calls)


def test_a_scan_that_is_not_there_yet_is_waited_for(runner: Runner) -> None:
    """For two minutes: then something is wrong that waiting does not mend."""
    code, calls, _ = copied(runner, IMAGE, late=5)
    assert code == 0
    assert calls[-3:] == [LOOK, "sleep 5", LOOK]
    (runner.folder / "looks").unlink()
    code, calls, said = copied(runner, IMAGE, late=10_000)
    assert (code, calls.count("sleep 5"), calls.count(LOOK)) == (1, 23, 24)
    assert "ScanNotFoundException" in said


@pytest.mark.parametrize("scan", OTHERS)
def test_a_scan_that_fails_is_not_asked_again(runner: Runner, scan: str) -> None:
    """The waiter itself has waited for as long as it does."""
    code, calls, said = copied(runner, IMAGE, late=1, scan=scan)
    assert (code, calls.count(LOOK)) == (1, 1)
    assert f"::error::the scan of {DIGEST} did not end well: {scan}" in said


def test_the_waiter_says_that_a_scan_is_not_there() -> None:
    """AWS's own takes it for an error, and its words are those that the script looks for."""
    make: Any = get_session().create_client
    keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "unused")
    ecr = make("ecr", region_name="sa-east-1", **keys)
    with Stubber(ecr) as stubbed:
        stubbed.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
        with pytest.raises(WaiterError, match=f"{WAITER} An error .*ScanNotFoundException"):
            ecr.get_waiter("image_scan_complete").wait(
                repositoryName="arca", imageId={"imageDigest": DIGEST}
            )
