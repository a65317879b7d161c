"""Tests of how commands find a stack and its AWS, and of their errors."""

import json
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from arca.cli.main import cli
from arca.clients import explained
from arca.errors import ArcaError
from arca.outputs import Outputs
from arca.stack import Stack, StackNotNamed
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
    (
        "cloud.json",
        '{"endpoint": "http://127.0.0.1:99999", "stacks": {"prod": {}}}',
        "Port out of range 0-65535",
    ),
    ("exports/prod.json", "{}", "not those of this version"),
    ("exports/prod.json", '{"a', "not those of this version: Invalid JSON"),
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
        assert said in str(arca(*command, "--stack", "prod").exception)


CHANGES = (
    ("deploy", "1.0.0"),
    ("rollback",),
    ("stop", "--yes"),
    ("promote",),
    ("scale", "--min", "1"),
    ("run", "--", "true"),
    ("exec",),
    ("migrate",),
    ("maintenance", "start", "--for", "1h", "--reason", "x"),
    ("maintenance", "end"),
    ("slo", "publish"),
)
"""Every command that changes something in a stack."""
LOOKS = (
    ("status",),
    ("history",),
    ("why",),
    ("logs",),
    ("diff",),
    ("verify",),
    ("smoke",),
    ("slo", "status"),
    ("slo", "report", "--month", "2032-01"),
    ("maintenance", "status"),
    ("dashboard", "record", "api-service"),
)


def with_stack(group: click.Group, context: click.Context) -> set[str]:
    """Return the words of every command that takes a stack by `of_stack`."""
    found: set[str] = set()
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        assert below is not None
        if isinstance(below, click.Group):
            found |= {f"{name} {word}" for word in with_stack(below, context)}
        elif {"stack_name", "target"} <= {one.name for one in below.params}:
            found.add(name)
    return found


def test_every_command_with_a_stack_is_tried() -> None:
    """A new command cannot be forgotten in the two lists above."""
    groups = {"maintenance", "slo", "dashboard"}
    tried = {" ".join(words[: 2 if words[0] in groups else 1]) for words in (*CHANGES, *LOOKS)}
    assert with_stack(cli, click.Context(cli, **cli.context_settings)) == tried


@pytest.mark.parametrize("words", [*CHANGES, *LOOKS], ids=" ".join)
@pytest.mark.parametrize("target", ["auto", "aws"])
def test_a_stack_on_aws_is_never_the_default(
    words: tuple[str, ...],
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is up: the command is wrong usage that names the stacks, and runs nothing."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", asked_pulumi)
    end = words.index("--") if "--" in words else len(words)
    result = arca(*words[:end], "--target", target, *words[end:])
    error = result.exception
    assert isinstance(error, StackNotNamed)
    assert error.exit_code == 2
    assert "on AWS is never the default" in error.what
    assert error.wanted == "one of dev, dr, prod, staging"


def asked_pulumi(*_: Any, **__: Any) -> NoReturn:
    """Fail: no command may ask Pulumi for a stack that nobody named."""
    raise AssertionError


@pytest.mark.parametrize(
    ("up", "chosen"), [(["dev"], "dev"), (["prod"], "prod"), (["dr", "prod"], "prod")]
)
def test_the_stack_that_is_up_is_the_default(cloud: Cloud, up: list[str], chosen: str) -> None:
    """The only stack of the emulated cloud, and prod where dr is up beside it."""
    exports = json.dumps(graph("prod").outputs)
    for name in up:
        (cloud.state / "exports" / f"{name}.json").write_text(exports, encoding="utf-8")
    record: dict[str, Any] = {"endpoint": cloud.endpoint, "stacks": {name: {} for name in up}}
    (cloud.state / "cloud.json").write_text(json.dumps(record), encoding="utf-8")
    result = arca("maintenance", "status")
    assert (result.exit_code, f"{chosen}, emulated at" in result.stderr) == (0, True)


def test_several_stacks_without_prod_have_no_default(cloud: Cloud) -> None:
    """The error names those that are up."""
    stacks: dict[str, Any] = {"dr": {}, "staging": {}}
    record = {"endpoint": cloud.endpoint, "stacks": stacks}
    (cloud.state / "cloud.json").write_text(json.dumps(record), encoding="utf-8")
    error = arca("status").exception
    assert isinstance(error, StackNotNamed)
    assert "several are up in the emulated cloud (dr, staging)" in error.what


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
