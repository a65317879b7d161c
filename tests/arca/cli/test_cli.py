"""Tests of the command line: usage, exit codes, JSON, and messages instead of tracebacks."""

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from arca.checkout import ProgramFailed
from arca.cli import main as cli_main
from arca.cli.main import COMMANDS, cli
from arca.errors import ArcaError, ExitCode, Explained, Refused
from tests import ROOT, clock


@pytest.fixture
def arca(tmp_path: Path) -> Any:
    """Run the command as an operator does, with a state directory of its own."""

    def run(*arguments: str, state: str = str(tmp_path)) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "arca", *arguments],
            cwd=ROOT,
            env={
                **clock.environment(),
                "PATH": "/usr/bin:/bin",
                "ARCA_STATE_DIR": state,
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_every_command_is_there() -> None:
    """Each line of the help has a command with help of its own."""
    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_status_and_down_where_nothing_is_up(arca: Any) -> None:
    """Both succeed and say so, as JSON too."""
    assert arca("local", "status").stdout == "Nothing is up. `make up` brings dev up.\n"
    assert json.loads(arca("local", "status", "--json").stdout) == {"running": False}
    down = arca("local", "down")
    assert (down.returncode, down.stdout) == (0, "Nothing was up.\n")
    assert json.loads(arca("local", "down", "--json").stdout)["was_up"] is False


@pytest.mark.slow
def test_a_dry_run_says_the_plan(arca: Any) -> None:
    """It starts no server and writes no file."""
    done = arca("local", "up", "--stack", "dev", "--dry-run", "--json")
    assert json.loads(done.stdout)["plan"] == ["start an emulated AWS", "bring dev up in it"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("local", "up", "--stack", "production"), 1, "wanted: one of dev, dr, prod, staging"),
        (("local", "up", "--stack", "dr"), 1, "do:     run `make up STACK=prod` first"),
        (("local", "up", "--port", "80"), 2, "80 is not in the range"),
        (("local", "upp"), 2, "No such command 'upp'"),
        (("nonsense",), 2, "No such command 'nonsense'"),
    ],
)
def test_failures_are_messages(arca: Any, arguments: tuple[str, ...], code: int, said: str) -> None:
    """There is one error on stderr, nothing on stdout, and the documented exit code."""
    done = arca(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("slo", "status"), ("status",), ("local", "up"), ("run", "x")])
def test_a_failure_is_json_too(arca: Any, words: tuple[str, ...]) -> None:
    """Every command prints on stdout, as JSON, what it prints on stderr."""
    done = arca(*words, "--stack", "nope", "--json")
    said = json.loads(done.stdout)["error"]
    assert done.returncode == said["exit_code"] == 1
    assert said["wanted"] == "one of dev, dr, prod, staging"
    assert set(said) == {"what", "where", "wanted", "do", "exit_code"}
    for key in ("what", "where", "do"):
        assert said[key] in done.stderr


@pytest.mark.parametrize(
    ("words", "what", "where"),
    [
        (("--nonsense",), "No such option", "arca"),
        (("nonsense",), "No such command 'nonsense'", "arca"),
        (("local", "up", "--port", "99999"), "99999 is not in the range", "arca local up"),
        (("local", "push"), "Missing argument 'TAG'", "arca local push"),
        (("deploy",), "name an IMAGE or --resume", "arca deploy"),
    ],
)
def test_wrong_usage_is_json_too(arca: Any, words: tuple[str, ...], what: str, where: str) -> None:
    """Wrong usage is printed on stdout with the same fields, and as text on stderr."""
    done = arca(*words, "--json")
    said = json.loads(done.stdout)["error"]
    assert done.returncode == said["exit_code"] == 2
    assert what in said["what"]
    assert said["where"] == where
    assert said["wanted"].startswith(f"{where} [OPTIONS]")
    assert f"`{where} --help`" in said["do"]
    assert set(said) == {"what", "where", "wanted", "do", "exit_code"}
    assert what in done.stderr


def test_what_comes_after_two_dashes_is_another_programs(arca: Any) -> None:
    """`--json` after `--` belongs to the task's command."""
    done = arca("run", "--stack", "nope", "--", "x", "--json")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "A deployment that ECS works on continues"),
        (click.Abort(), 130, "see `arca status`"),
        (Refused("Held.", where="w", wanted="x", do="d"), 6, "Error: Held."),
        (ArcaError("Broken.", where="w", wanted="x", do="d"), 1, "  do:     d"),
        (click.UsageError("Which?"), 2, "Error: Which?"),
        (Explained("a.yaml:3: wrong"), 1, "Error: a.yaml:3: wrong\n"),
        (
            ModuleNotFoundError(name="moto.server"),
            1,
            "pip install ./packages/arca-migrate '.[emulator]'",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    said: str,
) -> None:
    """Each way to end a command has its exit code and its text on stderr."""

    def fails(_name: str) -> None:
        raise raised

    monkeypatch.setattr(cli_main.importlib, "import_module", fails)
    monkeypatch.setattr(sys, "argv", ["arca", "status"])
    with pytest.raises(SystemExit) as left:
        cli_main.main()
    assert left.value.code == code
    assert said in capsys.readouterr().err


