"""Tests of the clients of AWS: this machine's configuration, errors and retries."""

import socket
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore import endpoint
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    LoginRefreshRequired,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from arca import clients
from arca.clients import Account, Unreachable, account_client, client, explained
from arca.errors import ArcaError
from arca.outputs import Outputs
from arca.release.service import EcsService
from arca.stack import Stack
from tests.stacks import graph

VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_SHARED_CREDENTIALS_FILE",
)
BROKEN = "[profile x\nregion ="


class Body:
    """The body of an HTTP answer."""

    def __init__(self, content: bytes = b"{}") -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        """Return the content."""
        return [self._content]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack prod on AWS, on a machine whose configuration was not read yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(clients, "_client", lru_cache(vars(clients)["_client"].__wrapped__))
    return Stack("prod", Outputs.model_validate(graph("prod").outputs), None)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("AWS_PROFILE=nope", "The config profile (nope) could not be found"),
        ("AWS_CONFIG_FILE={file}", "Unable to parse config file: {file}"),
        ("AWS_SHARED_CREDENTIALS_FILE={file}", "Unable to parse config file: {file}"),
        ("AWS_ENDPOINT_URL=nonsense", "Invalid endpoint: nonsense"),
        ("AWS_ENDPOINT_URL=http://127.0.0.1:99999", "Port out of range 0-65535"),
    ],
)
def test_a_configuration_that_cannot_be_used(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, said: str
) -> None:
    """The error names the problem and the variable that leads to it."""
    file = tmp_path / "config"
    file.write_text(BROKEN, encoding="utf-8")
    variable, _, value = setting.format(file=file).partition("=")
    monkeypatch.setenv(variable, value)
    account = Account("123456789012", "sa-east-1", None)
    for made in (lambda: client(stack, "ecs"), lambda: account_client(account, "s3")):
        with pytest.raises(ArcaError) as error:
            made()
        assert said.format(file=file) in error.value.what
        assert f"({variable}={value})" in error.value.where
        assert "aws configure list" in error.value.do
        assert error.value.exit_code == 1


def test_half_of_a_key(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the missing variable."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ArcaError, match="missing: AWS_SECRET_ACCESS_KEY"):
        client(stack, "ecs")


@pytest.mark.parametrize(
    "error",
    [
        UnauthorizedSSOTokenError(),
        SSOTokenLoadError(error_msg="Token for x does not exist"),
        TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"),
        LoginRefreshRequired(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_login_that_has_expired(stack: Stack, error: BotoCoreError) -> None:
    """The advice is to log in again."""
    with pytest.raises(ArcaError) as said, explained(stack, "It fails"):
        raise error
    assert "It fails: the login has expired" in said.value.what
    assert "log in again with `aws sso login`" in said.value.do


def test_a_process_that_gives_no_credentials(stack: Stack) -> None:
    """The error is about this machine's configuration."""
    with pytest.raises(ArcaError, match="wanted: a configuration"), explained(stack, "It fails"):
        raise CredentialRetrievalError(provider="custom-process", error_msg="exit code 1")


@pytest.mark.parametrize(("where", "attempts"), [(None, 5), ("http://127.0.0.1:9", 3)])
def test_how_often_aws_is_asked(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, where: str | None, attempts: int
) -> None:
    """A call that the service refuses is retried, with a wait before each retry."""
    waits: list[float] = []
    asked: list[str] = []
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=waits.append))
    made = client(Stack(stack.name, stack.outputs, where), "ecs")

    def busy(request: Any, **_: Any) -> AWSResponse:
        asked.append(request.url)
        # The stubs know no headers and no raw body but urllib3's.
        return AWSResponse(request.url, 503, cast("Any", {}), cast("Any", Body()))

    # The stubs know no handler that returns something; this one answers in place of AWS.
    made.meta.events.register("before-send", cast("Any", busy))
    with pytest.raises(ArcaError), explained(stack, "It fails"):
        made.list_clusters()
    assert len(asked) == attempts
    assert len(waits) == attempts - 1
    assert all(0 <= seconds <= 20 for seconds in waits)


@pytest.mark.parametrize(
    ("service", "status"),
    # A page of 502 is no surprise to botocore in XML: it says "502: Bad Gateway".
    [
        *(("ecs", status) for status in (200, 302, 403, 502)),
        *(("elbv2", status) for status in (200, 302, 403)),
    ],
)
def test_a_page_instead_of_an_answer(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, service: str, status: int
) -> None:
    """HTML where JSON or XML is expected is an error which shows how it begins."""
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=str))
    made = cast("Any", client)(stack, service)
    page = b"\n<HTML><body>Log in</body></HTML>"

    def log_in(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, cast("Any", {}), cast("Any", Body(page)))

    made.meta.events.register("before-send", log_in)
    call = made.list_clusters if service == "ecs" else made.describe_load_balancers
    with (
        pytest.raises(ArcaError, match="the answer is not one of AWS") as said,
        explained(stack, "It fails"),
    ):
        call()
    assert "Log in" in said.value.what
    assert "proxy" in said.value.do


def test_an_answer_without_its_members(stack: Stack) -> None:
    """JSON that is not AWS's is no traceback, and may be waited out."""
    made = cast("Any", client)(stack, "ecs")

    def other(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, cast("Any", {}), cast("Any", Body(b"{}")))

    made.meta.events.register("before-send", other)
    with pytest.raises(Unreachable, match="the answer lacks 'services'"):
        EcsService(stack).describe()


def test_a_silence_is_said_within_ten_seconds(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where somebody listens and never answers, each attempt is said before the next one."""
    waited = clients.READ_TIMEOUT_SECONDS, clients.CONNECT_TIMEOUT_SECONDS
    assert max(waited) <= 8
    monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=str))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unreachable, match="AWS does not answer"), explained(stack, "It fails"):
            client(stack, "ecs").list_clusters()
    assert caplog.messages == [
        f"AWS does not answer ListClusters (attempt {number})" for number in range(1, 6)
    ]


def test_a_call_that_is_sent_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that must not take effect twice is not repeated by botocore."""
    monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unreachable), explained(stack, "It fails"):
            client(stack, "ecs", once=True).list_clusters()
    assert caplog.messages == ["AWS does not answer ListClusters (attempt 1)"]
