"""`arca dr failback`: killed in each phase and resumed by the command, its refusals and answers."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli import dr_scene
from arca.cli.main import cli
from arca.errors import ArcaError, Refused
from arca.recovery import journal, journal_entry
from arca.recovery.budgets import FAILBACK, PhaseName
from arca.recovery.scene import Scene
from tests.arca.recovery.stage import OPERATOR, Stage
from tests.arca.recovery.world import UPDATES, Killed, World


class Operator:
    """The operator's machine: the world, and a real parameter store for the journal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stage: Stage, records: Path) -> None:
        self.world, self.stage, self._records = World(monkeypatch), stage, records
        monkeypatch.setattr(dr_scene, "make", self._make)
        for module in (journal, journal_entry):
            monkeypatch.setattr(module, "client", self._client)

    def _make(self, *_named: object, **_options: object) -> Scene:
        return self.world.scene()

    def _client(self, *_named: object, **_options: object) -> object:
        return self.stage.client("ssm")

    def arca(self, *words: str, verb: str = "failback", answer: str | None = None) -> Result:
        """Run `arca dr failback`, or another verb, with more words."""
        records = ("--records", str(self._records), "--operator", OPERATOR)
        words = ("dr", verb, *records, *words)
        return CliRunner().invoke(cli, words, input=answer, obj=self.world.clock)

    def again(self, *words: str) -> Result:
        """Go on in a new process."""
        self.stage.abandon()
        return self.arca("--yes", "--resume", *words)

    def offered(self, text: str) -> Result:
        """Run the command that a message offers, as the operator pastes it."""
        (command,) = re.findall(r"`arca (dr [^`]+)`", text)
        self.stage.abandon()
        words = command.split()
        return self.arca(*words[2:], "--yes", verb=words[1])


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, stage: Stage, tmp_path: Path) -> Operator:
    """Return an operator after a failover."""
    return Operator(monkeypatch, stage, tmp_path)


def done(result: Result) -> None:
    """Check that a command ended well."""
    assert result.exit_code == 0, (result.output, result.exception)


def test_the_commands_of_the_page(operator: Operator) -> None:
    """Compare, serve, clean up: each command says the next one, and the last writes a record."""
    stopped = operator.arca("--yes", "--until", "compare")
    done(stopped)
    assert operator.world.updates == UPDATES[:1]
    serves = operator.offered(stopped.output)
    done(serves)
    assert operator.world.phases == {"prod": "active", "dr": "fenced"}
    assert (
        "Commit `database` and `recovery` of Pulumi.prod.yaml and Pulumi.dr.yaml" in serves.output
    )
    assert "No region can take over now" in serves.output
    done(operator.offered(serves.output))
    assert operator.world.updates == UPDATES
    assert operator.stage.journal is None
    assert operator.stage.record()["kind"] == "failback"


@pytest.mark.parametrize("phase", FAILBACK)
def test_killed_in_each_phase(operator: Operator, phase: PhaseName) -> None:
    """The command that the journal names goes on, also after dr was fenced."""
    world, put = operator.world, journal.Journal.note

    def kill(self: journal.Journal, **known: Any) -> None:
        put(self, **known)
        if (known.get("begun") or [""])[0] == phase:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.Journal, "note", kill)
        with pytest.raises(Killed):
            operator.arca("--yes", "--until", "clean-up")
    done(operator.again("--until", "clean-up"))
    assert world.phases == {"prod": "active", "dr": "standby"}
    assert world.updates == UPDATES
    assert operator.stage.journal is None


@pytest.mark.parametrize("number", range(1, len(UPDATES) + 1))
def test_killed_after_each_update(operator: Operator, number: int) -> None:
    """Killed before the journal knows of an update, the command goes on too."""
    operator.world.killed_at = number
    with pytest.raises(Killed):
        operator.arca("--yes", "--until", "clean-up")
    operator.world.killed_at = None
    done(operator.again("--until", "clean-up"))
    assert operator.world.phases == {"prod": "active", "dr": "standby"}


def test_a_phase_that_fails_offers_a_command_that_runs(operator: Operator) -> None:
    """It has all that the command needs, the phase too that it was to stop after."""
    operator.world.status["prod"] = "creating"
    failure = operator.arca("--yes", "--until", "clean-up").exception
    assert isinstance(failure, ArcaError)
    operator.world.status["prod"] = "available"
    done(operator.offered(failure.do.partition("then ")[2]))
    assert operator.world.phases == {"prod": "active", "dr": "standby"}


