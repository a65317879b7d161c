"""Migrations beside releases: one at a time, a contract in its time, a refusal with its reason."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from arca.errors import ArcaError, Refused
from arca.release.journal import Journal
from arca.release.migrations import contract_since, migration_lock, refusal, sentence
from arca.release.tasks import TaskResult
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE
from tests.arca.release.stage import REPOSITORY, URL, Arca, Aside, Stage, printed_json
from tests.arca_migrate.histories import INVOICES, write

REFUSAL = json.dumps({"event": "migration.refused", "message": "Another runner.", "do": "Wait."})


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        (0, (), None),
        (1, (REFUSAL,), None),
        (None, (), None),
        (6, (), "ended"),
        (6, ("[6]", '{"event": "migration.refused", "message": "M."}'), "M."),
    ],
)
def test_a_refusal(code: int | None, lines: tuple[str, ...], said: str | None) -> None:
    """Only exit code 6 is a refusal."""
    assert refusal(TaskResult("task", code, "ended", lines)) == said


def history(*phases: str) -> str:
    """Return the runner's line of the applied migrations, each applied at noon."""
    applied = [
        {
            "revision": f"r{number}",
            "phase": phase,
            "release": "1.2.3",
            "applied_at": "2026-10-05T12:00:00.000Z",
            "seconds": 0.1,
        }
        for number, phase in enumerate(phases, 1)
    ]
    return json.dumps({"event": "migration.history", "applied": applied})


NOON = datetime.fromisoformat("2026-10-05T12:00:00+00:00")


LATER = NOON + timedelta(minutes=1)


@pytest.mark.parametrize("emulated", [False, True])
@pytest.mark.parametrize(
    ("code", "lines", "moment", "said"),
    [
        (0, (history("expand"),), NOON, None),
        (0, (history("expand", "contract"),), LATER, None),
        (0, (history("expand", "contract"),), NOON, "contract r2 was applied"),
        (0, (history("contract"),), None, "when it was live is not known"),
        (1, (), LATER, "unknown: the task ended with 1"),
        (1, (history("expand"),), LATER, "unknown: the task ended with 1"),
        (None, (), LATER, "unknown: the task ended with None"),
        (0, (history("everything"),), LATER, "unknown: the task printed"),
    ],
)
def test_contracts_since(
    code: int | None,
    lines: tuple[str, ...],
    moment: datetime | None,
    said: str | None,
    *,
    emulated: bool,
) -> None:
    """A task that cannot tell what was applied closes the way back."""
    found = contract_since(TaskResult("task", code, "ended", lines), moment, emulated=emulated)
    assert found is None if said is None else said in (found or "")


@pytest.mark.parametrize("lines", [(), ("simulated", "[]"), ('{"event": "migration.done"}',)])
def test_a_task_that_prints_no_history(lines: tuple[str, ...]) -> None:
    """No history is no answer on AWS; in the emulated cloud nothing was ever dropped."""
    result = TaskResult("task", 0, "ended", lines)
    said = "the applied migrations are unknown: the task printed none"
    assert contract_since(result, LATER, emulated=False) == said
    assert contract_since(result, LATER, emulated=True) is None


DAY = 24 * 60 + 1
"""Minutes until a contract may run."""


def refused(result: Result) -> Refused:
    """Return the error of a command that was refused and did nothing."""
    assert isinstance(result.exception, Refused), result.output
    return result.exception


def runs(stage: Stage, image: str, *words: str, code: int = 0) -> None:
    """Have an image's tasks print these words and exit with this code."""
    said = "; ".join(f"echo '{word}'" for word in words)
    command = ["sh", "-c", f"{said or ':'}; exit {code}"]
    stage.cloud.control("PUT", "/arca/images", {"image": image, "command": command})


CONTRACT = ("migrate", "--phase", "contract")


