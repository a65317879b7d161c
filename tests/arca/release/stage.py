"""A whole stack to release to, in this process: an emulated ECS, and all that the gates ask for.

    stage = Stage(monkeypatch)
    stage.push("2")
    outcome = stage.release().deploy("2")

Time stands still unless somebody sleeps; a second of a command's sleep is fifteen simulated
minutes, so that a canary takes a dozen looks.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from botocore import endpoint
from click.testing import CliRunner, Result
from moto.ssm import models as ssm_models

from arca import clients, clock
from arca import stack as stacks
from arca.cli.main import cli
from arca.emulator.aws_clients import WsgiClients
from arca.emulator.client import manifest
from arca.monitoring.live.objectives import ObjectiveStatus
from arca.outputs import Outputs
from arca.release import gates, journal, outage
from arca.release.journal_entry import ReleaseOptions
from arca.release.release import Release
from arca.release.service import EcsDeployment, EcsService
from arca.stack import Stack, Target
from tests.arca.emulator.ecs.emulated_ecs import (
    ALARMS,
    CLUSTER,
    GROUP,
    REGION,
    SERVICE,
    Emulated,
    fresh,
)
from tests.arca.release.processes import die
from tests.stacks import graph

Arca = Callable[..., Result]
"""Runs a command line."""
Aside = Literal["standby", "promoting", "fenced"]
"""The phases in which a stack serves no customers."""
REPOSITORY = "arca-test-api"
ACCOUNT = "123456789012"
URL = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"
NAME = "prod"
JOURNAL = f"/arca-{NAME}/operations/release"
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
}
"""As the platform declares it."""
WRITES = ("register_", "run_", "update_", "continue_", "stop_", "create_", "modify_")
"""Beginnings of the calls that change something."""
MINUTES = 15.0
"""Simulated minutes of a second's sleep."""


@cache
def _clients(*, once: bool) -> WsgiClients:
    """Return the commands' clients, kept because making one takes longer than a release."""
    return WsgiClients(fresh().wsgi, clients.config(emulated=True, once=once))


def _unmeasured(_stack: Stack, *, now: datetime) -> list[ObjectiveStatus]:
    del now
    return []