def test_a_primary_that_serves_keeps_its_database(operator: Operator) -> None:
    """Repeated after it has ended, or begun without a failover, it writes not even a journal."""
    operator.world.phases, operator.world.inverted = {"prod": "active", "dr": "standby"}, False
    assert isinstance(operator.arca("--yes", "--until", "rebuild").exception, Refused)
    assert operator.world.updates == []
    assert operator.stage.journal is None


def test_another_generation_writes_no_journal(operator: Operator) -> None:
    """The number is prod's present one and one more."""
    assert isinstance(operator.arca("--yes", "--generation", "3").exception, Refused)
    assert operator.stage.journal is None
    done(operator.arca("--yes", "--generation", "2", "--until", "rebuild"))
    assert isinstance(operator.again("--generation", "3").exception, Refused)


@pytest.mark.parametrize("until", ["fence", "verify"])
def test_a_failover_names_the_failback(operator: Operator, until: str) -> None:
    """Lost once more, prod has no standby: the refusal says what goes on and where to read."""
    done(operator.arca("--yes", "--until", until))
    operator.stage.abandon()
    refused = operator.arca("--yes", verb="failover").exception
    assert isinstance(refused, Refused)
    assert "A fail-back from dr to prod is under way" in str(refused)
    assert "Lost again while failing back" in refused.do
    done(operator.offered(refused.do))
    ended = until == "verify"
    assert operator.world.phases["dr"] == ("standby" if ended else "fenced")
    assert operator.world.phases["prod"] == "active"


def test_a_fenced_dr_without_a_journal_is_no_standby(operator: Operator) -> None:
    """The refusal does not send the operator to a deletion."""
    operator.world.phases["dr"] = "fenced"
    refused = operator.arca("--yes", verb="failover").exception
    assert isinstance(refused, Refused)
    assert "dr is fenced" in str(refused)
    assert "recovery.phase: standby" not in refused.do


def test_it_gives_the_customers_back(operator: Operator) -> None:
    """A lag that does not end names the command, which forgets the fail-back."""
    operator.world.cut_since = operator.world.now - timedelta(seconds=1)
    refused = operator.arca("--yes").exception
    assert isinstance(refused, Refused)
    _, abort = re.findall(r"`arca (dr [^`]+)`", refused.do)
    assert operator.world.tasks == {"prod": 0, "dr": 0}
    operator.stage.abandon()
    aborted = operator.arca(*abort.split()[2:], answer="dr\n")
    done(aborted)
    assert (operator.world.phases["dr"], operator.world.tasks["dr"]) == ("active", 2)
    assert operator.stage.journal is None
    operator.world.cut_since = None
    done(operator.arca("--yes"))


def test_another_name_aborts_nothing(operator: Operator) -> None:
    """The stack that is to serve is typed."""
    done(operator.arca("--yes", "--until", "fence"))
    operator.stage.abandon()
    assert operator.arca("--abort", answer="prod\n").exit_code != 0
    assert operator.world.phases["dr"] == "fenced"
    assert operator.stage.journal is not None


@pytest.mark.parametrize(("hours", "asked"), [(5, False), (7, True)])
def test_one_of_long_ago_is_confirmed(operator: Operator, hours: int, *, asked: bool) -> None:
    """A journal of yesterday does not know what happened since: --yes alone does not go on."""
    done(operator.arca("--yes", "--until", "rebuild"))
    operator.stage.elsewhere(silent=hours * 3600)
    words = ("--yes", "--resume", "--until", "fence")
    result = operator.arca(*words)
    assert (result.exit_code != 0) is asked
    if asked:
        assert "its last phase was rebuild, its last sign of life is 7" in result.output
        done(operator.arca(*words, answer="prod\n"))
    assert operator.world.phases["dr"] == "fenced"


def test_a_dry_run_says_what_is_left(operator: Operator) -> None:
    """It changes nothing, before and in the middle."""
    assert "would rebuild: delete the primary's old database" in operator.arca("--dry-run").output
    assert operator.world.updates == []
    done(operator.arca("--yes", "--until", "fence"))
    plan = json.loads(operator.arca("--dry-run", "--json").stdout)
    assert plan["done"] == ["declare", "compare", "rebuild", "fence"]
