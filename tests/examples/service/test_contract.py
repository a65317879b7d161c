"""The service keeps docs/service-contract.md: one test a sentence (sentences.py has the table)."""

import ast
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from invoicing.settings import Settings, SettingsError

from arca.monitoring import contract
from tests import ROOT
from tests.examples.service.platform import (
    Account,
    Answer,
    Platform,
    Task,
    inherited,
    invoice,
    wait,
)
from tests.examples.service.sentences import PLATFORM, TESTS, sentences

EXAMPLE = ROOT / "examples" / "service"
IMAGE = EXAMPLE / "image"


def issue(task: Task, account: Account, key: str, **changes: object) -> Answer:
    """Ask for an invoice."""
    headers = account.headers | {"Idempotency-Key": key}
    return task.ask("POST", "/v1/invoices", json=invoice(**changes), headers=headers)


def defined() -> Iterator[str]:
    """Yield the names of the tests in this folder."""
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_every_sentence_has_a_test() -> None:
    """A new sentence of the page needs a test, or a place among those about the platform."""
    known = (*TESTS, *PLATFORM)
    assert [one for one in sentences() if sum(one.startswith(start) for start in known) != 1] == []
    unused = [start for start in known if not any(one.startswith(start) for one in sentences())]
    assert unused == []
    assert set(TESTS.values()) <= set(defined())


def test_the_service_listens_on_its_port(platform: Platform) -> None:
    """Plain HTTP on 8080, unless PORT says otherwise."""
    settings = Settings.of(platform.environment)
    assert settings.port == 8080
    assert Settings.of({**platform.environment, "PORT": "8081"}).port == 8081


