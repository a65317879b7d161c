"""Accounts for the tests of the bootstrap."""

import pytest

from arca.clients import Account, account_client
from arca.clock import Clock
from arca.emulator.provider import cloudformation
from tests.arca.bootstrap.accounts import ACCOUNT, EmulatedAccount, forget_clients
from tests.arca.bootstrap.scripted import ScriptedCloudFormation


@pytest.fixture
def empty(endpoint: str) -> EmulatedAccount:
    """A fresh account, whose CloudFormation makes what the emulated AWS of `make up` makes."""
    cloudformation.register()
    made = EmulatedAccount(endpoint)
    made.client("sts").get_caller_identity()
    return made


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> EmulatedAccount:
    """A fresh account that the command takes for one of AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    forget_clients(monkeypatch)
    return EmulatedAccount(endpoint, on_aws=True)


@pytest.fixture
def scripted(aws: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> ScriptedCloudFormation:
    """The CloudFormation of that account, without a stack; no look at it waits."""
    assert aws.on_aws

    def skip(_: Clock, __: float) -> None:
        """Wait for nothing."""

    monkeypatch.setattr(Clock, "sleep", skip)
    account = Account(ACCOUNT, "us-east-1", None)
    return ScriptedCloudFormation(account_client(account, "cloudformation"))
