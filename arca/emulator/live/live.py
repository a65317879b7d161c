"""Bring the stacks of the emulated cloud to life: `arca local live`.

Each step looks first, so that a second run does only what is missing, and one that was killed is
mended by the next.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from arca.emulator import server_children
from arca.emulator.aws_clients import session
from arca.emulator.client import EmulatorClient
from arca.emulator.live import container, processes, report
from arca.emulator.live.processes import LOOPBACK, Daemon
from arca.emulator.live.report import LiveReport
from arca.emulator.owners_part import MADE_UP
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

CUSTOMERS_PORT = 8088
LONGEST_SECONDS = 120
"""For what begins or ends within seconds on a machine that has nothing else to do."""
PLATFORM_CUIT = "30712345671"
"""Whose certificate WSAA knows: the platform's own. Made up; the last digit checks the others."""
ACCOUNT_NAME = "demo"
ACCOUNT_CUIT = "20111111112"
ACCOUNT_KEY = "key_demo"
REQUESTS_PER_MINUTE = 1_000_000
"""The account's quota: no load on this machine reaches it."""
METRICS_SECONDS = "2"
EXAMPLE_INVOICE = '{"point_of_sale": 1, "type": "B", "net": "1000.00"}'
"""What `arca local live` proposes to issue."""


@dataclass(frozen=True)
class LiveCloud:
    """What is alive now."""

    report: LiveReport
    account_id: str
    api_key: str
    tasks: Mapping[str, int]
    """Healthy tasks by stack."""


def bring(state: State, *, port: int, say: Callable[[str], None]) -> LiveCloud:
    """Bring all stacks that are up to life; returns when their tasks are as they should be.

    Raises ArcaError where no cloud is up, or where something does not start.
    """
    with state.lock():
        stacks = {name: state.exports(name) for name in stacks_up(state)}
        record = state.read()
        assert record is not None
        bringing = _Bringing(state, record, say)
        say("databases, caches, the tax agency's double and the way of the customers")
        bringing.supervise(port)
        for name, exports in stacks.items():
            bringing.secrets(exports)
            bringing.image(name, exports)
        account_id = ""
        for name, exports in stacks.items():
            if exports["phase"] == "active":
                say(f"{name}: migrations, and an account")
                bringing.migrate(exports)
                account_id = bringing.account(exports)
        tasks = {name: bringing.tasks(name, exports) for name, exports in stacks.items()}
        return LiveCloud(bringing.settled(), account_id, ACCOUNT_KEY, tasks)


def stacks_up(state: State) -> tuple[str, ...]:
    """Return the stacks that are up, a primary before the secondary that reads its secrets.

    Raises ArcaError where none is.
    """
    record = state.read()
    if record is None or not record.stacks:
        raise ArcaError(
            "No stack is up.",
            where=str(state.directory),
            wanted="a stack in the emulated cloud",
            do="run `make up STACK=prod` first",
        )
    return tuple(sorted(record.stacks, key=lambda name: state.exports(name)["role"] != "primary"))


