"""A primary and its standby in one emulated AWS in this process, and an operator's commands.

    stage = Stage(monkeypatch)
    result = stage.arca("--yes")
    stage.serves()

Time stands still unless somebody sleeps; a second of a command's sleep is a simulated minute. An
update of a stack changes its exports, and calls AWS as Pulumi does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import endpoint
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import CliRunner, Result
from moto.backends import get_backend
from moto.ssm import models as ssm_models

from arca import clients, clock
from arca import stack as stacks
from arca.check import Check
from arca.cli import dr_scene
from arca.cli.main import cli
from arca.emulator.aws_clients import WsgiClients
from arca.errors import ArcaError, ExitCode
from arca.outputs import Outputs
from arca.recovery import journal
from arca.release import run_lock
from arca.smoke.suite import SmokeReport
from arca.stack import Stack, Target
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, GROUP, REGION, SERVICE, Emulated, fresh
from tests.arca.release.processes import die
from tests.stacks import graph

FAR = "eu-west-1"
"""The primary's region; the standby is in the emulated service's."""
PRIMARY_CLUSTER = "arca-prod"
DATABASE, SOURCE = "arca-dr", "arca-prod"
JOURNAL = "/arca-dr/operations/failover"
OPERATOR = "ana"
MINUTE = timedelta(minutes=1)
IMAGE = "registry/api:1"
CHANGES = 31
"""Calls of a good failover that change something, the journal's among them."""
ACTIVE = {"name": "SERVES", "value": "yes"}
"""What the tasks of an active stack know, and those of a standby do not."""
WRITES = ("register_", "update_", "promote_", "modify_", "put_parameter", "delete_", "create_")
"""Beginnings of the calls that change something."""


class Killed(BaseException):
    """Ends a command as SIGKILL does: nothing handles it."""


@cache
def _clients(*, once: bool) -> WsgiClients:
    return WsgiClients(fresh().wsgi, clients.config(emulated=True, once=once))


