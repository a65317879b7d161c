"""The first day in an account: from an empty registry and empty secrets to a live release."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from arca.emulator.state import State
from arca.emulator.up import UpReport
from tests.arca.emulator.local_cloud import client, free_port


class Account:
    """An emulated account in which a person types the commands of the guide."""

    def __init__(self, state: State) -> None:
        self._state = state

    def arca(self, *words: str, code: int = 0) -> Any:
        """Run a command that ends with that exit code; returns its JSON."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "arca", *words, "--json"],
            cwd=self._state.directory.parent,
            env={
                **os.environ,
                "ARCA_STATE_DIR": str(self._state.directory),
                "ARCA_LOCAL_MINUTE": "0.05",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_the_first_day(stack: str, state: State) -> None:
    """No task starts before its image and all its secrets are there; then a release serves."""
    account = Account(state)
    up = account.arca("local", "up", "--bare", "--stack", stack, "--port", str(free_port()))
    exports = up["exports"]
    report = UpReport(**up)
    ecs, manager = client("ecs", report), client("secretsmanager", report)
    names = {"cluster": exports["service"]["cluster"], "services": [exports["service"]["name"]]}

    def service() -> Any:
        return ecs.describe_services(**names)["services"][0]

    # Application Auto Scaling asks for the fewest tasks, which have neither image nor secrets.
    assert service()["desiredCount"] == exports["service"]["min_tasks"] > 0
    shown = account.arca("status", "--stack", stack)
    assert shown["deployment"]["status"] == "SUCCESSFUL"
    reasons = shown["stop_reasons"]
    assert any("ResourceInitializationError" in reason for reason in reasons), reasons
    assert service()["runningCount"] == 0

    account.arca("local", "push", "1.0.0", "--stack", stack)
    refused = account.arca("deploy", "1.0.0", "--stack", stack, code=6)
    assert "has no value" in refused["reason"]
    for role in exports["secrets_without_value"]:
        manager.put_secret_value(SecretId=exports["secret_arns"][role], SecretString="x")
    released = account.arca("deploy", "1.0.0", "--stack", stack)
    assert released["verdict"] == "live"
    assert service()["runningCount"] == exports["service"]["min_tasks"]
    shown = account.arca("status", "--stack", stack)
    assert shown["undeclared"] == []