def test_a_traceback_is_below_the_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It belongs to a developer; stdout has the JSON alone."""

    def fails(_name: str) -> None:
        try:
            {}["servce"]
        except KeyError as error:
            raise ProgramFailed(error, doing="for the stack dev") from error

    monkeypatch.setattr(cli_main.importlib, "import_module", fails)
    monkeypatch.setattr(sys, "argv", ["arca", "status", "--json"])
    with pytest.raises(SystemExit) as left:
        cli_main.main()
    assert left.value.code == 1
    shown = capsys.readouterr()
    message, traceback = shown.err.split("\n\n")
    assert message.startswith("Error: The program failed for the stack dev: KeyError: 'servce'\n")
    assert "where:  tests/arca/cli/test_cli.py:" in message
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("\nKeyError: 'servce'\n")
    assert json.loads(shown.out)["error"]["what"].endswith("KeyError: 'servce'")


def test_a_module_that_no_extra_has_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation is broken, so no advice would be right."""

    def fails(_name: str) -> None:
        raise ModuleNotFoundError(name="arca.cli.nothing")

    monkeypatch.setattr(cli_main.importlib, "import_module", fails)
    monkeypatch.setattr(sys, "argv", ["arca", "status"])
    with pytest.raises(ModuleNotFoundError):
        cli_main.main()


def test_the_help_documents_exit_codes_and_json(arca: Any) -> None:
    """The help lists every exit code with its meaning, and the shape of a failure as JSON."""
    text = arca("--help").stdout
    for code in ExitCode:
        assert f"\n    {code:<5}{code.meaning}\n" in text
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 7, 130]
    assert '{"error": {"what": ..., "where": ..., "wanted": ..., "do": ..., "exit_code"' in text


def test_a_directory_that_cannot_be_written(arca: Any) -> None:
    """An error of the state directory is a message too."""
    done = arca("local", "down", state="/proc/nowhere")
    assert done.returncode == 1
    assert "set ARCA_STATE_DIR to one" in done.stderr


@pytest.fixture
def published() -> Iterator[tuple[str, dict[str, Any]]]:
    """A stand-in on loopback for Cloudflare's API; a test may change its answer."""
    answer: dict[str, Any] = {
        "status": 200,
        "body": {"result": {"ipv4_cidrs": ["192.0.2.0/24"], "ipv6_cidrs": ["2001:db8::/32"]}},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.end_headers()
            body = answer["body"]
            self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, *_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - says nothing
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answer
    server.shutdown()
    server.server_close()


def refresh(source: str, file: Path, *flags: str) -> Any:
    """Run `arca ranges refresh` against the stand-in."""
    return CliRunner().invoke(
        cli, ["ranges", "refresh", "--from", source, "--file", str(file), *flags]
    )


def test_ranges_are_renewed(published: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    """The command prints and writes the changes; a second run changes nothing."""
    file = tmp_path / "ranges.json"
    assert json.loads(refresh(published[0], file, "--dry-run", "--json").output)["written"] is False
    assert not file.exists()
    result = refresh(published[0], file)
    assert "+ ipv4 192.0.2.0/24" in result.output
    assert json.loads(file.read_text())["ipv6"] == ["2001:db8::/32"]
    before = file.read_text()
    assert "up to date" in refresh(published[0], file).output
    assert file.read_text() == before


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": "no"},
        {"status": 200, "body": "{half"},
        {"status": 200, "body": {"result": {}}},
        {"status": 200, "body": {"result": {"ipv4_cidrs": [], "ipv6_cidrs": []}}},
        {"status": 200, "body": {"result": {"ipv4_cidrs": ["x"], "ipv6_cidrs": ["::/0"]}}},
        {"status": 200, "body": {"result": {"ipv4_cidrs": ["::/0"], "ipv6_cidrs": ["::/0"]}}},
    ],
)
def test_ranges_that_cannot_be_read(
    published: tuple[str, dict[str, Any]], tmp_path: Path, answer: dict[str, Any]
) -> None:
    """The snapshot stays as it is."""
    file = tmp_path / "ranges.json"
    refresh(published[0], file)
    before = file.read_text()
    published[1].update(answer)
    result = refresh(published[0], file)
    assert "cannot be read" in str(result.exception)
    assert file.read_text() == before


def test_an_unreachable_source(tmp_path: Path) -> None:
    """The error says that the connection is refused."""
    result = refresh("http://127.0.0.1:1", tmp_path / "ranges.json")
    assert os.strerror(errno.ECONNREFUSED) in str(result.exception)


def test_a_shrunken_list_is_refused(published: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    """The load balancer would refuse customers; `--force` accepts the list."""
    file = tmp_path / "ranges.json"
    before = {"source": "x", "taken_on": "x", "ipv4": ["10.0.0.0/8"] * 3, "ipv6": []}
    file.write_text(json.dumps(before))
    result = refresh(published[0], file)
    assert "shrank from 3 to 1" in str(result.exception)
    assert json.loads(file.read_text()) == before
    assert refresh(published[0], file, "--force").exit_code == 0