EVERY = ("migrate", "--phase", "expand", "--phase", "migrate", "--phase", "contract")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*EVERY, "--image", "2"), f"{URL}:2 is not what serves, which is {URL}:1"),
        ((*CONTRACT, "--image", "2"), f"{URL}:2 is not what serves"),
        ((*CONTRACT, "--image", "9"), f"{URL}:9 is not what serves"),
        (EVERY, "together with expand and migrate is refused"),
        (("migrate", "--phase", "contract", "--phase", "migrate"), "together with migrate"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_contract_of_what_does_not_serve(
    stage: Stage, arca: Arca, words: tuple[str, ...], said: str, dry: tuple[str, ...]
) -> None:
    """A contract is refused for an image that does not serve; no task starts."""
    stage.cloud.advance(DAY)
    assert said in refused(arca(*words, *dry)).what
    assert not {"ecs.run_task", "ecs.register_task_definition"} & {*stage.calls}
    assert stage.journal is None


@pytest.mark.parametrize("name", ["1", f"{URL}:1", "digest"])
def test_a_contract_of_what_serves(stage: Stage, arca: Arca, name: str) -> None:
    """A contract runs for the image that serves, named by tag or by digest."""
    if name == "digest":
        found = stage.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
        name = next(one["imageDigest"] for one in found if one["imageTags"] == ["1"])
    stage.cloud.advance(DAY)
    result = arca(*CONTRACT, "--image", name)
    assert result.exit_code == 0, result.output
    assert "ecs.run_task" in stage.calls


def test_a_contract_during_a_deployment(stage: Stage, arca: Arca) -> None:
    """A contract is refused during a deployment, even back to a release that was live for long."""
    stage.cloud.advance(DAY)
    assert stage.release().deploy("2").exit_code == 0
    stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, taskDefinition="api:1")
    stage.cloud.advance(1)
    error = refused(arca(*CONTRACT))
    assert "is IN_PROGRESS" in error.what
    assert "no deployment under way" in error.wanted


def test_a_contract_while_two_releases_serve(stage: Stage, arca: Arca) -> None:
    """A contract is refused after a failed rollback, when two releases may serve."""
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.fault("rollback-fails")
    assert stage.release().deploy("2").exit_code == 4
    stage.cloud.advance(DAY)
    assert "api:1 and api:2 serves" in refused(arca(*CONTRACT)).what


def test_a_contract_waits_from_the_end_of_its_deployment(stage: Stage, arca: Arca) -> None:
    """The wait counts from the deployment's end: a day, or --wait."""
    stage.cloud.advance(DAY)
    assert stage.release().deploy("2").exit_code == 0
    stage.cloud.advance(DAY - 10)
    assert "is refused until" in refused(arca(*CONTRACT)).what
    assert arca(*CONTRACT, "--wait", "1h").exit_code == 0
    stage.cloud.advance(10)
    assert arca(*CONTRACT).exit_code == 0


def test_no_migration_during_a_release(stage: Stage, arca: Arca) -> None:
    """A migration is refused with the lock's holder; a dry run needs no lock."""
    seen: list[Result] = []

    def migrate(_deployment: Any) -> None:
        if not seen:
            seen.append(arca("migrate", "--phase", "expand", "--image", "2"))
            seen.append(arca("migrate", "--phase", "expand", "--image", "2", "--dry-run"))

    assert stage.release(watch=migrate).deploy("2").exit_code == 0
    assert f"deploy of {URL}:2" in refused(seen[0]).what
    assert seen[1].exit_code == 0


def test_no_release_during_a_migration(stage: Stage, arca: Arca) -> None:
    """A release is refused with the migration's name, and may run afterwards."""
    seen: list[str] = []

    def deploy(call: str) -> None:
        if call == "ecs.run_task" and not seen:
            with pytest.raises(Refused) as raised:
                stage.release().deploy("2")
            seen.append(raised.value.what)

    stage.after = deploy
    assert arca("migrate", "--phase", "expand", "--image", "2").exit_code == 0
    assert f"migrate of {URL}:2 (expand)" in seen[0]
    assert stage.journal is None
    assert stage.release().deploy("2").exit_code == 0