class SimulatedClock(clock.Clock):
    """The operator's clock: the emulated cloud's, which a second of sleep moves by a minute."""

    def __init__(self, cloud: Emulated) -> None:
        self._cloud = cloud
        self.ahead = timedelta(0)
        """How far the operator's machine is ahead of AWS."""

    def now(self) -> datetime:
        """Return the emulated cloud's time, as this machine has it."""
        return self._cloud.clock.now() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Let the emulated cloud go on."""
        self._cloud.advance(seconds)


class Stage:
    """Two stacks, what happens to them, and what an operator sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: Path) -> None:
        self.cloud = fresh()
        self.clock = SimulatedClock(self.cloud)
        self.records = records
        self.calls = list[str]()
        """Every call of a command to AWS: region, service and method."""
        self.before: Callable[[str], None] = lambda _call: None
        """Runs before each call; it may raise instead of it."""
        self.after: Callable[[str], None] = lambda _call: None
        self.updates = list[tuple[str, str]]()
        """Each update that ended: stack and phase."""
        self.lost = False
        """Whether the primary's region answers nothing."""
        self.alive = False
        """Whether a primary whose region answers nothing serves its customers all the same."""
        self.lag: float | None = 2.0
        self.dns_follows = True
        """Whether the customers' name follows the lever."""
        self.status: str | None = None
        """What RDS says of the standby's database, instead of the truth."""
        self.secret: str | None = None
        """ARN of a secret that the active stack's tasks read."""
        self.stale_lists = 0
        """How many lists of deployments lack the newest one."""
        self.pending: dict[str, Any] = {}
        """The database's changes that wait for the maintenance window."""
        monkeypatch.setattr(clients, "_client", self._client)
        monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=_no_wait))
        monkeypatch.setattr(
            ssm_models, "utcnow", lambda: self.cloud.clock.now().replace(tzinfo=None)
        )
        monkeypatch.setattr(journal, "SETTLING_SECONDS", 0.001)
        monkeypatch.setattr(run_lock.tempfile, "tempdir", str(records))
        monkeypatch.setattr(stacks, "find", self.find)
        monkeypatch.setattr(dr_scene, "_emulated_update", lambda: self.update)
        monkeypatch.setattr(dr_scene, "_as_customer", self._as_customer)
        monkeypatch.setattr(dr_scene, "versions", _versions)
        monkeypatch.setattr("arca.smoke.suite.run", self._smoke)
        self._clients = {once: _clients(once=once) for once in (False, True)}
        self._make()
        self.outputs = {"prod": self._primary(), "dr": self._standby()}

    def arca(self, *words: str, answer: str | None = None) -> Result:
        """Run `arca dr failover` with more words."""
        records = ("--records", str(self.records), "--operator", OPERATOR)
        return CliRunner().invoke(
            cli, ["dr", "failover", *records, *words], input=answer, obj=self.clock
        )

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client that a test's own faults do not reach."""
        return self.cloud.client(service, region=region)

    # What is there.

    def _make(self) -> None:
        backends: Any = get_backend
        for name in ("rds", "route53", "secretsmanager"):
            for account in backends(name).values():
                account.reset()
        self.cloud.create_service(strategy="BLUE_GREEN", desired=1, image=IMAGE)
        far = self.client("ecs", FAR)
        far.create_cluster(clusterName=PRIMARY_CLUSTER)
        made = self.client("ecs").describe_task_definition(taskDefinition="api")["taskDefinition"]
        taken = ("family", "networkMode", "cpu", "memory", "containerDefinitions")
        far.register_task_definition(
            requiresCompatibilities=["FARGATE"], **{name: made[name] for name in taken}
        )
        ec2 = self.client("ec2", FAR)
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        far.create_service(
            cluster=PRIMARY_CLUSTER,
            serviceName=SERVICE,
            taskDefinition="api",
            desiredCount=2,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}
            },
        )
        common = {"DBInstanceClass": "db.t4g.micro"}
        source = self.client("rds", FAR).create_db_instance(
            DBInstanceIdentifier=SOURCE,
            Engine="postgres",
            MasterUsername="arca",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
            **common,
        )["DBInstance"]["DBInstanceArn"]
        self.client("rds").create_db_instance_read_replica(
            DBInstanceIdentifier=DATABASE, SourceDBInstanceIdentifier=source, **common
        )
        lever = self.client("route53").create_health_check(
            CallerReference="lever",
            HealthCheckConfig={"Type": "CALCULATED", "HealthThreshold": 0, "Inverted": False},
        )
        for name in graph("dr").outputs["observability"]["alarm_names"].values():
            self.alarm(name)
        self.lever = str(lever["HealthCheck"]["Id"])
        self.cloud.advance(5)

    def _primary(self) -> Outputs:
        found: dict[str, Any] = json.loads(json.dumps(graph("prod").outputs))
        found["region"], found["phase"] = FAR, "active"
        found["edge"]["failover_lever_id"] = self.lever
        found["service"] |= {"cluster": PRIMARY_CLUSTER, "name": SERVICE}
        return Outputs.model_validate(found)

    def _standby(self) -> Outputs:
        cloud = self.cloud
        found: dict[str, Any] = json.loads(json.dumps(graph("dr").outputs))
        found["region"], found["phase"] = REGION, "standby"
        found["database"]["identifier"] = DATABASE
        found["service"] |= {
            "cluster": CLUSTER,
            "name": SERVICE,
            "task_family": "api",
            "min_tasks": 1,
            "strategy": "blue-green",
            "deployment_configuration": cloud.service()["deploymentConfiguration"],
            "log_group": GROUP,
            "blue_target_group_arn": cloud.blue,
            "green_target_group_arn": cloud.green,
            "production_rule_arn": cloud.rule,
            "test_rule_arn": cloud.test_rule,
        }
        return Outputs.model_validate(found)

    def alarm(self, name: str, state: str = "OK", **changes: Any) -> None:
        """Make an alarm with a state, or change it."""
        given: Any = {"Period": 60, "TreatMissingData": "missing", **changes}
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="n",
            MetricName="m",
            EvaluationPeriods=1,
            Statistic="Sum",
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            **given,
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    def delete_database(self) -> None:
        """Delete the standby's database; moto's call fails for a replica of another region."""
        backends: Any = get_backend
        for account in backends("rds").values():
            account[REGION].databases.pop(DATABASE, None)

    def export(self, stack: str, **changes: Any) -> None:
        """Change a stack's exports."""
        self.outputs[stack] = self.outputs[stack].model_copy(update=changes)

    def find(self, name: str, *, target: Target = "auto", quiet: bool = False) -> Stack:
        """Return a stack with its present exports."""
        del target, quiet
        return Stack(name, self.outputs[name], "http://127.0.0.1")

    # What a command does.

    def _client(
        self, service: str, region: str, _endpoint: str | None, *, once: bool = False
    ) -> Any:
        return Watched(self, self._clients[once].client(service, region), service, region)

    def called(self, call: str, arguments: Mapping[str, Any]) -> None:
        """Let a call happen: it is counted, and a lost region or a test's fault refuses it."""
        self.calls.append(call)
        if self.lost and call.startswith(FAR):
            raise EndpointConnectionError(endpoint_url=f"https://{call}")
        self.before(call)
        if "get_metric_statistics" in call and self.lag is not None:
            self.client("cloudwatch").put_metric_data(
                Namespace=arguments["Namespace"],
                MetricData=[
                    {
                        "MetricName": arguments["MetricName"],
                        "Dimensions": arguments["Dimensions"],
                        "Timestamp": self.clock.now() - MINUTE,
                        "Value": self.lag,
                    }
                ],
            )

    def answered(self, call: str, answer: Any) -> None:
        """Change an answer as the stage says, and let a test's fault follow it."""
        if call.endswith("rds.describe_db_instances"):
            for one in answer["DBInstances"]:
                one["DBInstanceStatus"] = self.status or one["DBInstanceStatus"]
                one["PendingModifiedValues"] = dict(self.pending)
        if call.endswith("list_service_deployments") and self.stale_lists:
            self.stale_lists -= 1
            listed = answer["serviceDeployments"]
            listed.remove(max(listed, key=lambda one: one["createdAt"]))
        if call.endswith("rds.modify_db_instance"):
            self.pending = {}
        self.after(call)

    def update(self, name: str, settings: Mapping[str, Any]) -> None:
        """Update a stack to a phase, as Pulumi does: what is so already is not asked for again."""
        phase = str(settings["recovery.phase"])
        stack = self.find(name)
        with clients.explained(stack, f"The update of {name} fails"):
            if phase in ("fenced", "active") and name == "prod":
                clients.client(stack, "ecs").update_service(
                    cluster=PRIMARY_CLUSTER,
                    service=SERVICE,
                    desiredCount=2 if phase == "active" else 0,
                )
            elif phase == "promoting" and self.follows:
                clients.client(stack, "rds").promote_read_replica(DBInstanceIdentifier=DATABASE)
            elif phase == "active" and not self._declared():
                if self.follows:
                    raise ArcaError("dr replaces its database", where="", wanted="", do="")
                self._declare(stack)
        self.export(name, phase=phase)
        if phase == "active" and name == "dr":
            service = self.outputs[name].service.model_copy(update={"min_tasks": 2})
            self.export(name, service=service)
            self.pending = {"MultiAZ": True}
        self.updates.append((name, phase))

    def _declared(self) -> bool:
        """Return whether the family's latest template is the active one."""
        latest = self.client("ecs").describe_task_definition(taskDefinition="api")
        return ACTIVE in latest["taskDefinition"]["containerDefinitions"][0]["environment"]

    def _declare(self, stack: Stack) -> None:
        ecs = clients.client(stack, "ecs")
        latest: Any = self.client("ecs").describe_task_definition(taskDefinition="api")
        latest = latest["taskDefinition"]
        declared: Any = {
            **latest["containerDefinitions"][0],
            # The program declares the first image; the one that runs is what counts.
            "image": "registry/api:0",
            "environment": [ACTIVE],
            "secrets": [{"name": "TOKEN", "valueFrom": self.secret}] if self.secret else [],
        }
        ecs.register_task_definition(
            family="api",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu=latest["cpu"],
            memory=latest["memory"],
            containerDefinitions=[declared],
        )

    def _smoke(self, stack: Stack, **_: object) -> SmokeReport:
        good = bool(self.serving_tasks()) and not self.follows
        checks = (Check("ready", "OK" if good else "FAILED", "no task of the active stack"),)
        return SmokeReport(stack.name, "https://dr.example", checks)

    def _as_customer(self, stack: Stack, **_: object) -> SmokeReport:
        if self.dns_follows and self.pulled:
            good = bool(self.serving_tasks())
        else:
            good = (self.alive or not self.lost) and self.primary_tasks() > 0
        checks = (Check("ready", "OK" if good else "FAILED", "connection refused"),)
        return SmokeReport(stack.name, "https://api.example", checks)

    def customers_are_served(self) -> bool:
        """Return whether customers get good answers now."""
        return self._as_customer(self.find("prod")).verdict == "OK"

    # What became of it, read by clients of the test's own.

    @property
    def follows(self) -> bool:
        """Whether the standby's database is a replica."""
        found = self.client("rds").describe_db_instances(DBInstanceIdentifier=DATABASE)
        return bool(found["DBInstances"][0].get("ReadReplicaSourceDBInstanceIdentifier"))

    @property
    def pulled(self) -> bool:
        """Whether the lever is pulled."""
        found = self.client("route53").get_health_check(HealthCheckId=self.lever)
        return bool(found["HealthCheck"]["HealthCheckConfig"]["Inverted"])

    def serving_tasks(self) -> list[str]:
        """Return the images of the standby's tasks that know of the active stack."""
        found = list[str]()
        for task in self.cloud.tasks():
            made = self.client("ecs").describe_task_definition(
                taskDefinition=task["taskDefinitionArn"]
            )["taskDefinition"]["containerDefinitions"][0]
            if ACTIVE in made["environment"] and task["lastStatus"] == "RUNNING":
                found.append(made["image"])
        return found

    def primary_tasks(self) -> int:
        """Return how many tasks of the primary run."""
        found = self.client("ecs", FAR).describe_services(
            cluster=PRIMARY_CLUSTER, services=[SERVICE]
        )["services"][0]
        return int(found["runningCount"])

    @property
    def journal(self) -> dict[str, Any] | None:
        """The content of the journal; None where there is none."""
        found = self.client("ssm").get_parameters(Names=[JOURNAL])["Parameters"]
        return json.loads(found[0]["Value"]) if found else None

    def record(self) -> dict[str, Any]:
        """Return the only record that was written."""
        (path,) = self.records.glob("*.json")
        return json.loads(path.read_text())

    def abandon(self) -> None:
        """Leave the journal as a process does that was killed on this machine."""
        held = self.journal
        if held is not None:
            die(held["run"])

    def elsewhere(self, *, silent: float) -> None:
        """Go to another machine, so many seconds after the last sign of life."""
        held = self.journal
        if held is not None:
            run_lock.forget(held["run"])
        self.cloud.advance(silent / 60)


