"""Tests of how commands find a stack and its AWS, and of their errors."""

import json

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from arca.clients import explained
from arca.errors import ArcaError
from arca.outputs import Outputs
from arca.stack import Stack
from tests.arca.emulated import Cloud, arca
from tests.stacks import graph


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("logs", "--correlation-id", "a b"), "is not a correlation id"),
        (("logs", "--correlation-id", "8f0a1b2c", "--since", "soon"), "is not a span of time"),
        (("maintenance", "start", "--for", "0m", "--reason", "x"), "is not a span of time"),
        (("slo", "status", "--target", "moon"), "is not one of"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2."""
    result = arca(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("name", ["production", "../prod2", ""])
def test_a_stack_that_nobody_declares(cloud: Cloud, name: str) -> None:
    """The error lists the stacks that exist."""
    assert cloud.endpoint
    for command in (
        ("slo", "status"),
        ("maintenance", "status"),
        ("logs", "--correlation-id", "8f0a1b2c"),
    ):
        result = arca(*command, "--stack", name)
        assert f"There is no stack {name!r}." in str(result.exception)
        assert "wanted: one of dev, dr, prod, staging" in str(result.exception)


UNREADABLE: tuple[tuple[str, str | None, str], ...] = (
    ("cloud.json", "{", "record of the emulated cloud"),
    ("exports/prod.json", "{}", "not those of this version"),
    ("exports/prod.json", None, "The exports of prod cannot be read"),
    ("cloud.json", None, "there is no `pulumi` on PATH"),
)


@pytest.mark.parametrize(("file", "content", "said"), UNREADABLE)
def test_a_stack_that_cannot_be_read(
    cloud: Cloud, file: str, content: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command reports the same error."""
    monkeypatch.setenv("PATH", "/nowhere")
    if content is None:
        (cloud.state / file).unlink()
    else:
        (cloud.state / file).write_text(content, encoding="utf-8")
    for command in (("slo", "status"), ("maintenance", "status")):
        assert said in str(arca(*command).exception)


def test_an_aws_that_does_not_answer(cloud: Cloud) -> None:
    """The error says where and what to do."""
    record = json.dumps({"endpoint": "http://127.0.0.1:9", "stacks": {"prod": {}}})
    (cloud.state / "cloud.json").write_text(record, encoding="utf-8")
    result = arca("slo", "status")
    assert "AWS does not answer" in str(result.exception)
    assert "run `make up STACK=prod` again" in str(result.exception)


def test_what_aws_refuses_is_explained() -> None:
    """The advice depends on the error code."""
    stack = Stack("prod", Outputs.model_validate(graph("prod").outputs), None)
    for code, said in (
        ("ExpiredToken", "log in again"),
        ("AccessDenied", "use the operator's role"),
        ("Throttling", "that GetMetricData is accepted"),
    ):
        error = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetMetricData")
        with pytest.raises(ArcaError, match=said), explained(stack, "It fails"):
            raise error
    with pytest.raises(ArcaError, match="there are no AWS credentials"), explained(stack, "It"):
        raise NoCredentialsError