def test_a_long_migration_is_alive(stage: Stage, arca: Arca) -> None:
    """A migration writes heartbeats while its task runs."""
    command = ["sh", "-c", "sleep 0.3"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    beats: list[str] = []

    def written(call: str) -> None:
        if call == "ssm.put_parameter":
            beats.append((stage.journal or {})["beat"])

    stage.after = written
    assert arca("migrate", "--image", "2", "--timeout", "7d").exit_code == 0
    assert len({*beats}) > 1


def test_a_migration_that_ends_badly_frees_the_lock(stage: Stage, arca: Arca) -> None:
    """A failed, interrupted or refused migration frees the lock."""
    runs(stage, f"{URL}:2", code=3)
    assert arca("migrate", "--image", "2").exit_code == 1
    assert stage.journal is None
    for error in (KeyboardInterrupt(), ArcaError("no", where="", wanted="", do="")):

        def end(call: str, error: BaseException = error) -> None:
            if call == "ecs.run_task":
                raise error

        stage.before = end
        assert arca("migrate", "--image", "2").exit_code == 1
        assert stage.journal is None


def test_a_killed_migration(stage: Stage, arca: Arca) -> None:
    """The next migration takes the lock over; no resumed release deploys its image."""
    held = Journal.begin(stage.stack, what="migrate", image=f"{URL}:2 (expand)", clock=stage.clock)
    assert "migrate of" in refused(arca("migrate", "--image", "2")).what
    held.leave()
    assert arca("migrate", "--image", "2").exit_code == 0
    assert stage.journal is None
    killed = migration_lock(stage.stack, f"{URL}:2", ("expand",), stage.clock)
    killed.__enter__()
    stage.abandon()
    with pytest.raises(ArcaError):
        stage.release().resume()
    assert stage.serves()[0] == {"api:1"}
    assert "ecs.update_service" not in stage.calls


def test_a_dead_release_is_not_ended_by_a_migration(stage: Stage, arca: Arca) -> None:
    """A killed release keeps the lock, because it has a step to resume."""
    Journal.begin(stage.stack, what="deploy", image=f"{URL}:2", clock=stage.clock)
    stage.abandon()
    assert f"deploy of {URL}:2" in refused(arca("migrate", "--image", "2")).what
    assert stage.journal is not None


def test_a_refused_migration(stage: Stage, arca: Arca) -> None:
    """A refusal ends with exit code 6 and the runner's own words."""
    runs(stage, f"{URL}:2", "{}", "no JSON", REFUSAL, code=6)
    result = arca("migrate", "--image", "2")
    assert result.exit_code == 6
    assert "REFUSED: Another runner. To do: Wait." in result.stdout
    said = json.loads(arca("migrate", "--image", "2", "--json").stdout)
    assert said["refused"] == "Another runner. To do: Wait."


RETRIED: dict[str, Any] = {
    "event": "migration.retried",
    "message": "Attempt 1 ended by lock_timeout; again in 1.0 s.",
    "revision": "r2",
    "phase": "expand",
    "blocked_by": [{"pid": 7, "user": "report"}],
}
FAILED: dict[str, Any] = {
    "event": "migration.failed",
    "message": "Revision r2 (expand) failed: column exists (SQLSTATE 42701).",
    "do": "correct the revision, release, and run again",
    "revision": "r2",
    "phase": "expand",
    "blocked_by": [],
}
CAUSE = (
    "Revision r2 (expand) failed: column exists (SQLSTATE 42701). "
    "To do: correct the revision, release, and run again."
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plain", "plain"),
        ('{"event": "other.event", "message": "M."}', '{"event": "other.event", "message": "M."}'),
        ('{"event": "migration.done"}', '{"event": "migration.done"}'),
        ('{"event": "migration.done", "message": "M."}', "M."),
        (
            json.dumps(RETRIED),
            f"r2 (expand): {RETRIED['message']} Blocked by pid 7 of report.",
        ),
        (json.dumps({**RETRIED, "blocked_by": ["?"]}), "pid None of None."),
        (json.dumps({**RETRIED, "blocked_by": []}), "a session that has ended since."),
        (json.dumps(FAILED), CAUSE),
    ],
)
def test_events_as_sentences(line: str, said: str) -> None:
    """An event of the runner is a sentence; every other line stays as it is."""
    assert sentence(line).endswith(said)


def test_a_failed_migration_is_explained(stage: Stage, arca: Arca) -> None:
    """The cause comes first, then what to do, then the exit code; no line is raw JSON."""
    runs(stage, f"{URL}:2", json.dumps(RETRIED), json.dumps(FAILED), code=1)
    for words in (("migrate", "--image", "2"), ("deploy", "2")):
        result = arca(*words)
        assert result.exit_code == 1
        headline = f"FAILED: {CAUSE} The migrations ended with 1"
        assert result.stdout.startswith(headline), result.output
        assert f"\n{CAUSE}\n" in result.stderr
        assert "{" not in result.output
    said = printed_json(arca("migrate", "--image", "2", "--json"))
    assert json.loads(said["lines"][-1]) == FAILED


def test_migrations_that_never_ran(stage: Stage, arca: Arca) -> None:
    """ECS's own reason is the cause where the runner said nothing."""
    stage.cloud.fault("image-missing", image=f"{URL}:2")
    result = arca("migrate", "--image", "2")
    assert "FAILED: the migrations never ran: CannotPullContainerError" in result.stdout


