"""The emulated ECS in this process: a manual clock, and clients that need no socket.

    cloud = Emulated()
    cloud.create_service(strategy="CANARY", desired=2)
    cloud.deploy("registry/api:2")
    cloud.advance(5)
    cloud.deployment()["lifecycleStage"], cloud.weights()

`cloud.client` fits where `arca.clients.client` stands (its stack is not looked at).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import format_datetime
from functools import cache
from typing import Any, cast

from botocore.config import Config
from moto.backends import get_backend
from werkzeug.test import Client

from arca.clock import Clock
from arca.emulator.aws_clients import Wsgi, WsgiClients
from arca.emulator.ecs.app import Application
from arca.emulator.ecs.clock import ManualClock
from arca.emulator.ecs.control_api import ControlApi
from tests.arca.emulator.ecs.emulated_network import make_balancer, make_network

SYSTEM_CLOCK = Clock()
REGION = "sa-east-1"
CLUSTER = "arca-test"
SERVICE = "api"
GROUP = "/arca-test/api"
ALARMS = ("arca-test-errors", "arca-test-latency")
FORGETFUL = ("ecs", "elbv2", "cloudwatch", "logs", "ecr", "ssm")
STEPS: Mapping[str, dict[str, Any]] = {
    "ROLLING": {
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "bakeTimeInMinutes": 2,
    },
    "BLUE_GREEN": {"bakeTimeInMinutes": 5},
    "LINEAR": {
        "bakeTimeInMinutes": 5,
        "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 2},
    },
    "CANARY": {
        "bakeTimeInMinutes": 5,
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3},
    },
}


NEW = "registry/api:2"
SHIFTING = ("BLUE_GREEN", "LINEAR", "CANARY")
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
}
SECONDS = 60
"""Longer than any machine takes for what is waited for."""


class Emulated:
    """An emulated AWS with one service at most."""

    def __init__(self) -> None:
        self.clock = ManualClock(SYSTEM_CLOCK.now())
        self.application = Application(self.clock)
        self.wsgi = self._dated(ControlApi(self.application))
        self._clients = WsgiClients(self.wsgi, Config(retries={"total_max_attempts": 1}))
        self._http = Client(self.wsgi)
        self.network: dict[str, Any] = {}
        """Where tasks stand, for RunTask."""
        self.vpc = self.blue = self.green = self.rule = self.test_rule = ""

    def _dated(self, application: Wsgi) -> Wsgi:
        """Return the application with the header by which a server tells its own time."""

        def dated(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
                moment = format_datetime(self.clock.now(), usegmt=True)
                return start_response(status, [*headers, ("Date", moment)], *failure)

            return application(environ, start)

        return dated

    def reset(self) -> None:
        """Delete everything but the network, which takes longest to create."""
        # Moto's logs refuse lines of another day than that of the system's clock.
        self.clock.set(SYSTEM_CLOCK.now())
        self.application.reset()
        # Moto's backends are dictionaries by account, which its types do not say.
        backends = cast("Callable[[str], dict[str, Any]]", get_backend)
        for name in FORGETFUL:
            for account in backends(name).values():
                account.reset()

    def end_stand_ins(self) -> None:
        """End the processes of all stand-ins, and forget their commands."""
        self.control("DELETE", "/arca/images")
        self.application.end(closing=False)

    def client(self, *named: Any, region: str | None = None) -> Any:
        """Return a boto3 client: `client("ecs")`, or `client(stack, "ecs", region=...)`."""
        return self._clients.client(named[-1], region or REGION)

    def advance(self, minutes: float) -> None:
        """Advance the clock by simulated minutes; the next request runs what is due."""
        self.clock.advance(minutes)

    def control(self, method: str, path: str, content: Any = None) -> tuple[int, Any]:
        """Call the control API; returns the status and the JSON."""
        answer = self._http.open(
            path, method=method, data=None if content is None else json.dumps(content)
        )
        return answer.status_code, json.loads(answer.get_data())

    def fault(self, name: str, **details: Any) -> None:
        """Inject one fault, beside those that are injected already."""
        _, before = self.control("GET", "/arca/faults")
        status, answer = self.control(
            "PUT", "/arca/faults", [*before["faults"], {"fault": name, **details}]
        )
        assert status == 200, answer

    def create_service(
        self,
        *,
        strategy: str = "CANARY",
        desired: int = 2,
        image: str = "registry/api:1",
        hooks: Sequence[Mapping[str, Any]] = (),
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        """Create a service, and what the platform creates for it."""
        self._balance()
        for name in ALARMS:
            self.client("cloudwatch").put_metric_alarm(
                AlarmName=name,
                Namespace="n",
                MetricName="m",
                Period=60,
                EvaluationPeriods=1,
                Statistic="Sum",
                Threshold=1.0,
                ComparisonOperator="GreaterThanThreshold",
            )
        self.client("logs").create_log_group(logGroupName=GROUP)
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        advanced = {
            "alternateTargetGroupArn": self.green,
            "productionListenerRule": self.rule,
            "testListenerRule": self.test_rule,
            "roleArn": "arn:aws:iam::123456789012:role/ecs",
        }
        balancer: dict[str, Any] = {
            "targetGroupArn": self.blue,
            "containerName": "api",
            "containerPort": 8080,
        }
        if strategy != "ROLLING":
            balancer["advancedConfiguration"] = advanced
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=SERVICE,
            taskDefinition=self.register(image),
            desiredCount=desired,
            capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
            networkConfiguration=self.network,
            loadBalancers=[balancer],
            deploymentController={"type": "ECS"},
            healthCheckGracePeriodSeconds=30,
            deploymentConfiguration={
                "strategy": strategy,
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "alarms": {"enable": True, "rollback": True, "alarmNames": list(ALARMS)},
                "lifecycleHooks": list(hooks),
                **STEPS[strategy],
                **(configuration or {}),
            },
        )

    def _balance(self) -> None:
        ec2 = self.client("ec2")
        # Another test's server in this process may have reset moto, which is one for all.
        known = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [self.vpc or "-"]}])["Vpcs"]
        if not known:
            self.vpc, self.network = make_network(ec2)
        made = make_balancer(self.client("elbv2"), self.vpc, self.network)
        self.blue, self.green, self.rule, self.test_rule = made

    def register(self, image: str, *, family: str = "api", **container: Any) -> str:
        """Register a task definition; returns its ARN."""
        answer = self.client("ecs").register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "api",
                    "image": image,
                    "portMappings": [{"containerPort": 8080}],
                    "environment": [{"name": "STAGE", "value": "test"}],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": GROUP,
                            "awslogs-region": REGION,
                            "awslogs-stream-prefix": "api",
                        },
                    },
                    **container,
                }
            ],
        )
        return answer["taskDefinition"]["taskDefinitionArn"]

    def deploy(self, image: str) -> str:
        """Begin to deploy an image; returns the service deployment's ARN."""
        answer = self.client("ecs").update_service(
            cluster=CLUSTER, service=SERVICE, taskDefinition=self.register(image)
        )
        return answer["service"]["currentServiceDeployment"]

    def alarm(self, state: str, name: str = ALARMS[0]) -> None:
        """Set an alarm's state: ALARM or OK."""
        self.client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue=state, StateReason="test"
        )

    def service(self) -> Any:
        """Return the service as DescribeServices has it."""
        return self.client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])[
            "services"
        ][0]

    def deployment(self, arn: str | None = None) -> Any:
        """Return a deployment by its ARN, by default the latest one."""
        arn = arn or self._latest()
        return self.client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])[
            "serviceDeployments"
        ][0]

    def _latest(self) -> str:
        # ListServiceDeployments is answered without moto, much faster than DescribeServices.
        listed = self.client("ecs").list_service_deployments(
            cluster=CLUSTER, service=SERVICE, maxResults=1
        )
        return listed["serviceDeployments"][0]["serviceDeploymentArn"]

    def weights(self, rule: str | None = None) -> tuple[int, int]:
        """Return a rule's weights of blue and green, by default the production rule's."""
        found = self.client("elbv2").describe_rules(RuleArns=[rule or self.rule])["Rules"][0]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        shares = {one["TargetGroupArn"]: one["Weight"] for one in groups}
        return shares[self.blue], shares[self.green]

    def targets(self, group: str) -> set[tuple[str, int]]:
        """Return the addresses and ports in a target group."""
        found = self.client("elbv2").describe_target_health(TargetGroupArn=group)
        return {
            (one["Target"]["Id"], one["Target"]["Port"])
            for one in found["TargetHealthDescriptions"]
        }

    def tasks(self, *, stopped: bool = False) -> list[Any]:
        """Return the service's tasks as DescribeTasks has them."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(
            cluster=CLUSTER,
            serviceName=SERVICE,
            desiredStatus="STOPPED" if stopped else "RUNNING",
        )["taskArns"]
        return ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []

    def until(self, done: Callable[[Any], bool], *, minutes: float = 60, step: float = 0.1) -> Any:
        """Advance the clock until a condition holds of the latest deployment; else fail."""
        for _ in range(round(minutes / step)):
            found = self.deployment()
            if done(found):
                return found
            self.advance(step)
        raise AssertionError(f"never: {self.deployment()}")


def ended(deployment: Mapping[str, Any]) -> bool:
    """Return whether a deployment has ended."""
    return deployment["status"] in (
        "SUCCESSFUL",
        "STOPPED",
        "ROLLBACK_SUCCESSFUL",
        "ROLLBACK_FAILED",
    )


@cache
def _shared() -> Emulated:
    return Emulated()


def fresh() -> Emulated:
    """Return this process's emulated AWS, emptied; moto has one state for each process."""
    cloud = _shared()
    cloud.reset()
    return cloud


def definitions(cloud: Emulated) -> set[str]:
    """Return the task definitions whose tasks run."""
    return {task["taskDefinitionArn"].rpartition("/")[2] for task in cloud.tasks()}


def went_back(cloud: Emulated, why: str, *, minutes: float = 60) -> Any:
    """Wait for the rollback, and check that only the old revision is left."""
    found = cloud.until(ended, minutes=minutes)
    assert found["status"] == "ROLLBACK_SUCCESSFUL"
    assert why in found["statusReason"]
    assert found["statusReason"].endswith("(simulated)")
    assert why in found["rollback"]["reason"]
    assert found["rollback"]["serviceRevisionArn"] == found["sourceServiceRevisions"][0]["arn"]
    assert definitions(cloud) == {"api:1"}
    service = cloud.service()
    assert service["taskDefinition"].endswith("api:1")
    assert [one["taskDefinition"][-5:] for one in service["deployments"]] == ["api:1"]
    assert service["runningCount"] == service["desiredCount"]
    return found


def wait_for(happened: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds; fails after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)
