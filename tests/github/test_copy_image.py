"""copy_image.sh, run with a `skopeo` and an `aws` that record their calls."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from botocore.session import get_session
from botocore.stub import Stubber

from tests.github.workflows import SCRIPTS, Runner

DIGEST = "sha256:" + "a" * 64


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
    """Return a runner where no time passes."""
    return Runner(tmp_path, skopeo=SKOPEO, aws=AWS, sleep="")


def copied(
    runner: Runner, manifest: str, *, there: bool = False, late: int = 0, scan: str = NOT_YET
) -> tuple[int, list[str], str]:
    """Copy an image; returns the code, the calls without the logins, and the output.

    The first `late` looks at the scan fail with the words `scan`.
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


def test_an_image_is_copied_and_its_scan_awaited(runner: Runner) -> None:
    """It keeps its digest; `arca deploy` refuses an image without a scan."""
    code, calls, said = copied(runner, IMAGE)
    assert code == 0, said
    source = f"docker://ghcr.io/acme/arca-api@{DIGEST}"
    assert calls[-2:] == [
        f"skopeo copy --preserve-digests {source} docker://{REPOSITORY}:1.2.3",
        LOOK,
    ]


def test_a_copied_image_is_not_copied_again(runner: Runner) -> None:
    """So a run can be repeated, although tags never move."""
    code, calls, _ = copied(runner, IMAGE, there=True)
    assert code == 0
    assert not any("skopeo copy" in call for call in calls)
    assert calls[-1] == LOOK


def test_an_index_is_refused(runner: Runner) -> None:
    """ECR would never scan it, so the gate would refuse it much later."""
    code, calls, said = copied(runner, '{"manifests": []}')
    assert code == 2
    assert "names an index" in said
    assert not any("skopeo copy" in call for call in calls)


@pytest.mark.parametrize("manifest", ["", "<html>"])
def test_an_unreadable_manifest_is_refused(runner: Runner, manifest: str) -> None:
    """It could be the manifest of an index."""
    code, calls, _ = copied(runner, manifest)
    assert code == 1
    assert not any("skopeo copy" in call for call in calls)


def test_a_scan_that_has_not_started_is_awaited(runner: Runner) -> None:
    """The script gives up after two minutes."""
    code, calls, _ = copied(runner, IMAGE, late=5)
    assert code == 0
    assert calls[-3:] == [LOOK, "sleep 5", LOOK]
    (runner.folder / "looks").unlink()
    code, calls, said = copied(runner, IMAGE, late=10_000)
    assert (code, calls.count("sleep 5"), calls.count(LOOK)) == (1, 23, 24)
    assert "ScanNotFoundException" in said


@pytest.mark.parametrize("scan", OTHERS)
def test_a_failed_scan_is_not_asked_for_again(runner: Runner, scan: str) -> None:
    """The waiter has waited already."""
    code, calls, said = copied(runner, IMAGE, late=1, scan=scan)
    assert (code, calls.count(LOOK)) == (1, 1)
    assert f"::error::the scan of {DIGEST} failed: {scan}" in said


def test_the_waiter_names_the_exception_that_the_script_looks_for() -> None:
    """The SDK's waiter takes a missing scan for an error."""
    make: Any = get_session().create_client
    keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "unused")
    ecr = make("ecr", region_name="sa-east-1", **keys)
    with Stubber(ecr) as stubbed:
        stubbed.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
        with pytest.raises(WaiterError, match=f"{WAITER} An error .*ScanNotFoundException"):
            ecr.get_waiter("image_scan_complete").wait(
                repositoryName="arca", imageId={"imageDigest": DIGEST}
            )
