"""An update of a stack on AWS: what Pulumi is told, and what is said where it fails.

tests/engine/test_recovery.py does the same with the real CLI.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arca import checkout
from arca.cli import pulumi_update
from arca.errors import ArcaError
from tests import ROOT

RESUME = "arca dr failover --stack prod --to dr --resume"
UPDATE = pulumi_update.updater(refresh=False, resume=RESUME)
EXPORT = """
if [ "$2" = stack ]; then
  echo '{"deployment": {"pending_operations": [
    {"type": "creating", "resource": {"urn": "urn:pulumi:dr::arca-api::arca:Cache$aws:x:Y::cache"}},
    {"type": "updating", "resource": {"urn": "urn:pulumi:dr::arca-api::arca:Cache$aws:x:Y::two"}}
  ]}}'
  exit
fi
"""
Fake = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return what puts a `pulumi` on PATH that writes down its words and runs a script."""
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def make(script: str) -> Path:
        program = tmp_path / "pulumi"
        program.write_text(f'#!/bin/sh\necho "$*" >>{calls}\n{script}\n', encoding="utf-8")
        program.chmod(0o755)
        return calls

    return make


def failure() -> ArcaError:
    """Return the error of an update."""
    with pytest.raises(ArcaError) as caught:
        UPDATE("dr", {"recovery.phase": "active"})
    return caught.value


def test_what_pulumi_is_told(fake: Fake) -> None:
    """A section goes before its keys come; a killed update is looked at first."""
    calls = fake("")
    settings = {
        "recovery.phase": None,
        "recovery.release_data": True,
        "database.source": {"kind": "promoted"},
    }
    pulumi_update.updater(refresh=True, resume=RESUME)("prod", settings)
    said = calls.read_text(encoding="utf-8").splitlines()
    assert [line.removeprefix("--non-interactive ") for line in said] == [
        "config rm --path arca-api:recovery.phase --stack prod",
        "config set --path arca-api:recovery.release_data --stack prod --plaintext true",
        "config rm --path arca-api:database.source --stack prod",
        "config set --path arca-api:database.source.kind --stack prod --plaintext promoted",
        "up --yes --refresh --stack prod",
    ]


def test_without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, and how to go on."""
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure()
    assert error.what == "There is no `pulumi` on PATH."
    assert error.do == f"install it (README.md), then `{RESUME}`"


@pytest.mark.parametrize("text", pulumi_update.LOCKED)
def test_a_lock(fake: Fake, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Pulumi's own words stay on the screen: they name who holds it."""
    fake(f"[ $2 = config ] || {{ echo 'error: {text} 1 lock(s)' >&2; exit 255; }}")
    error = failure()
    assert error.what == "The stack dr is locked: another update runs, or one was killed."
    assert error.where == "pulumi up --yes --stack dr"
    assert "`pulumi cancel --yes --stack dr`" in error.do
    assert error.do.endswith(f"then `{RESUME}`")
    assert text in capfd.readouterr().err


def test_a_kill(fake: Fake) -> None:
    """The lock is left, and AWS may be in the middle of a change."""
    fake("[ $2 = config ] || kill -9 $$")
    error = failure()
    assert error.what.startswith("Pulumi was killed by the signal 9;")
    assert "`pulumi cancel --yes --stack dr`" in error.do


def test_what_may_exist(fake: Fake) -> None:
    """After a kill in a creation only a person can say whether AWS has it; updates do not count."""
    fake(EXPORT + "[ $2 = config ] || exit 4")
    error = failure()
    assert "an earlier one was killed while it created aws:x:Y::cache." in error.what
    assert "`pulumi refresh --stack dr` in a terminal" in error.do


@pytest.mark.parametrize("export", ["", "if [ $2 = stack ]; then echo '{}'; exit; fi"])
def test_any_other_failure(fake: Fake, export: str) -> None:
    """Its cause is in Pulumi's own messages; a setting that cannot be written starts no update."""
    calls = fake(f"{export}\nexit 2")
    error = failure()
    assert error.what == "Pulumi failed with the exit code 2."
    assert error.where.startswith("pulumi config set --path arca-api:recovery.phase")
    assert not any(" up " in line for line in calls.read_text(encoding="utf-8").splitlines())


def test_ctrl_c_lets_pulumi_end(fake: Fake, tmp_path: Path) -> None:
    """Pulumi ends what it has begun; a kill would leave the stack locked."""
    fake(f"""
trap 'sleep 0.6; echo ended >>{tmp_path}/ended; exit 1' INT
echo began
while :; do sleep 0.05; done
""")
    # A shell ignores SIGINT for what it runs in the background, and that is inherited.
    program = f"""
import signal, subprocess, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from arca import checkout
from arca.cli import pulumi_update

class Process(subprocess.Popen):
    def wait(self, *given, **named):
        print("waits", file=sys.stderr, flush=True)
        return super().wait(*given, **named)

subprocess.Popen = Process
checkout.root = lambda: Path({str(tmp_path)!r})
pulumi_update.updater(refresh=False, resume="x")("dr", {{}})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert {process.stderr.readline() for _ in range(2)} == {"began\n", "waits\n"}
    os.killpg(process.pid, signal.SIGINT)
    said = process.stderr.read()
    assert process.wait() == -signal.SIGINT, said
    assert (tmp_path / "ended").read_text(encoding="utf-8") == "ended\n"
    assert "Pulumi ends what it has begun; Ctrl-C again ends it at once." in said
