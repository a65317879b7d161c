"""Planted bugs, one for each kind of false verdict, and a few cases that find each of them.

They show that the oracle is not blind: `test_attack.py` plants each one and runs its cases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest
from botocore.client import BaseClient

from arca import traffic
from arca.errors import ExitCode
from arca.release import gates, journal, service, steps, verdict
from tests.attack import cases

MOST = 12
"""The most cases that a planted bug may need until it is found."""


@dataclass(frozen=True)
class Planted:
    """A bug, the cases among which one finds it, and the kind of finding."""

    plant: Callable[[pytest.MonkeyPatch], None]
    scenario: str
    pattern: str
    """The names of the cases: {call} is a call of the scenario, and {number} its place."""
    kind: str
    label: str = ""
    """Only calls of this operation count."""

    def cases(self) -> list[str]:
        """Return the names of the cases, those at the scenario's last calls first."""
        calls = enumerate(cases.clean_calls(self.scenario), start=1)
        names = dict.fromkeys(
            self.pattern.format(call=call, number=number)
            for number, call in reversed([*calls])
            if call.label.startswith(self.label)
        )
        return [*names][:MOST]


def _trust_the_status(patch: pytest.MonkeyPatch) -> None:
    """Believe what ECS says of a deployment, whatever gets the traffic."""
    judge = verdict.judge

    def trusting(deployment: Any, *arguments: Any, **named: Any) -> Any:
        if deployment.status == "SUCCESSFUL":
            return verdict.Verdict.LIVE, "ECS says SUCCESSFUL"
        return judge(deployment, *arguments, **named)

    patch.setattr(verdict, "judge", trusting)


def _count_the_unhealthy(patch: pytest.MonkeyPatch) -> None:
    """Count every registered target as a healthy one."""

    def count(share: traffic.TrafficShare) -> int:
        return len(share.targets)

    patch.setattr(traffic.TrafficShare, "healthy", property(count))


def _read_one_page(patch: pytest.MonkeyPatch) -> None:
    """Read the first page of the tasks only."""

    def tasks(this: Any, *, stopped: bool = False) -> Any:
        arns = this.ecs.list_tasks(
            cluster=this.names["cluster"],
            serviceName=this.names["service"],
            desiredStatus="STOPPED" if stopped else "RUNNING",
        )["taskArns"]
        if not arns:
            return []
        return this.ecs.describe_tasks(cluster=this.names["cluster"], tasks=arns)["tasks"]

    patch.setattr(service.EcsService, "tasks", tasks)


def _call_a_late_stop_done(patch: pytest.MonkeyPatch) -> None:
    """End a stop that came too late with 0."""
    codes: Any = verdict.VERDICT_EXIT_CODES
    patch.setitem(codes, verdict.Verdict.ANOTHER_SERVES, ExitCode.DONE)


def _leave_the_lock(patch: pytest.MonkeyPatch) -> None:
    """Leave the lock after a release has ended."""

    def leave(_journal: journal.Journal) -> None:
        pass

    patch.setattr(journal.Journal, "end", leave)


def _refuse_what_was_done(patch: pytest.MonkeyPatch) -> None:
    """End with 6 where the connection is lost while ECS works."""
    patch.setattr(steps.ConnectionLost, "exit_code", ExitCode.REFUSED)


def _update_twice(patch: pytest.MonkeyPatch) -> None:
    """Force a new deployment with each attempt of UpdateService."""
    name = "_make_api_call"
    call: Any = getattr(BaseClient, name)

    def forcing(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        forced = {"forceNewDeployment": True} if operation == "UpdateService" else {}
        return call(client, operation, {**arguments, **forced})

    patch.setattr(BaseClient, name, forcing)


def _raise(patch: pytest.MonkeyPatch) -> None:
    """Trip over an answer without the field that every answer has."""

    def trip(*_: Any, **__: Any) -> NoReturn:
        raise KeyError("imageDetails")

    patch.setattr(gates, "registered_digest", trip)


ROLLING = "deploy-rolling"
PLANTED: Mapping[str, Planted] = {
    "status trusted instead of traffic": Planted(
        _trust_the_status, ROLLING, "meddle/deploy-rolling/{number}/split the rule", "false 0"
    ),
    "unhealthy targets counted": Planted(
        _count_the_unhealthy,
        ROLLING,
        "meddle/deploy-rolling/{number}/all targets fall sick",
        "false 0",
    ),
    "first page only": Planted(_read_one_page, ROLLING, "plain/deploy-large", "5 though known"),
    "exit 0 for a stop that came too late": Planted(
        _call_a_late_stop_done,
        "stop-late",
        "meddle/stop-late/{number}/hours pass",
        "false 0",
        "ecs.StopServiceDeployment",
    ),
    "lock left": Planted(_leave_the_lock, ROLLING, "plain/deploy-rolling", "lock left"),
    "exit 6 after something was done": Planted(
        _refuse_what_was_done,
        ROLLING,
        "api/deploy-rolling/{call}/denied/once",
        "6 though done",
        "ecs.DescribeServiceDeployments",
    ),
    "doubled UpdateService after a lost reply": Planted(
        _update_twice,
        ROLLING,
        "api/deploy-rolling/{call}/reply-lost/once",
        "doubled action",
        "ecs.UpdateService",
    ),
    "traceback": Planted(_raise, ROLLING, "plain/deploy-rolling", "traceback"),
}
"""The bugs, by name."""
