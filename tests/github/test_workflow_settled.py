"""settled.py: whose deployment it answers, when it gives up, and what it takes for ours."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arca.cli.main import main as arca
from tests.github.workflows import Runner, script

settled = script("settled")
RELEASE = "deploy of api:2 by somebody, step following"
FAILS = "FAILS"
NOW = datetime.now(UTC)


class Commands:
    """`arca status` and `arca promote`, with what ECS goes through while somebody looks.

    Each status is one look's answer, the last one for ever; `a status:release` is one while
    somebody releases, and FAILS a look that fails.
    """

    def __init__(self, *statuses: str, began: bool = True, refuses: int = 0) -> None:
        self._left = list(statuses)
        self._id = "new" if began else "old"
        self._refuses = refuses
        self.promoted = 0
        self.slept = 0.0

    def __call__(self, verb: str, stack: str) -> Mapping[str, Any]:
        """Answer as the command does with --json."""
        assert stack == "prod"
        if verb == "promote":
            self._refuses -= 1
            if self._refuses >= 0:
                raise settled.NoAnswer("No deployment waits for anybody.")
            self.promoted += 1
            return {"promoted": self._id}
        said = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if said.startswith(FAILS):
            raise settled.NoAnswer(said.partition(":")[2] or "AWS does not answer")
        status, _, release = said.partition(":")
        paused = status == "PAUSED"
        shown = "IN_PROGRESS" if paused else status
        return {
            "deployment": {
                "id": self._id,
                "status": shown,
                "reason": "",
                "paused": paused,
                "created": NOW.isoformat(),
            },
            "release": RELEASE if release else None,
        }

    def sleep(self, seconds: float) -> None:
        """Take no time."""
        self.slept += seconds

    def monotonic(self) -> float:
        """Seconds that were slept; each look takes ten more than its pause."""
        return self.slept * 25 / 15


def follow(commands: Commands, before: str = "old") -> int:
    """Follow prod's deployment."""
    return settled.main(["follow", "prod", before], commands, commands)