class SimulatedClock(clock.Clock):
    """The operator's clock, which shows the emulated cloud's time."""

    def __init__(self, cloud: Emulated) -> None:
        self._cloud = cloud
        self.minutes = MINUTES
        """Simulated minutes of a second's sleep."""

    def now(self) -> datetime:
        """Return the emulated cloud's time."""
        return self._cloud.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let the emulated cloud go on."""
        self._cloud.advance(seconds * self.minutes)


class Stage:
    """A stack, its emulated cloud, and what an operator sees."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        strategy: str = "CANARY",
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        self.cloud = fresh()
        self.calls = list[str]()
        """Every call of a command to AWS, in its order."""
        self.before: Callable[[str], None] = lambda _call: None
        """Runs before each call; it may raise instead of it."""
        self.after: Callable[[str], None] = lambda _call: None
        self.said = list[str]()
        self.waits = list[float]()
        """Seconds before each repeated call; nobody really waits."""
        monkeypatch.setattr(clients, "_client", self._client)
        monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=self.waits.append))
        # Nothing was measured yet; eighteen questions a release would say so each time.
        monkeypatch.setattr(gates, "objective_statuses", _unmeasured)
        # SSM tells the emulated cloud's time, as AWS's services agree about theirs.
        monkeypatch.setattr(ssm_models, "utcnow", self._ssm_time)
        # In seconds of a command, of which one takes fifteen simulated minutes here.
        monkeypatch.setattr(outage, "PAUSE_SECONDS", 0.05)
        monkeypatch.setattr(journal, "SETTLING_SECONDS", 0.001)
        self._clients = {once: _clients(once=once) for once in (False, True)}
        self._make(strategy, configuration or {})
        self.stack = Stack(NAME, self._outputs(strategy), "http://127.0.0.1")
        self.clock = SimulatedClock(self.cloud)

    def commands(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        """Have `arca` find this stack and this clock; returns what runs a command line."""

        def find(_name: str, *, target: Target = "auto") -> Stack:
            del target
            return self.stack

        def arca(*words: str, answer: str | None = None) -> Result:
            return CliRunner().invoke(cli, list(words), input=answer)

        monkeypatch.setattr(stacks, "find", find)
        monkeypatch.setattr(clock, "Clock", lambda: self.clock)
        return arca

    def _make(self, strategy: str, configuration: Mapping[str, Any]) -> None:
        ecr = self.client("ecr")
        ecr.create_repository(repositoryName=REPOSITORY)
        self.push("1")
        hooks = [PAUSE] if strategy != "ROLLING" else []
        self.cloud.create_service(
            strategy=strategy, image=f"{URL}:1", hooks=hooks, configuration=configuration
        )
        self.cloud.register(f"{URL}:1", family="migrations", command=["/app/migrate"])
        declared = {"Type": "CALCULATED", "HealthThreshold": 0, "Inverted": False}
        made = self.client("route53").create_health_check(
            CallerReference="lever", HealthCheckConfig=declared
        )
        self._lever = str(made["HealthCheck"]["Id"])

    def enter(self, phase: Aside) -> None:
        """Put the stack in another phase of a failover."""
        role = "primary" if phase == "fenced" else "secondary"
        update = {"phase": phase, "role": role}
        self.stack = replace(self.stack, outputs=self.stack.outputs.model_copy(update=update))

    def pull_lever(self) -> None:
        """Send the customers to the DR region, as a person does in a failover."""
        self.client("route53").update_health_check(HealthCheckId=self._lever, Inverted=True)

    def _outputs(self, strategy: str) -> Outputs:
        cloud = self.cloud
        placed = cloud.network["awsvpcConfiguration"]
        found: dict[str, Any] = json.loads(json.dumps(graph(NAME).outputs))
        found["region"], found["account_id"] = REGION, ACCOUNT
        found["registry"] = {"repository_name": REPOSITORY, "repository_url": URL}
        found["edge"]["failover_lever_id"] = self._lever
        found["network"] |= {
            "private_subnet_ids": placed["subnets"],
            "job_security_group_id": placed["securityGroups"][0],
        }
        found["service"] |= {
            "cluster": CLUSTER,
            "name": SERVICE,
            "task_family": "api",
            "migration_family": "migrations",
            "strategy": strategy.lower().replace("_", "-"),
            "deployment_configuration": cloud.service()["deploymentConfiguration"],
            "log_group": GROUP,
            "alarm_names": list(ALARMS),
            "blue_target_group_arn": cloud.blue,
            "green_target_group_arn": cloud.green,
            "production_rule_arn": cloud.rule,
            "test_rule_arn": cloud.test_rule,
        }
        return Outputs.model_validate(found)

    def client(self, service: str) -> Any:
        """Return a client that a test's own faults do not reach."""
        return self.cloud.client(service)

    def _ssm_time(self) -> datetime:
        return self.cloud.clock.now().replace(tzinfo=None)

    def _client(
        self, service: str, region: str, _endpoint: str | None, *, once: bool = False
    ) -> Any:
        return Watched(self, self._clients[once].client(service, region), service)

    def push(self, tag: str, *, scanned: bool = True) -> str:
        """Put an image into the registry, and return its reference."""
        ecr = self.client("ecr")
        ecr.put_image(repositoryName=REPOSITORY, imageTag=tag, imageManifest=manifest(tag))
        if scanned:
            ecr.start_image_scan(repositoryName=REPOSITORY, imageId={"imageTag": tag})
        return f"{URL}:{tag}"

    def release(
        self, *, watch: Callable[[EcsDeployment], None] | None = None, **options: Any
    ) -> Release:
        """Return a release as `arca deploy` makes it."""
        return Release(
            self.stack,
            options=replace(ReleaseOptions(timeout=timedelta(minutes=120)), **options),
            say=self.said.append,
            watch=watch or (lambda _deployment: None),
            clock=self.clock,
        )

    @property
    def journal(self) -> dict[str, Any] | None:
        """The content of the release's journal; None where there is none."""
        found = self.client("ssm").get_parameters(Names=[JOURNAL])["Parameters"]
        return json.loads(found[0]["Value"]) if found else None

    def abandon(self) -> None:
        """Leave the journal as a release does that was killed on this machine."""
        held = self.journal
        if held is not None:
            die(held["run"])

    def serves(self) -> tuple[set[str], set[str]]:
        """Task definitions that production traffic goes to, and those whose tasks run.

        Read from the load balancer and from the tasks, not from what a deployment says of itself.
        """
        cloud = self.cloud
        tasks = {task["taskDefinitionArn"].rpartition("/")[2]: task for task in cloud.tasks()}
        groups = zip((cloud.blue, cloud.green), cloud.weights(), strict=True)
        weighed = [group for group, weight in groups if weight]
        addresses = {address for group in weighed for address, _ in cloud.targets(group)}
        taking = {
            task["taskDefinitionArn"].rpartition("/")[2]
            for task in cloud.tasks()
            if _address(task) in addresses
        }
        return taking, set(tasks)

    def turn_the_rule(self) -> None:
        """Have the production rule send customers to the other target group."""
        shares = zip((self.cloud.blue, self.cloud.green), self.cloud.weights()[::-1], strict=True)
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares]
        self.client("elbv2").modify_rule(
            RuleArn=self.cloud.rule,
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )

    def service(self) -> EcsService:
        """Return the service as commands read it."""
        return EcsService(self.stack)


class Watched:
    """A client whose calls a test can see and break."""

    def __init__(self, stage: Stage, client: Any, service: str) -> None:
        self._stage, self._inner, self._service = stage, client, service

    @property
    def exceptions(self) -> Any:
        """The client's own exceptions."""
        return self._inner.exceptions

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(**arguments: Any) -> Any:
            label = f"{self._service}.{name}"
            self._stage.calls.append(label)
            self._stage.before(label)
            answer = method(**arguments)
            self._stage.after(label)
            return answer

        return call


def _address(task: dict[str, Any]) -> str:
    details = task["attachments"][0]["details"]
    return next(one["value"] for one in details if one["name"] == "privateIPv4Address")


def written(stage: Stage) -> list[str]:
    """Return the calls of a command that changed something, apart from the journal."""
    return [call for call in stage.calls if call.partition(".")[2].startswith(WRITES)]


def printed_json(result: Result) -> Any:
    """Return the JSON on stdout; nothing else may stand there."""
    return json.loads(result.stdout)


def released(stage: Stage, arca: Arca) -> EcsDeployment:
    """Release image 2 an hour after the stack came up, and return its deployment."""
    stage.cloud.advance(60)
    assert arca("deploy", "2", "--skip-migrations").exit_code == 0
    return stage.service().deployments(most=1)[0]
