"""A stack's service, brought to life: its secrets, its image, its schema, an account, its tasks."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from arca.emulator.aws_clients import session
from arca.emulator.client import EmulatorClient
from arca.emulator.live import container, processes
from arca.emulator.live.background import Background
from arca.emulator.live.processes import LOOPBACK
from arca.emulator.owners_part import MADE_UP
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

PLATFORM_CUIT = "30712345671"
"""Whose certificate WSAA knows: the platform's own. Made up; the last digit checks the others."""
ACCOUNT_NAME = "demo"
ACCOUNT_CUIT = "20111111112"
ACCOUNT_KEY = "key_demo"
REQUESTS_PER_MINUTE = 1_000_000
"""The account's quota: no load on this machine reaches it."""
METRICS_SECONDS = "2"


class Service:
    """The service of a stack that is up; each step looks first."""

    def __init__(
        self, state: State, record: CloudRecord, background: Background, exports: Mapping[str, Any]
    ) -> None:
        self._record, self._background, self._exports = record, background, exports
        self._emulator = EmulatorClient(state)
        self.stack, self.active = str(exports["stack"]), exports["phase"] == "active"
        self._service: Mapping[str, Any] = exports["service"]

    def _client(self, service: str) -> Any:
        return session().client(
            service, region_name=self._exports["region"], endpoint_url=self._record.endpoint
        )

    @cached_property
    def _ecs(self) -> Any:
        return self._client("ecs")

    def secrets(self) -> None:
        """Replace the owner's made-up secrets by a certificate and a key that can be used."""
        if self._exports["role"] != "primary":
            return
        manager, arns = self._client("secretsmanager"), self._exports["secret_arns"]
        missing = [
            role
            for role in self._exports["secrets_without_value"]
            if _value(manager, arns[role]) in (None, MADE_UP)
        ]
        made = self._made_secrets() if missing else {}
        for role in missing:
            if role in made:
                manager.put_secret_value(SecretId=arns[role], SecretString=made[role])

    def _made_secrets(self) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            self._python("agency.certificate", "--cuit", PLATFORM_CUIT, "--out", folder)
            read = {path.name: path.read_text("utf-8") for path in Path(folder).iterdir()}
        pair = {"certificate": read["arca.crt"], "private_key": read["arca.key"]}
        return {"arca-certificate": json.dumps(pair), "jwt-key": read["jwt.key"]}

    def image(self) -> None:
        """Run examples/service in place of each image of the stack's registry, also later ones."""
        agency = self._background.report().agency
        variables = {
            "AWS_ENDPOINT_URL": self._record.endpoint,
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "DATABASE_SSLMODE": "disable",
            "CACHE_TLS": "off",
            "METRICS_SECONDS": METRICS_SECONDS,
            "WSAA_URL": f"{agency}/ws/services/LoginCms",
            "WSFE_URL": f"{agency}/wsfev1/service.asmx",
        }
        command = [sys.executable, "-m", "arca.emulator.live.container"]
        families = self._service["task_family"], self._service["migration_family"]
        # Before the first release a family names an image that is in no registry.
        images = [self._first_image(one) for one in families]
        for image in {self._exports["registry"]["repository_url"], *images}:
            self._emulator.stand_in(image, command, variables)

    def _first_image(self, family: str) -> str:
        found = self._ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
        return str(found["containerDefinitions"][0]["image"])

    def migrate(self) -> None:
        """Run the stack's migrations as a task; raises ArcaError where it fails."""
        ecs, service, network = self._ecs, self._service, self._exports["network"]
        placed = {
            "subnets": network["private_subnet_ids"],
            "securityGroups": [network["job_security_group_id"]],
        }
        words = ["/app/migrate", "--phases", "expand,migrate"]
        task = ecs.run_task(
            cluster=service["cluster"],
            taskDefinition=service["migration_family"],
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": placed},
            overrides={"containerOverrides": [{"name": "migrations", "command": words}]},
        )["tasks"][0]["taskArn"]

        def ended() -> Mapping[str, Any] | None:
            found = ecs.describe_tasks(cluster=service["cluster"], tasks=[task])["tasks"][0]
            return found if found["lastStatus"] == "STOPPED" else None

        found = self._background.wait(ended, "the migrations")
        if found["containers"][0].get("exitCode") != 0:
            raise ArcaError(
                f"The migrations failed: {found.get('stoppedReason')}",
                where=task,
                wanted="the exit code 0",
                do=f"`arca logs --stack {self._exports['stack']} --since 10m` has their words",
            )

    def account(self) -> str:
        """Create the account of a customer, or find it; returns its id."""
        manager = self._client("secretsmanager")
        secret = json.loads(_value(manager, self._exports["secret_arns"]["database-app"]) or "{}")
        database, places = self._exports["database"], self._background.report().places
        place = places[f"{database['address']}:{database['port']}"]
        said = self._python(
            *("invoicing.account", "--name", ACCOUNT_NAME, "--cuit", ACCOUNT_CUIT),
            *("--api-key", ACCOUNT_KEY, "--requests-per-minute", str(REQUESTS_PER_MINUTE)),
            environment={
                "DATABASE_HOST": LOOPBACK,
                "DATABASE_PORT": place.rpartition(":")[2],
                "DATABASE_NAME": database["name"],
                "DATABASE_USERNAME": secret["username"],
                "DATABASE_PASSWORD": secret["password"],
                "DATABASE_SSLMODE": "disable",
            },
        )
        return str(json.loads(said)["account_id"])

    def _python(
        self, module: str, *words: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a module of examples/service; returns its output."""
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, *words],
            env={**container.environment(processes.own_environment()), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ArcaError(
                f"{module} fails: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}",
                where="examples/service",
                wanted="the exit code 0",
                do="run `make down`, `make up` and this again",
            )
        return done.stdout

    def tasks(self) -> int:
        """Replace the simulated tasks by processes; returns how many serve, or stand by."""
        ecs, service = self._ecs, self._service
        cluster = service["cluster"]
        # The places must be known before a task starts.
        self._background.settled()
        for task in self._described():
            if _address(task) != LOOPBACK:
                ecs.stop_task(cluster=cluster, task=task["taskArn"], reason="brought to life")

        def started() -> list[Mapping[str, Any]] | None:
            found = ecs.describe_services(cluster=cluster, services=[service["name"]])["services"]
            wanted = int(found[0]["desiredCount"])
            running = [
                one
                for one in self._described()
                if _address(one) == LOOPBACK and one["lastStatus"] == "RUNNING"
            ]
            healthy = sum(
                len(self._healthy(group))
                for group in (service["blue_target_group_arn"], service["green_target_group_arn"])
            )
            return running if len(running) >= wanted <= healthy else None

        found = self._background.wait(started, f"the tasks of {self.stack}")
        return len(found)

    def _healthy(self, group: str) -> list[Any]:
        elb = self._client("elbv2")
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one for one in found if one["TargetHealth"]["State"] == "healthy"]

    def _described(self) -> list[Mapping[str, Any]]:
        ecs, service = self._ecs, self._service
        arns = ecs.list_tasks(cluster=service["cluster"], serviceName=service["name"])["taskArns"]
        if not arns:
            return []
        return ecs.describe_tasks(cluster=service["cluster"], tasks=arns)["tasks"]


def _value(manager: Any, arn: str) -> str | None:
    try:
        return str(manager.get_secret_value(SecretId=arn)["SecretString"])
    except manager.exceptions.ResourceNotFoundException:
        return None


def _address(task: Mapping[str, Any]) -> str | None:
    for attachment in task.get("attachments", []):
        for detail in attachment["details"]:
            if detail["name"] == "privateIPv4Address":
                return str(detail["value"])
    return None