def test_the_image_is_built_as_the_contract_says() -> None:
    """An image for linux/arm64, a user that is not root, and the three commands in /app."""
    text = (EXAMPLE / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^FROM --platform=linux/arm64 ", text, re.MULTILINE)
    (user,) = re.findall(r"^USER (\d+)", text, re.MULTILINE)
    assert int(user) > 0
    for name in ("healthcheck", "migrate", "smoke"):
        assert f"/app/{name}" in text or f"image/{name}" in text
        assert os.access(IMAGE / name, os.X_OK)


def test_the_commands_of_the_image_run_these_modules() -> None:
    """/app/migrate passes its options to the runner."""
    done = subprocess.run(
        ["/bin/sh", IMAGE / "migrate", "--plan", "--from", "base"],
        env=in_image() | {"HISTORY": str(EXAMPLE / "migrations")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CREATE TABLE sequences" in done.stdout


def in_image() -> dict[str, str]:
    """Return an environment in which `python` is ours, as in the image."""
    folder = str(Path(sys.executable).parent)
    return inherited() | {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_health_command_follows_live(task: Task) -> None:
    """It exits with 0 exactly where a task lives."""

    def code(port: int) -> int:
        environment = in_image() | {"PORT": str(port)}
        return subprocess.run(
            ["/bin/sh", IMAGE / "healthcheck"], env=environment, check=False
        ).returncode

    assert code(task.port) == 0
    assert code(9) == 1


def test_smoke_asks_both_paths(platform: Platform, task: Task) -> None:
    """It exits with 0 when both answer 200, and names the one that does not."""

    def smoke(url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", IMAGE / "smoke", url],
            env=in_image(),
            capture_output=True,
            text=True,
            check=False,
        )

    good = smoke(task.url)
    assert (good.returncode, good.stdout) == (0, "OK /health/ready 200\nOK /v1/status 200\n")
    bad = smoke("http://127.0.0.1:9")
    assert (bad.returncode, bad.stdout.count("FAILED")) == (1, 2)
    mixed = smoke(platform.agency_url)
    assert (mixed.returncode, mixed.stdout.count("404")) == (1, 2)


@pytest.mark.slow
def test_live_calls_no_other_system(platform: Platform) -> None:
    """It is 200 although neither the database nor the cache answers; the others are 503."""
    with platform.task(DATABASE_PORT="9", CACHE_PORT="9") as lonely:
        assert lonely.ask("GET", "/health/live").status == 200
        ready = lonely.ask("GET", "/health/ready")
        assert ready.status == 503
        assert ready.body == {"checks": {"database": "unavailable", "cache": "unavailable"}}
        failed = lonely.ask("GET", "/v1/status")
        assert (failed.status, failed.headers["Retry-After"]) == (503, "2")
        assert "Traceback" not in "".join(lonely.texts)
        assert lonely.wait_for("request")["error_class"] == "Unavailable.database"


def test_ready_names_the_system_that_is_away(platform: Platform, task: Task) -> None:
    """200 with both, 503 while the cache hangs."""
    both = {"checks": {"database": "ok", "cache": "ok"}}
    half = {"checks": {"database": "ok", "cache": "unavailable"}}

    def ready() -> tuple[int, object]:
        answer = task.ask("GET", "/health/ready")
        return answer.status, answer.body

    wait(lambda: ready() == (200, both))
    with platform.cache.stopped():
        assert ready() == (503, half)
    wait(lambda: ready() == (200, both))


READ_ONLY = """
import os, runpy, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"}
def hook(event, args):
    writes = event == "open" and isinstance(args[0], str) and args[2] & WRITES
    if (writes or event in CHANGES) and not str(args[0]).startswith(("/tmp/", "/dev/")):
        os.write(2, f"wrote {event} {args[0]}\\n".encode())
        os._exit(99)
sys.dont_write_bytecode = True
sys.addaudithook(hook)
sys.argv = ["invoicing", *sys.argv[1:]]
runpy.run_module("invoicing", run_name="__main__")
"""


@pytest.mark.slow
def test_nothing_is_written_outside_tmp(platform: Platform) -> None:
    """A task issues an invoice and stores its document although it can write nothing else."""
    with platform.task(launcher=READ_ONLY) as task:
        account = platform.account(task)
        assert issue(task, account, "a").status == 201
        wait(lambda: stored(platform, account) == 1)
        assert task.stop() == 0


def stored(platform: Platform, account: Account) -> int:
    """Count an account's documents."""
    query = "SELECT 1 FROM invoices WHERE account_id = %s AND document_stored_at IS NOT NULL"
    return len(platform.rows(query, account.id))


def test_sigterm_finishes_what_it_has(platform: Platform) -> None:
    """Requests under way get their answers, later ones no connection; the exit code is 0."""
    with platform.task() as task:
        account = platform.account(task)
        assert issue(task, account, "first").status == 201
        platform.fault("slow", times=3, seconds=0.6)
        answers: list[Answer] = []

        def ask(key: str) -> None:
            answers.append(issue(task, account, key))

        clients = [threading.Thread(target=ask, args=(key,)) for key in ("a", "b", "c")]
        for client in clients:
            client.start()
        wait(lambda: platform.agency.calls[-1][0] == "FECAESolicitar" and not answers)
        wait(
            lambda: (
                len(platform.rows("SELECT 1 FROM invoices WHERE account_id = %s", account.id)) == 4
            )
        )
        assert task.stop() == 0
        for client in clients:
            client.join()
        assert [one.status for one in answers] == [201] * 3
        assert stored(platform, account) == 4
        last, counted = task.lines()[-1], sum_of(task, "CaeAuthorized")
        assert (last["event"], counted) == ("service.stop", 4)
        with pytest.raises(Exception, match="refused"):
            task.ask("GET", "/health/live")
    platform.no_faults()


def sum_of(task: Task, name: str) -> float:
    """Add up a counter of all lines."""
    return sum(line.get(name, 0) for line in task.lines())


def test_tokens_are_signed_by_the_key_for_the_public_url(task: Task, account: Account) -> None:
    """An API key buys a token; without a good one nothing is shown."""
    claims = jwt.decode(account.token, options={"verify_signature": False})
    assert (claims["iss"], claims["sub"]) == ("https://api.example.test", account.id)
    unknown = task.ask("POST", "/v1/tokens", json={"api_key": "no such key"})
    assert (unknown.status, unknown.headers["WWW-Authenticate"]) == (401, "Bearer")
    head, body, _ = account.token.split(".")
    for bad in ("", "Bearer", "Bearer x", f"Bearer {head}.{body}.", f"Basic {account.token}"):
        headers = {"Authorization": bad}
        assert task.ask("GET", "/v1/invoices?point_of_sale=1", headers=headers).status == 401


@pytest.mark.slow
def test_a_wrong_environment_ends_the_process(platform: Platform) -> None:
    """The exit code is 2, and the only line names the variable and not its value."""
    done = subprocess.run(
        [sys.executable, "-m", "invoicing", "--port", "1"],
        env=inherited() | platform.environment | {"JWT_KEY": "no key"},
        capture_output=True,
        text=True,
        check=False,
    )
    line = json.loads(done.stdout)
    assert list(contract.breaches(line)) == []
    found = (done.returncode, line["level"], "JWT_KEY" in line["message"])
    assert found == (2, "ERROR", True)
    assert "no key" not in done.stdout


def test_connections_are_strict_unless_told_otherwise(platform: Platform) -> None:
    """TLS to both, with the certificate's name verified for the database."""
    loose = ("DATABASE_SSLMODE", "CACHE_TLS")
    strict = Settings.of({k: v for k, v in platform.environment.items() if k not in loose})
    assert strict.database.sslmode == "verify-full"
    assert strict.cache is not None
    assert strict.cache.tls
    assert not strict.stands_by
    with pytest.raises(SettingsError, match="CACHE_TOKEN"):
        Settings.of({**platform.environment, "CACHE_TOKEN": ""})
    with pytest.raises(SettingsError, match="JWT_KEY"):
        Settings.of({**platform.environment, "JWT_KEY": ""})


def test_an_invoice_touches_every_system(platform: Platform, task: Task, account: Account) -> None:
    """The service's own user writes it, the agency knows our certificate, the bucket has it."""
    assert issue(task, account, "a").status == 201
    wait(lambda: stored(platform, account) == 1)
    (owner,) = {ticket.owner for ticket in platform.agency.state.tickets}
    assert owner == "20111111112"
    users = platform.rows(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'invoicing'"
    )
    assert users == [("arca_app",)]


@pytest.mark.slow
def test_a_task_holds_no_more_connections_than_it_may(platform: Platform) -> None:
    """Thirty requests at once share two connections, and all are answered."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'invoicing'"
    before = set(platform.rows(query))
    with platform.task(DATABASE_POOL_SIZE="2") as task:
        account = platform.account(task)
        path = "/v1/invoices?point_of_sale=1"

        def asks() -> None:
            answers.extend(task.ask("GET", path, headers=account.headers).status for _ in range(5))

        answers: list[int] = []
        most = 0
        clients = [threading.Thread(target=asks) for _ in range(6)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            most = max(most, len(set(platform.rows(query)) - before))
        assert answers == [200] * 30
        assert most <= 2
        wait(lambda: any(line.get("PoolUse", 0) > 0 for line in task.lines("metrics")))
        assert max(line.get("PoolUse", 0) for line in task.lines()) <= 100
