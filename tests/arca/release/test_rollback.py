"""`arca rollback` and `arca stop`: where they lead, and where they are refused."""

import json
from datetime import timedelta

import pytest
from click.testing import Result

from arca.errors import Refused
from arca.release.journal import Journal
from tests.arca.release.failing import Killed, denied, killer, press_after
from tests.arca.release.stage import URL, Arca, Stage, printed_json, released, written

DRY = ("rollback", "--dry-run")


def test_rollback_to_the_release_of_before(stage: Stage, arca: Arca) -> None:
    """A rollback deploys the previous release again, after a dry run that changes nothing."""
    arca("deploy", "2")
    plan = printed_json(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"], plan["image"]) == (None, "api:1", f"{URL}:1")
    assert (plan["way"], plan["registers"], plan["refused"]) == ("at once", False, None)
    said = arca("rollback", "--dry-run").stdout
    assert said == (
        f"Would go back to api:1 ({URL}:1), at once: without canary, pause, bake and alarms.\n"
    )
    gradual = arca("rollback", "--gradual", "--dry-run").stdout
    assert gradual.endswith("), gradually: as the stack deploys a release.\n")
    assert stage.serves()[0] == {"api:2"}
    result = arca("rollback", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (0, "live")
    assert stage.serves() == ({"api:1"}, {"api:1"})
    assert stage.journal is None


def test_rollback_where_there_is_nothing_to_go_back_to(arca: Arca) -> None:
    """A rollback without an earlier release is an error."""
    result = arca("rollback")
    assert result.exit_code == 1
    assert "There is nothing to roll back to" in str(result.exception)


def refused(result: Result) -> str:
    """Return what is printed where a command was refused."""
    assert isinstance(result.exception, Refused), result.output
    return str(result.exception)


def test_rollback_twice_is_not_once_too_far(stage: Stage, arca: Arca) -> None:
    """A second rollback is refused, unless it names its revision."""
    arca("deploy", "2")
    assert arca("rollback").exit_code == 0
    for words in (("rollback", "--dry-run"), ("rollback",)):
        assert "already: the latest deployment was a rollback" in refused(arca(*words))
    assert stage.serves()[0] == {"api:1"}
    assert printed_json(arca("rollback", "--to", "api:2", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_named_revision_that_serves_already(stage: Stage, arca: Arca) -> None:
    """What serves is no release to go back to, while customers reach it."""
    arca("deploy", "2")
    stage.calls.clear()
    for words in (("--to", "api:2", "--dry-run"), ("--to", "2")):
        assert "api:2 serves already." in refused(arca("rollback", *words))
    assert written(stage) == []
    stage.turn_the_rule()
    assert printed_json(arca("rollback", "--to", "2", "--dry-run", "--json"))["to"] == "api:2"


def test_rollback_after_one_that_came_by_itself(stage: Stage, arca: Arca) -> None:
    """A rollback is refused where ECS has rolled back already."""
    arca("deploy", "2")
    stage.cloud.fault("exits", image=stage.push("3"), code=1)
    assert arca("deploy", "3").exit_code == 3
    text = refused(arca("rollback"))
    assert "was rolled back by ECS" in text
    assert "of arca-test-api:3" in text
    assert stage.serves()[0] == {"api:2"}


def test_rollback_after_one_that_failed(stage: Stage, arca: Arca) -> None:
    """After a failed rollback the failed deployment's source is deployed again."""
    arca("deploy", "2")
    stage.push("3")
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.fault("rollback-fails")
    assert arca("deploy", "3").exit_code == 4
    stage.cloud.control("DELETE", "/arca/faults")
    plan = printed_json(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"]) == (None, "api:2")
    result = arca("rollback", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (0, "live"), result.output
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_revision_that_was_never_live(stage: Stage, arca: Arca) -> None:
    """A revision that was never live is refused, with those that were."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=1)
    arca("deploy", "2")
    text = str(arca("rollback", "--to", "api:2").exception)
    assert "'api:2' is not a release that was live" in text
    assert "wanted: one of api:1 (arca-test-api:1)" in text


def test_a_named_revision_while_a_deployment_is_under_way(stage: Stage, arca: Arca) -> None:
    """A named revision is refused during a deployment, which leads elsewhere when stopped."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    for words in (("rollback", "--to", "api:1", "--dry-run"), ("rollback", "--to", "api:1")):
        assert "stop it first: `arca stop" in refused(arca(*words))
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


def applied(revision: str, phase: str, moment: str) -> str:
    """Return what the migration task prints of an applied migration."""
    one = {
        "revision": revision,
        "phase": phase,
        "release": "2",
        "applied_at": moment,
        "seconds": 1.0,
    }
    return json.dumps({"event": "migration.history", "applied": [one]})


def test_rollback_where_the_history_cannot_be_read(stage: Stage, arca: Arca) -> None:
    """A rollback is refused where the applied migrations are unknown."""
    arca("deploy", "2")
    command = ["sh", "-c", 'echo \'{"event": "migration.history", "applied": [{}]}\'']
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == 6
    assert "the applied migrations are unknown" in printed_json(result)["reason"]


@pytest.mark.parametrize(("phase", "code"), [("contract", 6), ("expand", 0)])
def test_rollback_after_a_contract(stage: Stage, arca: Arca, phase: str, code: int) -> None:
    """A rollback past a contract is refused, unless a person gives a reason."""
    arca("deploy", "2")
    line = applied("0007", phase, stage.clock.now().isoformat())
    command = ["sh", "-c", f"echo '{line}'"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == code, result.output
    if code == 6:
        assert "0007" in printed_json(result)["reason"]
        assert stage.serves()[0] == {"api:2"}
        result = arca("rollback", "--contract-ran", "--reason", "tried in staging", "--json")
        assert result.exit_code == 0
    assert stage.serves()[0] == {"api:1"}


def test_a_dry_rollback_names_what_it_would_stop(stage: Stage, arca: Arca) -> None:
    """A dry run names the deployment that would be stopped, and what serves then."""
    arca("deploy", "2", "--skip-migrations")
    stage.cloud.deploy(stage.push("3"))
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    under_way = stage.cloud.deployment()["serviceDeploymentArn"].rpartition("/")[2]
    plan = printed_json(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"], plan["image"]) == (under_way, "api:2", f"{URL}:2")
    assert plan["way"] == "stop"
    assert f"Would stop {under_way} and go back to api:2" in arca("rollback", "--dry-run").stdout
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("minutes", "code"), [(-30, 0), (1, 6)], ids=["before it was replaced", "while it was"]
)
def test_the_moment_of_a_contract_counts(stage: Stage, arca: Arca, minutes: int, code: int) -> None:
    """Only a contract that ran after the release was replaced closes the way back."""
    moment = released(stage, arca).created + timedelta(minutes=minutes)
    line = applied("0007", "contract", moment.isoformat())
    command = ["sh", "-c", f"echo '{line}'"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == code, result.output
    assert stage.serves()[0] == ({"api:2"} if code else {"api:1"})


def test_stop(stage: Stage, arca: Arca) -> None:
    """`arca stop` asks, then rolls back; without a deployment it says so."""
    assert printed_json(arca("stop", "--json"))["under_way"] is None
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("stop", answer="n\n").exit_code == 1
    said = printed_json(arca("stop", "--json"))["error"]
    assert (said["exit_code"], said["do"][-9:]) == (2, "add --yes")
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"
    dry = printed_json(arca("stop", "--dry-run", "--json"))
    assert dry["under_way"] == stage.cloud.deployment()["serviceDeploymentArn"]
    result = arca("stop", "--yes", "--json")
    assert (result.exit_code, printed_json(result)["verdict"]) == (3, "rolled back")
    assert stage.serves()[0] == {"api:1"}


def test_stop_closes_a_dead_journal(stage: Stage, arca: Arca) -> None:
    """`arca stop` closes a killed release's journal, and never a living one's."""
    held = Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    assert isinstance(arca("stop").exception, Refused)
    held.leave()
    assert printed_json(arca("stop", "--json"))["journal_closed"] is True
    assert stage.journal is None


def test_while_a_stop_is_watched(stage: Stage, arca: Arca) -> None:
    """Ctrl-C during a stop ends the watching, while ECS rolls back."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    press_after(stage, "ecs.stop_service_deployment")
    result = arca("stop", "--yes")
    assert result.exit_code == 130
    assert "ECS goes on by itself" in result.stderr


def test_a_stop_that_comes_too_late(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment that ended while `arca stop` asked stays live, and that is no success."""
    import click

    stage.cloud.deploy(f"{URL}:2")
    found = stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))

    def confirm(_text: str, **_: bool) -> bool:
        stage.client("ecs").continue_service_deployment(
            serviceDeploymentArn=found["serviceDeploymentArn"],
            hookId=found["lifecycleHookDetails"][0]["hookId"],
        )
        stage.cloud.until(lambda one: one["status"] == "SUCCESSFUL")
        return True

    monkeypatch.setattr(click, "confirm", confirm)
    result = arca("stop", "--json")
    said = printed_json(result)
    assert (result.exit_code, said["verdict"]) == (7, "another serves")
    assert said["reason"].startswith("api:1 was asked for; ECS says SUCCESSFUL, and api:2 serves")
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_rollback_that_ecs_undoes(stage: Stage, arca: Arca) -> None:
    """An alarm takes the rollback back: the exit code says so, and the next rollback goes on."""
    arca("deploy", "2")
    stage.cloud.fault("alarm-at", percent=10)
    result = arca("rollback", "--gradual", "--json")
    said = printed_json(result)
    assert (result.exit_code, said["verdict"]) == (7, "another serves")
    assert said["reason"].startswith("api:1 was asked for; ECS says ROLLBACK_SUCCESSFUL, and api:2")
    assert stage.serves() == ({"api:2"}, {"api:2"})
    stage.cloud.control("DELETE", "/arca/faults")
    assert printed_json(arca("rollback", "--dry-run", "--json"))["to"] == "api:1"
    assert printed_json(arca("rollback", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:1"}, {"api:1"})


@pytest.mark.parametrize("name", ["api:1", "1", "arca-test-api:1", f"{URL}:1"])
def test_a_release_is_named_by_revision_tag_or_image(stage: Stage, arca: Arca, name: str) -> None:
    """`--to` takes what an operator remembers."""
    arca("deploy", "2")
    assert printed_json(arca("rollback", "--to", name, "--dry-run", "--json"))["to"] == "api:1"
    assert stage.serves()[0] == {"api:2"}


def test_a_stop_whose_rollback_fails(stage: Stage, arca: Arca) -> None:
    """A failed rollback is printed as such, with its runbook."""
    stage.cloud.fault("rollback-fails")
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("promote").exit_code == 0
    stage.cloud.until(lambda found: found["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT")
    result = arca("stop", "--yes", "--json")
    found = printed_json(result)
    assert (result.exit_code, found["verdict"]) == (4, "rollback failed")
    assert found["runs"] is None
    assert found["runbook"]


def contract_ran(stage: Stage) -> None:
    """Have the migrations' task of image 2 print a contract that ran just now."""
    line = applied("0007", "contract", stage.clock.now().isoformat())
    command = ["sh", "-c", f"echo '{line}'"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})


def test_a_dry_rollback_asks_what_the_run_asks(stage: Stage, arca: Arca) -> None:
    """A contract that ran refuses both with the same reason; the dry run deploys nothing."""
    arca("deploy", "2")
    contract_ran(stage)
    before = len(written(stage))
    dry = arca("rollback", "--dry-run", "--json")
    assert written(stage)[before:] == ["ecs.run_task"]
    assert stage.journal is None
    run = arca("rollback", "--json")
    assert (dry.exit_code, run.exit_code) == (6, 6)
    assert printed_json(dry)["refused"] == printed_json(run)["reason"]
    assert "0007" in printed_json(dry)["refused"]
    assert "Would be refused: The rollback is refused: contract" in arca(*DRY).stdout
    opened = (*DRY, "--contract-ran", "--reason", "tried")
    assert arca(*opened).exit_code == 0


@pytest.mark.parametrize("words", [DRY, ("rollback",), ("deploy", "2", "--dry-run")])
def test_a_lock_that_is_held_refuses_at_once(
    stage: Stage, arca: Arca, words: tuple[str, ...]
) -> None:
    """Dry runs are refused as the runs are, before any task is started."""
    arca("deploy", "2")
    held = Journal.begin(stage.stack, what="deploy", image=f"{URL}:3", clock=stage.clock)
    before = len(written(stage))
    assert "Somebody else releases to prod" in refused(arca(*words))
    assert written(stage)[before:] == []
    assert stage.journal is not None
    assert stage.journal["run"] == held.entry.run
    # A rollback takes the lock of a dead release, and a deployment does not.
    stage.abandon()
    if words[0] == "rollback":
        assert arca(*words).exit_code == 0
    else:
        assert "A run on prod was interrupted" in refused(arca(*words))


def test_only_one_of_two_operators_asks_for_the_contracts(stage: Stage, arca: Arca) -> None:
    """The second of two rollbacks is refused while the first one's task runs."""
    arca("deploy", "2")
    before = stage.calls.count("ecs.run_task")
    second: list[str] = []

    def another(call: str) -> None:
        if call == "ecs.run_task" and not second:
            second.append("begun")
            second.append(refused(arca("rollback")))

    stage.after = another
    assert arca("rollback").exit_code == 0
    assert "rollback of" in second[1]
    assert stage.calls.count("ecs.run_task") == before + 1


def test_a_resumed_rollback_asks_again(stage: Stage, arca: Arca) -> None:
    """A contract may have run since the rollback was killed; a reason that was given still counts.

    The reason is printed with the verdict.
    """
    arca("deploy", "2")
    for words, code in (((), 6), (("--contract-ran", "--reason", "tried"), 0)):
        stage.after = killer("ssm.put_parameter")
        with pytest.raises(Killed):
            arca("rollback", *words)
        stage.after = lambda _call: None
        stage.abandon()
        contract_ran(stage)
        result = arca("deploy", "--resume", "--json")
        assert result.exit_code == code, result.output
        assert printed_json(result)["opened"] == ({} if code else {"contract": "tried"})
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_a_contract_of_before_a_failed_release(stage: Stage, arca: Arca) -> None:
    """After a failed rollback the previous release was live until that deployment began."""
    arca("deploy", "2", "--skip-migrations")
    contract_ran(stage)
    stage.cloud.advance(1)
    stage.push("3")
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.fault("rollback-fails")
    assert arca("deploy", "3", "--skip-migrations").exit_code == 4
    stage.cloud.control("DELETE", "/arca/faults")
    assert printed_json(arca(*DRY, "--json"))["refused"] is None


def deregister(stage: Stage, name: str) -> None:
    """Deregister a revision, as a cleaning job does."""
    stage.client("ecs").deregister_task_definition(taskDefinition=name)


def test_a_deregistered_release_is_registered_again(stage: Stage, arca: Arca) -> None:
    """ECS deploys no INACTIVE revision: its contents are registered again and deployed."""
    arca("deploy", "2")
    deregister(stage, "api:1")
    plan = printed_json(arca(*DRY, "--json"))
    assert (plan["to"], plan["registers"]) == ("api:1", True)
    assert f"api:1 ({URL}:1), which is registered again, at once" in arca(*DRY).stdout
    result = arca("rollback", "--json")
    said = printed_json(result)
    assert (result.exit_code, said["verdict"]) == (0, "live"), result.output
    ((runs,), running) = stage.serves()
    assert running == {runs}
    assert runs not in ("api:1", "api:2")
    service = stage.service()
    old, new = service.definition("api:1"), service.definition(runs)
    assert (old["status"], new["status"]) == ("INACTIVE", "ACTIVE")
    assert old["containerDefinitions"] == new["containerDefinitions"]


def test_a_copy_of_a_release_is_that_release(stage: Stage, arca: Arca) -> None:
    """A second rollback is refused; the next release keeps the latest template."""
    stage.cloud.register(f"{URL}:1", environment=[{"name": "NEWER", "value": "yes"}])
    arca("deploy", "2")
    deregister(stage, "api:1")
    assert arca("rollback").exit_code == 0
    assert "the latest deployment was a rollback" in refused(arca("rollback"))
    assert "serves already" in refused(arca("rollback", "--to", "api:1"))
    stage.push("3")
    assert arca("deploy", "3").exit_code == 0
    container = stage.service().current_definition()["containerDefinitions"][0]
    assert container["environment"] == [{"name": "NEWER", "value": "yes"}]
    assert printed_json(arca(*DRY, "--json"))["image"] == f"{URL}:1"


def test_a_copy_is_no_other_release(stage: Stage, arca: Arca) -> None:
    """Where the copy is of the only release that was live, there is none to go back to."""
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.fault("rollback-fails")
    assert arca("deploy", "2").exit_code == 4
    stage.cloud.control("DELETE", "/arca/faults")
    deregister(stage, "api:1")
    assert arca("rollback").exit_code == 0
    result = arca("rollback")
    assert "ECS knows no other release that was live" in str(result.exception)


def test_a_release_whose_copy_is_the_latest(stage: Stage, arca: Arca) -> None:
    """A copy that is registered already is deployed, as after a kill between two calls."""
    arca("deploy", "2")
    deregister(stage, "api:1")
    copy = stage.cloud.register(f"{URL}:1")
    before = stage.calls.count("ecs.register_task_definition")
    assert arca("rollback").exit_code == 0
    assert stage.calls.count("ecs.register_task_definition") == before
    assert stage.serves()[0] == {copy.rpartition("/")[2]}


def test_a_rollback_killed_between_two_registrations_keeps_the_template(
    stage: Stage, arca: Arca
) -> None:
    """Whoever resumes it registers the family's latest again, which the next release takes."""
    stage.cloud.register(f"{URL}:1", environment=[{"name": "NEWER", "value": "yes"}])
    arca("deploy", "2")
    deregister(stage, "api:1")

    def die(call: str) -> None:
        if call == "ecs.register_task_definition":
            stage.after = lambda _call: None
            raise Killed

    stage.after = die
    with pytest.raises(Killed):
        stage.release().back_to("api:1", f"{URL}:1")
    stage.abandon()
    assert arca("deploy", "--resume").exit_code == 0
    assert stage.service().current_definition()["containerDefinitions"][0]["image"] == f"{URL}:1"
    stage.push("3")
    assert arca("deploy", "3").exit_code == 0
    container = stage.service().current_definition()["containerDefinitions"][0]
    assert container["environment"] == [{"name": "NEWER", "value": "yes"}]


def test_a_template_that_cannot_be_registered_again_is_named(stage: Stage, arca: Arca) -> None:
    """Nothing is deployed, and the message says which revision is to be registered by hand."""
    stage.cloud.register(f"{URL}:1", environment=[{"name": "NEWER", "value": "yes"}])
    arca("deploy", "2")
    deregister(stage, "api:1")

    def refuse(call: str) -> None:
        if call == "ecs.register_task_definition":
            stage.after = lambda _call: None
            denied(stage, "ecs.register_task_definition")

    stage.after = refuse
    result = arca("rollback")
    assert "api:3, the template of the next release, cannot be registered" in str(result.exception)
    assert stage.serves()[0] == {"api:3"}


def test_a_dry_deployment_opens_gates_as_the_run_does(stage: Stage, arca: Arca) -> None:
    """A gate that would be opened by hand does not refuse the dry run."""
    stage.cloud.alarm("ALARM")
    words = ("deploy", "2", "--dry-run", "--override", "alarms", "--reason", "watched by hand")
    result = arca(*words, "--json")
    assert (result.exit_code, printed_json(result)["closed"]) == (0, [])
    assert arca(*words).stdout.endswith("Would be deployed.\n")
