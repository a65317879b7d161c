"""Following the deployment that an update began: whose it is, its pause, and its end."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arca.ci import deployment
from arca.ci.deployment import CommandFailed
from arca.cli.main import main as arca
from arca.errors import ArcaError, ExitCode
from tests.arca.ci.deployments import FAILS, NOW, RELEASE, Commands
from tests.github.workflows import REAL_CI, Runner


@pytest.mark.parametrize("end", ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"])
def test_a_pause_is_left_to_the_release_under_way(end: str) -> None:
    """Its smoke tests answer it; a promotion would send customers to an untested image."""
    commands = Commands("IN_PROGRESS:release", *["PAUSED:release"] * 5, end)
    assert commands.follow() == deployment.STATUS_EXIT_CODES[end]
    assert commands.promoted == 0
    assert f"the release under way answers it: {RELEASE}" in "\n".join(commands.said)


def test_a_pause_without_a_release_is_promoted() -> None:
    """The release has ended, so nobody else would answer."""
    commands = Commands("PAUSED:release", "PAUSED", "SUCCESSFUL")
    assert commands.follow() == ExitCode.DONE
    assert commands.promoted == 1


def test_a_refused_promotion_is_tried_again() -> None:
    """Somebody else may have answered, or the pause may be over."""
    commands = Commands("PAUSED", "PAUSED", "SUCCESSFUL", refuses=1)
    assert commands.follow() == ExitCode.DONE
    assert commands.promoted == 1
    assert "could not be promoted: No deployment is paused." in commands.said[0]
    assert Commands("PAUSED", refuses=10_000).follow() == ExitCode.UNKNOWN


def test_a_few_calls_in_a_row_may_fail() -> None:
    """A call that succeeds begins a new row."""
    few = [FAILS] * (deployment.MAX_FAILURES - 1)
    commands = Commands(*few, "IN_PROGRESS", *few, "ROLLBACK_SUCCESSFUL")
    assert commands.follow() == ExitCode.ROLLED_BACK


def test_many_failures_in_a_row_end_it() -> None:
    """The exit code is 5, and the message says what to run."""
    commands = Commands("IN_PROGRESS", f"{FAILS}:AccessDenied")
    assert commands.follow() == ExitCode.UNKNOWN
    assert commands.calls == deployment.MAX_FAILURES + 1
    (line,) = commands.said
    assert "8 calls of `arca status` in a row failed: AccessDenied" in line
    assert "`arca status --stack prod`" in line


def test_a_deployment_is_followed_for_ninety_minutes() -> None:
    """The calls' own time counts too; a canary of an hour comes to its end."""
    commands = Commands("IN_PROGRESS")
    assert commands.follow() == ExitCode.UNKNOWN
    assert timedelta(minutes=90) <= commands.passed < timedelta(minutes=91)
    assert "did not end within 90 minutes" in commands.said[0]


def test_a_missing_stack_has_no_deployment() -> None:
    """Whatever deployment exists afterwards is this update's."""
    commands = Commands(f"{FAILS}:Pulumi gives no exports: error: no stack named 'prod' found")
    assert (commands.latest(), commands.calls) == ("", 1)


def test_an_unreadable_stack_ends_the_job_before_the_update() -> None:
    """An earlier rollback would be taken for this update's."""
    commands = Commands(f"{FAILS}:ExpiredToken: log in again")
    with pytest.raises(ArcaError, match="nothing was begun: ExpiredToken") as raised:
        commands.latest()
    assert raised.value.exit_code == ExitCode.FAILED
    again = Commands(*[FAILS] * (deployment.MAX_FAILURES - 1), "SUCCESSFUL")
    assert again.latest() == "new"


@pytest.mark.parametrize(("hours", "code"), [(1, ExitCode.DONE), (-1, ExitCode.ROLLED_BACK)])
def test_the_time_is_the_reference_where_exports_are_another_versions(
    hours: int, code: ExitCode
) -> None:
    """The update will correct them; only deployments that began later are this update's."""
    commands = Commands(f"{FAILS}:The exports are not those of this version: network: required")
    reference = commands.latest()
    assert datetime.fromisoformat(reference.removeprefix("@")) == commands.now()
    later = Commands("ROLLBACK_SUCCESSFUL")
    assert later.follow(f"@{(NOW + timedelta(hours=hours)).isoformat()}") == code


@pytest.fixture
def stderr_of_arca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Return what the real `arca status` prints on stderr where `pulumi` runs this bash."""

    def run(pulumi: str) -> str:
        monkeypatch.setenv("PATH", Runner(tmp_path, pulumi=pulumi).path)
        monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
        monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
        monkeypatch.setattr("sys.argv", ["arca", "status", "--stack", "dev", "--json"])
        with pytest.raises(SystemExit, match="1"):
            arca()
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("pulumi", "wanted"),
    [
        ("echo \"error: no stack named 'dev' found\" >&2; exit 255", ""),
        ("echo '{}'", "@"),
        ("echo 'error: AccessDenied' >&2; exit 255", None),
    ],
)
def test_arca_passes_pulumis_words_on(
    stderr_of_arca: Callable[[str], str], pulumi: str, wanted: str | None
) -> None:
    """The words that decide are those of the real commands."""
    clock, error = Commands("-"), stderr_of_arca(pulumi)

    def run(_command: str, _stack: str) -> Mapping[str, Any]:
        raise CommandFailed(error)

    if wanted is None:
        with pytest.raises(ArcaError, match="AccessDenied"):
            deployment.latest(run, "dev", clock=clock)
    else:
        assert deployment.latest(run, "dev", clock=clock)[:1] == wanted


@pytest.mark.parametrize("arca", ["echo down >&2; exit 1", "echo no JSON", "kill -9 $$"])
def test_a_command_that_fails_is_a_failed_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arca: str
) -> None:
    """That holds however it fails."""
    monkeypatch.setenv("PATH", Runner(tmp_path, arca=arca).path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    with pytest.raises(CommandFailed):
        deployment.run_arca("status", "prod")
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls == ["arca status --stack prod --json"]


def test_a_command_that_does_not_end_is_a_failed_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended after its timeout."""
    monkeypatch.setenv("PATH", Runner(tmp_path, arca="exec sleep 60").path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(deployment, "COMMAND_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(CommandFailed, match="timed out"):
        deployment.run_arca("status", "prod")


ROLLED_BACK = """echo '{"deployment": {"id": "new", "status": "ROLLBACK_SUCCESSFUL",
"reason": "an alarm", "paused": false}, "release": null}'"""


def test_the_commands_exit_as_the_workflow_expects(tmp_path: Path) -> None:
    """`latest` prints one line, and `follow` exits with the deployment's code."""
    runner = Runner(tmp_path, arca=REAL_CI + ROLLED_BACK)
    latest = runner.run("arca ci deployment latest --stack prod")
    assert (latest.code, latest.said) == (0, "new\n")
    follow = runner.run("arca ci deployment follow --stack prod --after new")
    assert (follow.code, follow.said) == (0, "")
    follow = runner.run('arca ci deployment follow --stack prod --after ""')
    assert (follow.code, follow.said) == (3, "new: ROLLBACK_SUCCESSFUL an alarm\n")