@pytest.mark.parametrize("end", ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"])
def test_a_releases_pause_is_the_releases(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its smoke tests answer it: who promotes it sends customers to what nobody has tested."""
    commands = Commands("IN_PROGRESS:release", *["PAUSED:release"] * 5, end)
    assert follow(commands) == settled.CODES[end]
    assert commands.promoted == 0
    assert f"left to the release under way: {RELEASE}" in capsys.readouterr().out


def test_a_pause_that_a_release_has_left_is_answered() -> None:
    """When nobody releases any more, nobody else is there to."""
    commands = Commands("PAUSED:release", "PAUSED", "SUCCESSFUL")
    assert follow(commands) == 0
    assert commands.promoted == 1


def test_a_promotion_that_is_refused_is_looked_at_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody else has answered, or the pause was over."""
    commands = Commands("PAUSED", "PAUSED", "SUCCESSFUL", refuses=1)
    assert follow(commands) == 0
    assert commands.promoted == 1
    assert "could not be promoted: No deployment waits" in capsys.readouterr().out
    for_ever = Commands("PAUSED", refuses=10_000)
    assert follow(for_ever) == settled.UNKNOWN


def test_a_few_looks_may_fail() -> None:
    """In a row, and then again."""
    few = [FAILS] * (settled.MISSES - 1)
    assert follow(Commands(*few, "IN_PROGRESS", *few, "ROLLBACK_SUCCESSFUL")) == 3


def test_many_failed_looks_are_one_line_and_five(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback: nobody knows how it ends, and how to look."""
    commands = Commands("IN_PROGRESS", f"{FAILS}:no\n  where:  prod")
    assert follow(commands) == 5
    assert commands.slept <= settled.MISSES * settled.PAUSE_SECONDS
    (line,) = capsys.readouterr().out.splitlines()
    assert "8 looks in a row failed, the last with: no where: prod" in line
    assert "`arca status --stack prod`" in line


def test_it_is_followed_for_ninety_minutes() -> None:
    """By the clock, for looks take time too; a canary of an hour comes to its end."""
    commands = Commands("IN_PROGRESS")
    assert follow(commands) == 5
    assert 90 * 60 <= commands.monotonic() < 91 * 60


def test_a_stack_that_is_not_there_has_no_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was deployed before, so whatever is there afterwards is this update's."""
    commands = Commands(f"{FAILS}:Pulumi gives no exports: error: no stack named 'prod' found")
    assert settled.main(["latest", "prod"], commands, commands) == 0
    assert capsys.readouterr().out == "\n"


def test_a_stack_that_cannot_be_read_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    """An earlier rollback would be taken for this update's."""
    commands = Commands(f"{FAILS}:ExpiredToken: log in again")
    assert settled.main(["latest", "prod"], commands, commands) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "Nothing was begun, for nobody can tell what runs: ExpiredToken: log in again\n"
    )
    again = Commands(*[FAILS] * (settled.MISSES - 1), "SUCCESSFUL")
    assert settled.latest(again, "prod", clock=again) == "new"


@pytest.mark.parametrize(("hours", "code"), [(1, 0), (-1, 3)])
def test_exports_of_another_version_are_the_updates_to_mend(hours: int, code: int) -> None:
    """Where they name no service the moment tells what was there before and what came later."""
    commands = Commands(f"{FAILS}:The exports are not those of this version: network: required")
    before = settled.latest(commands, "prod", clock=commands)
    assert abs(datetime.fromisoformat(before[1:]) - datetime.now(UTC)) < timedelta(minutes=1)
    later = Commands("ROLLBACK_SUCCESSFUL")
    assert follow(later, f"@{(NOW + timedelta(hours=hours)).isoformat()}") == code


@pytest.fixture
def said_by_arca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """What the real `arca status` says of a stack, where `pulumi` does this."""

    def said(pulumi: str) -> str:
        monkeypatch.setenv("PATH", Runner(tmp_path, pulumi=pulumi).path)
        monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
        monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
        monkeypatch.setattr("sys.argv", ["arca", "status", "--stack", "dev", "--json"])
        with pytest.raises(SystemExit, match="1"):
            arca()
        return capsys.readouterr().err

    return said


@pytest.mark.parametrize(
    ("pulumi", "code", "wanted"),
    [
        ("echo \"error: no stack named 'dev' found\" >&2; exit 255", 0, "\n"),
        ("echo '{}'", 0, "@"),
        ("echo 'error: AccessDenied' >&2; exit 255", 1, "Nothing was begun"),
    ],
)
def test_arca_passes_on_what_pulumi_says(
    said_by_arca: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
    pulumi: str,
    code: int,
    wanted: str,
) -> None:
    """The words that are looked for are those of the real command, over Pulumi's own."""
    commands, error = Commands("-"), said_by_arca(pulumi)

    def run(_verb: str, _stack: str) -> Mapping[str, Any]:
        raise settled.NoAnswer(error)

    assert settled.main(["latest", "dev"], run, commands) == code
    said = capsys.readouterr()
    assert (said.out or said.err).startswith(wanted)


@pytest.mark.parametrize("arca", ["exit 1", "echo no JSON", "kill -9 $$"])
def test_a_command_that_fails_is_a_look_that_fails(tmp_path: Path, arca: str) -> None:
    """However it fails, and as the workflow calls it: a code that is promised, no traceback."""
    runner = Runner(tmp_path, arca=f"echo down >&2; {arca}")
    done = runner.run(
        "sed 's/^PAUSE_SECONDS = .*/PAUSE_SECONDS = 0/' .github/scripts/settled.py > fast.py\n"
        "python fast.py follow prod old"
    )
    assert (done.code, len(done.calls)) == (5, settled.MISSES)
    assert "Traceback" not in done.said
    assert len(done.said.splitlines()) == 1