class Watched:
    """A client whose calls a test can see and break."""

    def __init__(self, stage: Stage, client: Any, service: str, region: str) -> None:
        self._stage, self._inner, self._label = stage, client, f"{region} {service}"

    @property
    def exceptions(self) -> Any:
        """The client's own exceptions."""
        return self._inner.exceptions

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*named: str, **arguments: Any) -> Any:
            label = f"{self._label}.{name}"
            self._stage.called(label, arguments)
            answer = method(*named, **arguments)
            self._stage.answered(label, answer)
            return answer

        return call


def _no_wait(_seconds: float) -> None:
    """Let botocore repeat a call at once."""


def _versions() -> dict[str, Any]:
    return {"commit": "0123abc", "dirty": False, "programs": {}}


def denial(call: str) -> ClientError:
    """Return AWS's refusal of a call."""
    error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not you"}}
    return ClientError(error, call.rpartition(".")[2])


def writes(stage: Stage, calls: Sequence[str] | None = None) -> list[str]:
    """Return the calls that change something, by default of those that were made."""
    chosen = stage.calls if calls is None else calls
    return [call for call in chosen if call.rpartition(".")[2].startswith(WRITES)]


def ended_well(stage: Stage) -> None:
    """Check that the standby serves the customers, and that nothing is left half done."""
    assert not stage.follows
    assert stage.serving_tasks() == [IMAGE, IMAGE]
    assert len(stage.cloud.tasks()) == 2
    assert stage.pulled
    assert stage.journal is None
    declared = stage.outputs["dr"].service.deployment_configuration
    assert stage.cloud.service()["deploymentConfiguration"] == declared
    assert {one["outcome"] for one in stage.record()["phases"] if one["name"] == "verify"}
    assert stage.record()["first_good_smoke"]


def failed(stage: Stage, *words: str) -> ArcaError:
    """Run the command, which has to fail with one error for a person; returns that."""
    error = stage.arca("--yes", *words).exception
    assert isinstance(error, ArcaError), error
    assert error.where
    assert error.wanted
    assert error.do
    return error


def mended(stage: Stage, *words: str) -> None:
    """Go on after the mend, and check that it ends well."""
    result = stage.arca("--yes", "--resume", *words)
    assert result.exit_code == ExitCode.DONE, result.output
    ended_well(stage)


def last(stage: Stage) -> tuple[str, str]:
    """Return the name and the outcome of the journal's last phase."""
    assert stage.journal is not None
    one = stage.journal["phases"][-1]
    return one["name"], one["outcome"]