@pytest.mark.parametrize("words", [(), ("2",), ("api:2",)])
def test_why_migrations_failed(stage: Stage, arca: Arca, words: tuple[str, ...]) -> None:
    """`arca why` knows a release that ended before its deployment, without a name the latest."""
    stage.push("3")
    runs(stage, f"{URL}:2", json.dumps(FAILED), code=1)
    assert arca("deploy", "2").exit_code == 1
    result = arca("why", *words)
    assert result.exit_code == 0, result.output
    assert f"1. {CAUSE}" in result.stdout
    said = printed_json(arca("why", *words, "--json"))
    assert (said["deployment"], said["task_definition"]) == (None, "api:2")
    assert said["causes"][0]["kind"] == "migrations"
    assert CAUSE in said["causes"][0]["cause"]
    # A deployment that failed later is explained instead, unless the revision is named.
    stage.cloud.advance(5)
    stage.cloud.fault("exits", image=f"{URL}:3")
    assert arca("deploy", "3", "--skip-migrations").exit_code == 3
    assert (CAUSE in arca("why", *words).stdout) is bool(words)


def test_a_plan_that_a_run_would_refuse(arca: Arca, tmp_path: Path) -> None:
    """A plan shows what it can, then says what a run would refuse; exit code 6."""
    steps = ("expand", "SELECT 1"), ("contract", "DROP TABLE a"), ("expand", "SELECT 2")
    words = ("migrate", "--plan", "--history", str(write(tmp_path, *steps)))
    result = arca(*words)
    assert "r3 (expand) stands behind r2 (contract)" in refused(result).what
    assert "-- r1 (expand)" in result.stdout
    assert "-- held back: r2 (contract)" in result.stdout
    result = arca(*words, "--json")
    content = json.loads(result.stdout)
    assert (content["held"], content["stuck"], result.exit_code) == (["r2", "r3"], "r3", 6)
    every = ("--phase", "expand", "--phase", "contract")
    assert arca(*words, *every).exit_code == 0
    assert arca(*words, "--from", "r2").exit_code == 0


def test_a_plan_from_nothing(arca: Arca) -> None:
    """Without --from a plan begins at `base`."""
    words = ("migrate", "--plan", "--history", str(INVOICES))
    result = arca(*words, "--from", "base")
    assert result.exit_code == 0, result.output
    assert "-- 0001" in result.stdout
    assert result.stdout == arca(*words).stdout
    assert "-- 0004_by_day" not in arca(*words, "--from", "0004_by_day").stdout
    assert "no revision" in str(arca(*words, "--from", "nowhere").exception)


def test_migrate(stage: Stage, arca: Arca) -> None:
    """`arca migrate` runs the image's own runner with the phases that were named."""
    command = ["sh", "-c", 'echo "$@"', "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    assert arca("migrate", "--image", "2", "--dry-run").exit_code == 0
    assert "ecs.run_task" not in stage.calls
    said = printed_json(arca("migrate", "--image", "2", "--phase", "expand", "--json"))
    assert said["lines"] == ["/app/migrate --phases expand --release 2"]


@pytest.mark.parametrize("phase", ["standby", "promoting", "fenced"])
@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_no_migration_beside_the_region_that_serves(
    stage: Stage, arca: Arca, phase: Aside, option: tuple[str, ...]
) -> None:
    """A replica takes no writes, and a fenced database is one of before."""
    stage.enter(phase)
    refused = arca("migrate", "--image", "2", *option)
    assert isinstance(refused.exception, Refused)
    assert f"is {phase}" in str(refused.exception)
    assert "ecs.run_task" not in stage.calls
    assert stage.journal is None


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_no_migration_once_the_customers_were_sent_away(
    stage: Stage, arca: Arca, option: tuple[str, ...]
) -> None:
    """Until the fence, only the lever says that the other region serves."""
    stage.pull_lever()
    refused = arca("migrate", "--image", "2", *option)
    assert isinstance(refused.exception, Refused)
    assert "the failover lever is pulled" in str(refused.exception)
    assert "ecs.run_task" not in stage.calls
    assert stage.journal is None


@pytest.mark.parametrize("phase", ["standby", "promoting"])
def test_a_release_to_a_standby_runs_no_migrations(stage: Stage, phase: Aside) -> None:
    """Nobody has to remember to say --skip-migrations during a failover."""
    stage.enter(phase)
    assert stage.release().deploy("2").verdict is Verdict.LIVE
    assert stage.calls.count("ecs.run_task") == 1  # the smoke tests


def test_a_contract_waits(stage: Stage, arca: Arca) -> None:
    """A contract is refused until what runs has been live for a day."""
    refused = arca("migrate", "--phase", "contract")
    assert isinstance(refused.exception, Refused)
    assert "a rollback must stay possible for 24 hours" in str(refused.exception)
    stage.cloud.advance(24 * 60 + 1)
    assert arca("migrate", "--phase", "contract").exit_code == 0
