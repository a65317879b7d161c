"""A failover that goes well, and the command's options, output and exit codes."""

import json

import pytest

from arca.clients import Unreachable
from arca.errors import ArcaError, ExitCode, Refused
from arca.recovery.budgets import TO_RTO
from arca.recovery.record import Record
from tests.arca.recovery.stage import CHANGES, DATABASE, FAR, Stage, ended_well, writes


def test_the_standby_takes_over(stage: Stage) -> None:
    """Each phase is done once, in its order, and recorded; the primary runs no task."""
    result = stage.arca("--yes")
    assert result.exit_code == ExitCode.DONE
    ended_well(stage)
    assert stage.primary_tasks() == 0
    assert stage.updates == [("prod", "fenced"), ("dr", "promoting"), ("dr", "active")]
    record = stage.record()
    assert [(one["name"], one["outcome"]) for one in record["phases"]] == [
        (name, "OK") for name in TO_RTO
    ]
    assert "dr serves" in result.stdout
    assert "Commit `phase: active` in Pulumi.dr.yaml" in result.stdout
    # The image that ran is deployed, not the one that the program declares.
    assert "MultiAZ applied at once" in record["phases"][4]["seen"]
    assert "prod is fenced" in result.stdout
    # What a real failover cannot know is told, and decides nothing.
    assert record["verdict"]["passed"], record["verdict"]["reasons"]
    assert any("the data are not proved" in one for one in record["verdict"]["notes"])
    assert len(writes(stage)) == CHANGES


def test_a_lost_region_is_asked_nothing_more(stage: Stage) -> None:
    """Where the primary's region is lost, the fence is skipped, and the end says so."""
    stage.lost = True
    result = stage.arca("--yes")
    assert result.exit_code == ExitCode.DONE
    ended_well(stage)
    assert stage.updates == [("dr", "promoting"), ("dr", "active")]
    seen = {one["name"]: one for one in stage.record()["phases"]}
    assert seen["fence"]["outcome"] == "SKIPPED"
    assert "prod is NOT fenced" in seen["verify"]["seen"]
    assert "prod is NOT fenced" in result.stdout
    # ECS and RDS in each phase that relies on the fence: has it come back?
    assert sum(call.startswith(FAR) for call in stage.calls) == 2 * 5


def test_the_primary_is_fenced_before_the_database_is_promoted(stage: Stage) -> None:
    """A primary that answers runs no task when the second writable database begins."""
    tasks = list[int]()

    def look(call: str) -> None:
        if "promote_read_replica" in call:
            tasks.append(stage.primary_tasks())

    stage.before = look
    stage.arca("--yes")
    assert tasks == [0]


@pytest.mark.parametrize("until", TO_RTO)
def test_until_a_phase_and_then_resumed(stage: Stage, until: str) -> None:
    """The phases before and with that one are done; the others with --resume."""
    result = stage.arca("--yes", "--until", until, "--json")
    assert result.exit_code == ExitCode.DONE
    printed = json.loads(result.stdout)
    done = [one["name"] for one in printed["journal"]["phases"]]
    assert done == [*TO_RTO[: TO_RTO.index(until) + 1]]  # type: ignore[arg-type]
    assert printed["done"] == (until == "verify")
    if until != "verify":
        assert "--resume" in result.stderr
        assert stage.arca("--yes", "--resume").exit_code == ExitCode.DONE
    ended_well(stage)


def test_a_dry_run_changes_nothing(stage: Stage) -> None:
    """It says what would be done, before a failover and in the middle of one."""
    result = stage.arca("--dry-run")
    assert result.exit_code == ExitCode.DONE
    assert [line.split(":")[0] for line in result.stdout.splitlines()][:-1] == [
        f"would {name}" for name in TO_RTO
    ]
    assert not writes(stage)
    assert not stage.updates
    stage.arca("--yes", "--until", "lag")
    before, journal = writes(stage), stage.journal
    result = stage.arca("--dry-run", "--json")
    assert json.loads(result.stdout) == {
        "dry_run": True,
        "done": [*TO_RTO[:3]],
        "left": [*TO_RTO[3:]],
    }
    assert "by ana" in stage.arca("--dry-run").stdout
    assert (writes(stage), stage.journal) == (before, journal)


def test_json_has_only_json_on_stdout(stage: Stage) -> None:
    """Programs read stdout; what a person reads of the phases is on stderr."""
    printed = json.loads(stage.arca("--yes", "--json").stdout)
    assert (printed["stack"], printed["to"], printed["done"]) == ("prod", "dr", True)
    record = stage.record()
    assert printed["record"].endswith(f"{Record.model_validate(_facts(record)).name}.json")


def _facts(record: dict[str, object]) -> dict[str, object]:
    return {key: one for key, one in record.items() if key not in ("measured", "verdict")}


@pytest.mark.parametrize(
    ("answer", "code"), [("dr\n", 0), ("prod\n", 1), ("\n\n", 2), ("yes\n", 1), (None, 2)]
)
def test_the_confirmation(stage: Stage, answer: str | None, code: int) -> None:
    """Only the standby's name goes on; without anybody to answer it is wrong usage."""
    result = stage.arca(answer=answer)
    failed = result.exception
    assert (failed.exit_code if isinstance(failed, ArcaError) else result.exit_code) == code
    if code:
        assert not writes(stage)
        assert not stage.updates
        assert stage.journal is None
    else:
        ended_well(stage)


@pytest.mark.parametrize(("primary", "to"), [("dr", "prod"), ("prod", "prod"), ("dr", "dr")])
def test_a_primary_that_is_none(stage: Stage, primary: str, to: str) -> None:
    """Two stacks that are not a primary and its standby are refused."""
    result = stage.arca("--yes", "--stack", primary, "--to", to)
    assert isinstance(result.exception, Refused)
    assert "does not stand by" in str(result.exception)
    assert not stage.calls


def test_a_standby_that_is_fenced(stage: Stage) -> None:
    """After a fail-back the old standby follows nothing; it is no second ledger either."""
    stage.export("dr", phase="fenced")
    result = stage.arca("--yes")
    assert "has failed back" in str(result.exception)
    assert not writes(stage)


def test_again_after_the_end(stage: Stage) -> None:
    """A failover of a standby that serves already declares nothing, and is done."""
    stage.lost = True
    stage.arca("--yes")
    before = writes(stage)
    for words in (["--yes"], ["--yes", "--resume"], ["--dry-run"]):
        result = stage.arca(*words)
        assert result.exit_code == ExitCode.DONE
        assert "dr serves already" in result.stdout
        assert "prod is NOT fenced" in result.stdout
    assert json.loads(stage.arca("--yes", "--json").stdout)["serves"] is True
    assert writes(stage) == before
    stage.record()


def test_active_without_customers_is_finished(stage: Stage) -> None:
    """A standby that a person promoted and activated gets the tasks and the customers."""
    stage.client("rds").promote_read_replica(DBInstanceIdentifier=DATABASE)
    stage.update("dr", {"recovery.phase": "active"})
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    ended_well(stage)


def test_nothing_to_resume(stage: Stage) -> None:
    """--resume without a journal changes nothing."""
    result = stage.arca("--yes", "--resume")
    assert isinstance(result.exception, ArcaError)
    assert not isinstance(result.exception, Unreachable)
    assert result.exception.exit_code == ExitCode.FAILED
    assert "no failover to resume" in str(result.exception)
    assert not writes(stage)
