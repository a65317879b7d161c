"""What the service runs on, on loopback: PostgreSQL, Redis, S3 and the double of the agency."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from agency import certificate
from agency.faults import Faults
from agency.server import WSAA_PATH, WSFE_PATH, Agency
from agency.state import State
from invoicing.accounts import NewAccount
from invoicing.clock import Clock

from tests import ROOT, postgres, redis

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MIGRATIONS = ROOT / "examples" / "service" / "migrations"
APP_PASSWORD = "not-a-secret-either"  # noqa: S105
OUR_CUIT = "20111111112"
BUCKET = "arca-test-documents"
STARTS_IN_SECONDS = 20
AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "sa-east-1",
}
CHECK_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def cuit(number: int) -> str:
    """Return a CUIT with its check digit."""
    for digits in count(10_000_000 + number * 1000):
        base = f"30{digits}"
        total = sum(int(one) * weight for one, weight in zip(base, CHECK_WEIGHTS, strict=True))
        check = (11 - total % 11) % 11
        if check < 10:
            return f"{base}{check}"
    raise AssertionError


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of the service."""

    status: int
    body: Any
    headers: httpx.Headers


@dataclass
class Task:
    """A process of the service; its log lines are read as they come."""

    process: subprocess.Popen[str]
    port: int
    texts: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """The address of the task."""
        return str(self.client.base_url)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.texts.append(line)

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the log lines, or those of an event."""
        found = [json.loads(text) for text in list(self.texts)]
        return [line for line in found if event in (None, line["event"])]

    def wait_for(self, event: str, **fields: Any) -> dict[str, Any]:
        """Wait for a log line with these fields."""

        def found() -> dict[str, Any] | None:
            for line in self.lines(event):
                if fields.items() <= line.items():
                    return line
            return None

        return wait(found)

    def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request."""
        answer = self.client.request(method, path, **options)
        try:
            body = answer.json()
        except ValueError:
            body = answer.text
        return Answer(answer.status_code, body, answer.headers)

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.terminate()
        code = self.process.wait(timeout=70)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)


