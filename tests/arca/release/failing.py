"""Ways to make a release fail in a test: kills, Ctrl-C, calls that AWS refuses."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from arca.release.service import EcsDeployment
from tests.arca.release.stage import Stage


class Killed(BaseException):
    """Ends a release as SIGKILL does: nothing handles it, and nothing is tidied up."""


def killer(label: str) -> Callable[[str], None]:
    """Return a hook that kills the release at a call."""

    def kill(call: str) -> None:
        if call == label:
            raise Killed

    return kill


def killed_at(stage: Stage, step: str, *, migrate: bool = True) -> None:
    """Kill a release when its journal has reached a step."""

    def kill(call: str) -> None:
        if call == "ssm.put_parameter" and stage.journal and stage.journal["step"] == step:
            raise Killed

    stage.after = kill
    with pytest.raises(Killed):
        stage.release(migrate=migrate).deploy("2")
    stage.after = lambda _call: None
    stage.abandon()


def ctrl_c(at: str) -> Callable[[EcsDeployment], None]:
    """Return a watcher that presses Ctrl-C at a stage."""

    def press(deployment: EcsDeployment) -> None:
        if deployment.stage == at:
            raise KeyboardInterrupt

    return press


def press(_call: str) -> NoReturn:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


def press_after(stage: Stage, label: str) -> None:
    """Press Ctrl-C once, after a call was answered."""

    def after(call: str) -> None:
        if call == label:
            stage.after = lambda _call: None
            raise KeyboardInterrupt

    stage.after = after


def denied(stage: Stage, label: str, *, status: int = 400) -> None:
    """Have AWS deny a call, with this HTTP status."""

    def deny(call: str) -> None:
        if call == label:
            content: Any = {
                "Error": {"Code": "AccessDeniedException", "Message": "not you"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(content, label.partition(".")[2])

    stage.before = deny


def expire(code: str) -> Any:
    """Return a hook that refuses every call, as AWS does without a valid login."""

    def refuse(call: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "expired"}}, call)

    return refuse