class _Bringing:
    """The steps of bringing a cloud to life."""

    def __init__(self, state: State, record: CloudRecord, say: Callable[[str], None]) -> None:
        self._state, self._record, self._say = state, record, say
        self._emulator = EmulatorClient(state)
        made = session()

        @cache
        def client(service: str, region: str) -> Any:
            return made.client(service, region_name=region, endpoint_url=record.endpoint)

        self._client = client

    def supervise(self, port: int) -> None:
        """Start the process of the living cloud, unless it runs; wait until all is there."""
        known = report.read(self._state)
        if known is None or server_children.start_ticks(known.pid) is None:
            report.path(self._state).unlink(missing_ok=True)
            (self._state.directory / report.LOG).unlink(missing_ok=True)
            daemon = Daemon(
                [sys.executable, "-m", "arca.emulator.live", "--port", str(port)],
                log=self._state.directory / report.LOG,
                environment={
                    **container.environment(processes.own_environment()),
                    **processes.mark(self._record),
                    "ARCA_STATE_DIR": str(self._state.directory.resolve()),
                },
            )
            self._wait(lambda: report.read(self._state) or not daemon.running, "its process")
            if not daemon.running:
                raise daemon.failed("The living cloud")
        self.settled()

    def settled(self) -> LiveReport:
        """Wait until a look that began from now on has found nothing missing."""
        begun = report.read(self._state)
        looks = begun.looks if begun else 0

        def done() -> LiveReport | None:
            found = report.read(self._state)
            if found is None or found.customers is None or found.problem is not None:
                return None
            # The look that is under way may have begun before what we wait for.
            return found if found.looks >= looks + 2 else None

        found = self._wait(done, "the living cloud")
        assert isinstance(found, LiveReport)
        return found

    def secrets(self, exports: Mapping[str, Any]) -> None:
        """Replace the owner's made-up secrets by a certificate and a key that can be used."""
        if exports["role"] != "primary":
            return
        manager, arns = self._client("secretsmanager", exports["region"]), exports["secret_arns"]
        missing = [
            role
            for role in exports["secrets_without_value"]
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

    def image(self, name: str, exports: Mapping[str, Any]) -> None:
        """Run examples/service in place of the images that the stack's families name."""
        ecs, service = self._client("ecs", exports["region"]), exports["service"]
        found = report.read(self._state)
        variables = {
            "AWS_ENDPOINT_URL": self._record.endpoint,
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "DATABASE_SSLMODE": "disable",
            "CACHE_TLS": "off",
            "METRICS_SECONDS": METRICS_SECONDS,
            "WSAA_URL": f"{found.agency if found else ''}/ws/services/LoginCms",
            "WSFE_URL": f"{found.agency if found else ''}/wsfev1/service.asmx",
        }
        for family in (service["task_family"], service["migration_family"]):
            definition = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
            image = definition["containerDefinitions"][0]["image"]
            self._emulator.stand_in(
                image, [sys.executable, "-m", "arca.emulator.live.container"], variables
            )
        self._say(f"{name}: its image is examples/service")

    def migrate(self, exports: Mapping[str, Any]) -> None:
        """Run the stack's migrations as a task; raises ArcaError where it fails."""
        ecs, service, network = (
            self._client("ecs", exports["region"]),
            exports["service"],
            exports["network"],
        )
        placed = {
            "subnets": network["private_subnet_ids"],
            "securityGroups": [network["job_security_group_id"]],
        }
        definition = service["migration_family"]
        words = ["/app/migrate", "--phases", "expand,migrate"]
        task = ecs.run_task(
            cluster=service["cluster"],
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": placed},
            overrides={"containerOverrides": [{"name": "migrations", "command": words}]},
        )["tasks"][0]["taskArn"]

        def ended() -> Mapping[str, Any] | None:
            found = ecs.describe_tasks(cluster=service["cluster"], tasks=[task])["tasks"][0]
            return found if found["lastStatus"] == "STOPPED" else None

        found = self._wait(ended, "the migrations")
        if found["containers"][0].get("exitCode") != 0:
            raise ArcaError(
                f"The migrations failed: {found.get('stoppedReason')}",
                where=task,
                wanted="the exit code 0",
                do=f"`arca logs --stack {exports['stack']} --since 10m` has their words",
            )

    def account(self, exports: Mapping[str, Any]) -> str:
        """Create the account of a customer, or find it; returns its id."""
        manager = self._client("secretsmanager", exports["region"])
        secret = json.loads(_value(manager, exports["secret_arns"]["database-app"]) or "{}")
        database, found = exports["database"], report.read(self._state)
        place = (found.places if found else {})[f"{database['address']}:{database['port']}"]
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

    def tasks(self, name: str, exports: Mapping[str, Any]) -> int:
        """Replace the simulated tasks by processes; returns how many serve, or stand by."""
        ecs, service = self._client("ecs", exports["region"]), exports["service"]
        cluster = service["cluster"]
        # The places must be known before a task starts.
        self.settled()
        for task in self._described(ecs, service):
            if _address(task) != LOOPBACK:
                ecs.stop_task(cluster=cluster, task=task["taskArn"], reason="brought to life")

        def started() -> list[Mapping[str, Any]] | None:
            found = ecs.describe_services(cluster=cluster, services=[service["name"]])["services"]
            wanted = int(found[0]["desiredCount"])
            running = [
                one
                for one in self._described(ecs, service)
                if _address(one) == LOOPBACK and one["lastStatus"] == "RUNNING"
            ]
            healthy = sum(
                len(self._healthy(exports, group))
                for group in (service["blue_target_group_arn"], service["green_target_group_arn"])
            )
            return running if len(running) >= wanted <= healthy else None

        found = self._wait(started, f"the tasks of {name}")
        self._say(f"{name}: {len(found)} tasks")
        return len(found)

    def _healthy(self, exports: Mapping[str, Any], group: str) -> list[Any]:
        elb = self._client("elbv2", exports["region"])
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one for one in found if one["TargetHealth"]["State"] == "healthy"]

    def _described(self, ecs: Any, service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        arns = ecs.list_tasks(cluster=service["cluster"], serviceName=service["name"])["taskArns"]
        if not arns:
            return []
        return ecs.describe_tasks(cluster=service["cluster"], tasks=arns)["tasks"]

    def _wait(self, found: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            if answer := found():
                return answer
            self._state.clock.sleep(0.1)
        known = report.read(self._state)
        raise ArcaError(
            f"This is not there after {LONGEST_SECONDS} s: {what}"
            + (f" ({known.problem})" if known and known.problem else ""),
            where=str(self._state.directory / report.LOG),
            wanted="that it starts",
            do="read that log and `arca local status`; run this again to go on",
        )


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
