"""Tests of who gets into the server: programs with the token, no web page, no other user."""

import http.client
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from arca.emulator import server
from arca.emulator.aws_clients import session
from arca.emulator.client import EmulatorClient, read_fault
from arca.emulator.ecs.access import TOKEN_HEADER, AccessGuard
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """The state directory of a running server without any stack."""
    own = State(tmp_path_factory.mktemp("state"))
    port = server.free_port()
    record = server.start(port=port, public_port=port, account="000000000000", log=own.log)
    try:
        server.wait_until_ready(record, log=own.log)
        own.write(record)
        yield own
    finally:
        server.stop(record)


@pytest.fixture
def record(state: State) -> CloudRecord:
    """The record of the running server."""
    found = state.read()
    assert found is not None
    return found


Answer = tuple[int, str, dict[str, str]]


def ask(
    record: CloudRecord, method: str, path: str, *, host: str | None = None, **headers: str
) -> Answer:
    """Send one request; returns the status, the text and the headers."""
    connection = http.client.HTTPConnection("127.0.0.1", record.port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if host is not None:
        sent["Host"] = host
    connection.request(method, path, headers=sent)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    text = answer.read().decode()
    connection.close()
    return answer.status, text, found


def with_token(record: CloudRecord) -> dict[str, str]:
    """Return the header that opens the control paths."""
    return {TOKEN_HEADER.replace("-", "_"): record.token}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "", "[::2]:{port}"]
)
def test_another_host_is_refused(host: str, record: CloudRecord) -> None:
    """A name that resolves to loopback is refused on every path, even with the token."""
    named = host.format(port=record.port)
    for path in ("/", "/arca/alive", "/arca/faults", "/moto-api/data.json"):
        status, text, headers = ask(record, "GET", path, host=named, **with_token(record))
        assert (status, headers["content-type"]) == (403, "text/plain; charset=utf-8")
        assert text.startswith(f"Refused: the host {named!r} is not this server.")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_loopback_are_answered(name: str, record: CloudRecord) -> None:
    """Each name of loopback with the server's own port is answered."""
    assert ask(record, "GET", "/arca/alive", host=f"{name}:{record.port}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_web_page_is_refused(headers: dict[str, str], record: CloudRecord) -> None:
    """A request of a page is refused, and no answer allows a page to read it."""
    for method in ("GET", "POST", "OPTIONS", "PUT"):
        status, text, found = ask(record, method, "/", **headers)
        assert status == 403
        assert "comes from a web page" in text
        assert not [name for name in found if name.startswith("access-control")]


def test_no_answer_has_cors_headers(record: CloudRecord) -> None:
    """Neither moto nor the control API allows another origin."""
    for method, path in (("GET", "/"), ("OPTIONS", "/"), ("GET", "/arca/alive")):
        _, _, found = ask(record, method, path, Sec_Fetch_Site="none")
        assert not [name for name in found if name.startswith("access-control")]


CONTROL = [
    ("GET", "/arca/faults"),
    ("PUT", "/arca/images"),
    ("DELETE", "/arca/faults"),
    ("PUT", "/arca/listen"),
    ("POST", "/moto-api/reset"),
    ("GET", "/moto-api/data.json"),
    ("GET", "/moto-api/"),
    ("POST", "//moto-api/reset"),
    ("GET", "//arca/faults"),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
def test_control_paths_need_the_token(method: str, path: str, record: CloudRecord) -> None:
    """Without the token, or with another one, nothing is told and nothing is changed."""
    s3 = session().client("s3", region_name="us-east-1", endpoint_url=record.endpoint)
    s3.create_bucket(Bucket="kept")
    wrong = {TOKEN_HEADER.replace("-", "_"): record.token[:-1]}
    for headers in ({}, wrong, {TOKEN_HEADER.replace("-", "_"): ""}):
        status, text, _ = ask(record, method, path, **headers)
        assert status == 403
        assert f"needs the header {TOKEN_HEADER}" in text
        assert record.token not in text
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["kept"]


def test_the_token_opens_the_control_paths(record: CloudRecord) -> None:
    """The liveness probe needs no token; the other control paths accept it."""
    assert ask(record, "GET", "/arca/alive")[0] == 200
    assert ask(record, "GET", "/moto-api/data.json", **with_token(record))[0] == 200


def test_the_client_sends_the_token(state: State, record: CloudRecord, tmp_path: Path) -> None:
    """`arca local` works; with the record of another cloud, the message says what is missing."""
    client = EmulatorClient(state)
    fault = read_fault({"fault": "rollback-fails"})
    assert client.add_fault(fault) == [fault]
    client.clear_faults()
    other = State(tmp_path)
    other.write(record.model_copy(update={"token": "another"}))
    with pytest.raises(ArcaError, match=f"needs the header {TOKEN_HEADER}"):
        EmulatorClient(other).faults()


def test_the_token_is_secret(state: State, record: CloudRecord) -> None:
    """It is long, only its owner can read the file, and no program that is started inherits it."""
    assert len(record.token) >= 32
    assert (state.directory / "cloud.json").stat().st_mode & 0o777 == 0o600
    assert record.token not in state.log.read_text(encoding="utf-8")
    command = Path(f"/proc/{record.pid}/cmdline").read_text(encoding="utf-8")
    assert record.token not in command


def test_a_server_without_a_token_opens_nothing() -> None:
    """An empty token in the environment does not match an empty header."""
    passed: list[str] = []

    def site(environ: dict[str, Any], _start: Any) -> list[bytes]:
        passed.append(environ["PATH_INFO"])
        return []

    started: list[str] = []

    def start(status: str, _headers: Any) -> None:
        started.append(status)

    environ = {"SERVER_PORT": "80", "HTTP_HOST": "localhost:80", "PATH_INFO": "/arca/faults"}
    for header in ({}, {"HTTP_X_ARCA_TOKEN": ""}):
        guard = AccessGuard(site, token="")
        guard({**environ, **header}, start)
    assert (passed, started) == ([], ["403 Forbidden"] * 2)


PAGE = """<!doctype html><body><pre id=said>nothing</pre><script>
const at = "ENDPOINT", form = {"Content-Type": "application/x-www-form-urlencoded"};
const tries = {
  read: () => fetch(at + "/").then(a => a.text()),
  faults: () => fetch(at + "/arca/faults").then(a => a.text()),
  inject: () => fetch(at + "/arca/faults", {method: "PUT", body: "[]"}).then(a => a.text()),
  plain: () => fetch(at + "/arca/faults", {mode: "no-cors"}).then(a => a.text()),
  user: () => fetch(at + "/", {method: "POST", mode: "no-cors", headers: form,
    body: "Action=CreateUser&UserName=evil&Version=2010-05-08"}).then(a => a.text()),
  reset: () => fetch(at + "/moto-api/reset", {method: "POST", mode: "no-cors"}).then(a => a.text()),
  link: () => new Promise((yes, no) => {
    const image = new Image(); image.onload = () => yes("loaded"); image.onerror = no;
    image.src = at + "/?Action=CreateUser&UserName=evil&Version=2010-05-08"; }),
};
(async () => {
  const said = {};
  for (const [name, attempt] of Object.entries(tries))
    said[name] = await attempt().then(text => "got:" + text, () => "failed");
  document.getElementById("said").textContent = "[" + JSON.stringify(said) + "]";
})();
</script></body>"""


@pytest.fixture
def page(record: CloudRecord) -> Iterator[str]:
    """The URL of a page of another origin that tries to use the server."""
    body = PAGE.replace("ENDPOINT", record.endpoint).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
            return

    served = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}/"
    served.shutdown()
    served.server_close()


def browse(url: str, profile: Path) -> str:
    """Return what a real browser makes of a page, in which evil.example is loopback."""
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update"),
            f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--virtual-time-budget=20000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine")
@pytest.mark.parametrize("name", ["127.0.0.1", "evil.example"])
def test_a_real_browser_gets_nothing(
    name: str, record: CloudRecord, page: str, tmp_path: Path
) -> None:
    """A page of another origin reads nothing and changes nothing; neither does a rebound name."""
    iam = session().client("iam", region_name="us-east-1", endpoint_url=record.endpoint)
    before = len(iam.list_users()["Users"])
    iam.create_user(UserName=f"kept-{name}")
    shown = browse(page.replace("127.0.0.1", name), tmp_path / "page")
    said = json.loads(shown.partition("[")[2].partition("]")[0])
    # A browser gives a page an empty text of an answer that it may not read.
    assert said == {
        "read": "failed",
        "faults": "failed",
        "inject": "failed",
        "plain": "got:",
        "user": "got:",
        "reset": "got:",
        "link": "failed",
    }
    users = {user["UserName"] for user in iam.list_users()["Users"]}
    assert f"kept-{name}" in users
    assert len(users) == before + 1
    rebound = browse(f"http://evil.example:{record.port}/arca/faults", tmp_path / "rebound")
    assert "Refused: the host" in rebound
    assert "faults&quot;" not in rebound