def wait(condition: Any, seconds: float = STARTS_IN_SECONDS) -> Any:
    """Return what a condition returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    message = "the condition did not become true"
    raise AssertionError(message)


@dataclass
class Account:
    """A customer of a platform."""

    id: str
    api_key: str
    cuit: str
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with a token."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Platform:
    """Servers with a migrated database; tasks of the service run against it."""

    server: postgres.Server
    cache: redis.Server
    environment: dict[str, str]
    agency: Agency
    state: Path
    _accounts: Any = field(default_factory=lambda: count(1))

    @contextmanager
    def task(self, launcher: str = "", **changes: str | None) -> Generator[Task]:
        """Run a task of the service until the end of the block."""
        made = self.start(launcher, **changes)
        try:
            yield made
        finally:
            if made.process.poll() is None:
                made.kill()
            made.client.close()

    def start(self, launcher: str = "", **changes: str | None) -> Task:
        """Start a task and wait until it lives; None removes a variable.

        A launcher is a program that runs the service itself.
        """
        variables = {**self.environment, **changes}
        port = free_port()
        how = ("-c", launcher) if launcher else ("-m", "invoicing")
        process = subprocess.Popen(
            [sys.executable, *how, "--host", "127.0.0.1", "--port", str(port)],
            env=inherited() | {k: v for k, v in variables.items() if v is not None},
            stdout=subprocess.PIPE,
            text=True,
        )
        made = Task(process, port)

        def lives() -> bool:
            assert process.poll() is None, "".join(made.texts)
            try:
                return made.ask("GET", "/health/live").status == 200
            except httpx.TransportError:
                return False

        wait(lives)
        return made

    def account(self, task: Task | None = None, quota: int = 100_000) -> Account:
        """Create an account; with a task it has a token too."""
        number = next(self._accounts)
        made = Account("", f"key_{number:032}", cuit(number))
        wanted = NewAccount("Customer", made.cuit, made.api_key, quota)
        statement, values = wanted.statement(Clock())
        with self.server.connect(self.environment["DATABASE_NAME"], autocommit=True) as session:
            row = session.execute(statement.encode(), values).fetchone()
        assert row is not None
        made.id = row[0]
        if task is not None:
            made.token = task.ask("POST", "/v1/tokens", json={"api_key": made.api_key}).body[
                "token"
            ]
        return made

    def fault(self, kind: str, **plan: Any) -> None:
        """Plan a fault of the agency."""
        answer = httpx.post(f"{self.agency_url}/control/faults", json={"kind": kind, **plan})
        assert answer.status_code == 200, answer.text

    def no_faults(self) -> None:
        """Forget planned faults."""
        assert httpx.delete(f"{self.agency_url}/control/faults").status_code == 200

    @property
    def agency_url(self) -> str:
        """The address of the agency."""
        return f"http://127.0.0.1:{self.agency.server_port}"

    def authorized(self, account: Account) -> list[dict[str, Any]]:
        """Return what the agency authorized for an account, in order."""
        found = httpx.get(f"{self.agency_url}/control/authorized").json()
        mine = [one for one in found if one["cuit"] == account.cuit]
        return sorted(mine, key=lambda one: (one["point_of_sale"], one["number"]))

    def state_is_older(self, account: Account) -> None:
        """Let the agency have authorized an account's invoices an hour ago."""
        with self.agency.state.lock:
            for key, known in self.agency.state.invoices.items():
                if key[0] == account.cuit:
                    for number, found in known.items():
                        at = datetime.strptime(found.processed_at, "%Y%m%d%H%M%S")  # noqa: DTZ007
                        older = f"{at - timedelta(hours=1):%Y%m%d%H%M%S}"
                        known[number] = replace(found, processed_at=older)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query, as the database's owner."""
        with self.server.connect(self.environment["DATABASE_NAME"], autocommit=True) as session:
            found = session.execute(query.encode(), values)
            return found.fetchall() if found.description else []

    def s3(self) -> "S3Client":
        """A client of the bucket."""
        client: S3Client = boto3.client(  # pyright: ignore[reportUnknownMemberType] # other services
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=AWS["AWS_DEFAULT_REGION"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106
        )
        return client


def inherited() -> dict[str, str]:
    """Return what a process needs of our environment: the tests' clock, and no address."""
    names = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {k: v for k, v in os.environ.items() if k.startswith("ARCA_TEST")}


def free_port() -> int:
    """Return a port that nobody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def invoice(**changes: Any) -> dict[str, Any]:
    """Return the body of a request for an invoice."""
    return {"point_of_sale": 1, "type": "B", "net": "100.00", "vat_rate": "21", **changes}


def migrated(database: Mapping[str, str]) -> dict[str, str]:
    """Migrate a database with our runner; return the variables of the service."""
    done = subprocess.run(
        [sys.executable, "-m", "arca_migrate", "--history", str(MIGRATIONS)],
        env=inherited()
        | dict(database)
        | {"APP_DATABASE_USERNAME": "arca_app", "APP_DATABASE_PASSWORD": APP_PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        "DATABASE_HOST": database["DATABASE_ADDRESS"],
        "DATABASE_PORT": database["DATABASE_PORT"],
        "DATABASE_NAME": database["DATABASE_NAME"],
        "DATABASE_USERNAME": "arca_app",
        "DATABASE_PASSWORD": APP_PASSWORD,
        "DATABASE_POOL_SIZE": "10",
        "DATABASE_SSLMODE": "disable",
    }


@contextmanager
def running(server: postgres.Server, cache: redis.Server, s3_url: str) -> Generator[Platform]:
    """Run the agency and prepare a database until the end of the block."""
    database = migrated(server.database())
    crt, key = certificate.created(OUR_CUIT, datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="arca-agency-") as folder:
        path = Path(folder) / "agency.jsonl"
        state = State(path)
        agency = Agency(("127.0.0.1", 0), state, Faults(7), lambda: datetime.now(UTC))
        thread = threading.Thread(target=agency.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{agency.server_port}"
        environment = {
            **database,
            **cache.variables(),
            **AWS,
            "STAGE": "dev",
            "PUBLIC_URL": "https://api.example.test",
            "DOCUMENTS_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL": s3_url,
            "ARCA_CERTIFICATE": crt,
            "ARCA_PRIVATE_KEY": key,
            "JWT_KEY": certificate.jwt_key(),
            "REQUESTS_FAST_MS": "200",
            "QUERIES_FAST_MS": "50",
            "WSAA_URL": url + WSAA_PATH,
            "WSFE_URL": url + WSFE_PATH,
            "ARCA_TIMEOUT_SECONDS": "2",
            "METRICS_SECONDS": "0.5",
            # Nobody listens there: a missing collector must not matter.
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        }
        made = Platform(server, cache, environment, agency, path)
        made.s3().create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "sa-east-1"}
        )
        try:
            yield made
        finally:
            agency.shutdown()
            agency.server_close()
            state.close()
