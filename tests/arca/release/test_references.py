"""What a task refers to: `arca verify` and the gate name each thing that is missing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from arca.check import Check
from arca.release import gates
from arca.release.image import with_image
from arca.release.references import check_references
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import GROUP, REGION
from tests.arca.release.stage import ACCOUNT, REPOSITORY, URL, Stage

ROLE = f"arn:aws:iam::{ACCOUNT}:role/references-test"


PARAMETER = "/references-test/stage"


SECRET = "references-test/any"  # noqa: S105 - a secret's name


TRUST = '{"Version": "2012-10-17", "Statement": []}'


class Referring:
    """A stack whose task refers to a role, a secret and a parameter."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.iam, self.manager = stage.client("iam"), stage.client("secretsmanager")
        self.iam.create_role(RoleName="references-test", AssumeRolePolicyDocument=TRUST)
        self.secret: str = self.manager.create_secret(Name=SECRET, SecretString="x")["ARN"]
        parameter = {"Name": PARAMETER, "Value": "x", "Type": "String"}
        stage.client("ssm").put_parameter(**parameter)
        self.register()

    def register(self) -> None:
        """Register the task definition that refers to them."""
        latest = with_image(self.stage.service().definition("api"), f"{URL}:1")
        secrets = [
            {"name": "JWT_KEY", "valueFrom": f"{self.secret}:key::"},
            {
                "name": "STAGE",
                "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{PARAMETER}",
            },
        ]
        container = {**latest["containerDefinitions"][0], "secrets": secrets}
        made = {**latest, "executionRoleArn": ROLE, "containerDefinitions": [container]}
        self.stage.client("ecs").register_task_definition(**made)

    def end(self) -> None:
        """Delete what no reset deletes."""
        for role in self.iam.list_roles()["Roles"]:
            if role["Arn"] == ROLE:
                self.iam.delete_role(RoleName="references-test")
        for secret in self.manager.list_secrets()["SecretList"]:
            if secret["Name"] == SECRET:
                self.manager.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)

    def failed(self) -> list[Check]:
        """Return the references that `arca verify` calls FAILED."""
        found = check_references(self.stage.service())
        return [check for check in found if check.verdict == "FAILED"]


@pytest.fixture
def referring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Referring]:
    """A stack whose references all exist."""
    made = Referring(Stage(monkeypatch))
    yield made
    made.end()


def without_role(found: Referring) -> str:
    """Delete the role."""
    found.iam.delete_role(RoleName="references-test")
    return "role references-test"


def without_secret(found: Referring) -> str:
    """Delete the secret."""
    found.manager.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    return f"secret {_short(found)}"


def without_value(found: Referring) -> str:
    """Replace the secret by one without a value."""
    found.manager.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    found.secret = found.manager.create_secret(Name=SECRET)["ARN"]
    found.register()
    return f"secret {_short(found)}"


def without_parameter(found: Referring) -> str:
    """Delete the parameter."""
    found.stage.client("ssm").delete_parameter(Name=PARAMETER)
    return f"parameter {PARAMETER}"


def without_group(found: Referring) -> str:
    """Delete the log group; another one whose name begins with its name remains."""
    logs = found.stage.client("logs")
    logs.delete_log_group(logGroupName=GROUP)
    logs.create_log_group(logGroupName=f"{GROUP}-other")
    return f"log group {GROUP}"


def without_image(found: Referring) -> str:
    """Delete the image."""
    delete(found.stage, "1")
    return f"image {URL}:1"


def without_target_group(found: Referring) -> str:
    """Have the stack's exports name a target group that does not exist."""
    service = found.stage.stack.outputs.service
    gone = service.green_target_group_arn.replace("/", "/gone-", 1)
    object.__setattr__(service, "green_target_group_arn", gone)
    return f"target group {gone.split('/')[-2]}"


def delete(stage: Stage, tag: str) -> None:
    """Delete an image from the registry."""
    stage.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])


def _short(found: Referring) -> str:
    return found.secret.rpartition("/")[2]


def test_all_is_there(referring: Referring) -> None:
    """Each reference is named once."""
    found = check_references(referring.stage.service())
    assert {check.verdict for check in found} == {"OK"}
    names = [check.name for check in found]
    assert len(names) == len({*names})
    for kind in ("role", "secret", "parameter", "log group", "image", "target group"):
        assert any(name.startswith(kind) for name in names), kind
    assert sum(name.startswith("target group") for name in names) == 2


@pytest.mark.parametrize(
    "breaks",
    [
        without_role,
        without_secret,
        without_value,
        without_parameter,
        without_group,
        without_image,
        without_target_group,
    ],
)
def test_what_is_missing(referring: Referring, breaks: Callable[[Referring], str]) -> None:
    """Only what is missing fails; it closes the gate unless it is the latest revision's image."""
    name = breaks(referring)
    assert [check.name for check in referring.failed()] == [name]
    referring.stage.push("2")
    closed = [
        check.name
        for check in gates.check_gates(
            referring.stage.service(), "2", now=referring.stage.clock.now()
        )
        if check.verdict == "FAILED"
    ]
    assert closed == ([] if breaks is without_image else [name])


@pytest.mark.parametrize("image", ["other/api:1", f"{URL}2:1", "arca-api:placeholder"])
def test_an_image_of_another_registry(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """An image of another registry is skipped."""
    stage = Stage(monkeypatch)
    stage.cloud.register(image)
    found = {check.name: check.verdict for check in check_references(stage.service())}
    assert found[f"image {image}"] == "SKIPPED"


def test_a_failed_image_that_was_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deleted image of a failed release does not stop the next release."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.push("3")
    stage.cloud.fault("exits", image=f"{URL}:2", code=3)
    assert stage.release(migrate=False).deploy("2").exit_code == 3
    stage.cloud.control("DELETE", "/arca/faults")
    delete(stage, "2")
    missing: list[Any] = [
        check.name for check in check_references(stage.service()) if check.verdict == "FAILED"
    ]
    assert missing == [f"image {URL}:2"]
    outcome = stage.release().deploy("3")
    assert outcome.verdict is Verdict.LIVE, outcome.reason
