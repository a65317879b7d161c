"""A primary that may still write: lost in part, alive behind a broken network, or given back."""

import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner

from arca.cli import dr_scene
from arca.cli.main import cli
from arca.errors import ArcaError, ExitCode, Refused
from arca.recovery import fence
from arca.release import run_lock
from tests.arca.recovery.stage import (
    FAR,
    PRIMARY_CLUSTER,
    SERVICE,
    Stage,
    denial,
    ended_well,
    writes,
)


def refusal(stage: Stage, *words: str) -> ArcaError:
    """Run the failover, and return its error."""
    found = stage.arca("--yes", *words).exception
    assert isinstance(found, ArcaError)
    return found


def give_back(stage: Stage) -> None:
    """Let the primary serve again, as a person does without `arca dr`."""
    stage.client("ecs", FAR).update_service(
        cluster=PRIMARY_CLUSTER, service=SERVICE, desiredCount=2
    )
    stage.export("prod", phase="active")


@pytest.mark.parametrize("until", ["fence", "lag", "promote", "switch"])
def test_a_primary_that_was_given_back_is_fenced_again(stage: Stage, until: str) -> None:
    """The journal alone is no proof that the primary is fenced."""
    assert stage.arca("--yes", "--until", until).exit_code == ExitCode.DONE
    give_back(stage)
    tasks = list[int]()

    def look(call: str) -> None:
        if "promote_read_replica" in call:
            tasks.append(stage.primary_tasks())

    stage.before = look
    result = stage.arca("--yes", "--resume")
    assert result.exit_code == ExitCode.DONE, result.output
    assert stage.updates.count(("prod", "fenced")) == 2
    assert stage.primary_tasks() == 0
    assert not any(tasks)
    ended_well(stage)


def test_one_service_that_is_silent_is_no_lost_region(stage: Stage) -> None:
    """RDS answers, so the primary may write."""

    def silent(call: str) -> None:
        if call.startswith(f"{FAR} ecs"):
            raise EndpointConnectionError(endpoint_url="https://ecs")

    stage.before = silent
    assert "answers in part" in refusal(stage).what
    assert stage.follows
    assert not stage.pulled


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable"])
def test_an_answer_is_no_silence(stage: Stage, code: str) -> None:
    """Throttling and a failure of AWS's own come from a region that lives."""

    def busy(call: str) -> None:
        if call.startswith(FAR):
            error = denial(call)
            error.response["Error"] = {"Code": code}
            error.response["ResponseMetadata"] = {"HTTPStatusCode": 503}  # pyright: ignore[reportGeneralTypeIssues, reportAttributeAccessIssue]
            raise error

    stage.before = busy
    assert "answers in part" in refusal(stage).what
    assert stage.follows


def test_a_primary_that_lives_behind_a_broken_network(stage: Stage) -> None:
    """Good answers for customers show that only this machine does not reach the region."""
    stage.lost = stage.alive = True
    error = refusal(stage)
    assert isinstance(error, Refused)
    assert "its customers get good answers" in error.what
    assert "--without-fence" in error.do
    assert stage.follows
    assert not stage.pulled


def test_a_replica_that_receives(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of a moment ago has a source that lives."""
    monkeypatch.setattr(fence, "EMULATED_RECEIVED_SECONDS", 150.0)
    stage.lost = True
    error = refusal(stage)
    assert isinstance(error, Refused)
    assert "its replica has a transaction of" in error.what
    assert stage.follows
    # After a real loss none arrives any more.
    stage.lag = 160.0
    result = stage.arca("--yes", "--resume")
    assert result.exit_code == ExitCode.DONE, result.exception
    ended_well(stage)


def test_without_a_fence_the_customers_leave_first(stage: Stage) -> None:
    """Before the database is promoted the lever is pulled, and nobody reaches the primary."""
    stage.lost = stage.alive = True
    seen = list[tuple[bool, bool]]()

    def look(call: str) -> None:
        if "promote_read_replica" in call:
            seen.append((stage.pulled, stage.customers_are_served()))

    stage.before = look
    result = stage.arca("--yes", "--without-fence")
    assert result.exit_code == ExitCode.DONE, result.output
    assert seen == [(True, False)]
    assert "prod is NOT fenced" in result.stdout
    ended_well(stage)


def test_customers_that_do_not_leave(stage: Stage) -> None:
    """Nothing is promoted while the customers' invoices would be lost."""
    stage.lost = stage.alive = True
    stage.dns_follows = False
    assert "Customers still reach prod" in refusal(stage, "--without-fence").what
    assert stage.follows


def test_a_task_beside_the_service(stage: Stage) -> None:
    """A migration writes too."""
    far = stage.client("ecs", FAR)
    arn = far.list_tasks(cluster=PRIMARY_CLUSTER)["taskArns"][0]
    task = far.describe_tasks(cluster=PRIMARY_CLUSTER, tasks=[arn])["tasks"][0]
    service = far.describe_services(cluster=PRIMARY_CLUSTER, services=[SERVICE])["services"][0]
    started = far.run_task(
        cluster=PRIMARY_CLUSTER,
        taskDefinition=task["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
    )["tasks"][0]["taskArn"]
    assert fence.running(stage.find("prod")) == 3
    far.stop_task(cluster=PRIMARY_CLUSTER, task=started)
    assert fence.running(stage.find("prod")) == 2


def test_abort(stage: Stage) -> None:
    """Before the promotion the primary is given back, and the failover is forgotten."""
    result = stage.arca("--yes", "--until", "lag")
    assert "--abort` gives it back" in result.stderr
    result = stage.arca("--yes", "--abort")
    assert result.exit_code == ExitCode.DONE, result.output
    assert stage.updates[-1] == ("prod", "active")
    assert stage.journal is None
    assert stage.follows
    assert not stage.pulled


def test_abort_pushes_the_lever_back(stage: Stage) -> None:
    """Customers that were sent away come back."""
    stage.lost = True
    stage.arca("--yes", "--until", "lag")
    assert stage.pulled
    stage.lost = False
    assert stage.arca("--yes", "--abort").exit_code == ExitCode.DONE
    assert not stage.pulled


def test_abort_after_the_promotion(stage: Stage) -> None:
    """There may be two ledgers then."""
    stage.arca("--yes", "--until", "promote")
    before = stage.updates[:]
    assert isinstance(refusal(stage, "--abort"), Refused)
    assert stage.updates == before
    assert stage.journal is not None


def test_a_failover_that_was_left_for_hours(stage: Stage) -> None:
    """--yes does not confirm it: nobody knows what happened since."""
    stage.arca("--yes", "--until", "lag")
    before = writes(stage)
    stage.elsewhere(silent=timedelta(hours=7).total_seconds())
    result = stage.arca("--yes", "--resume")
    assert result.exit_code != ExitCode.DONE
    assert "was left 7.0 hours ago" in result.stderr
    assert writes(stage) == before
    assert stage.arca("--yes", "--resume", answer="dr\n").exit_code == ExitCode.DONE
    ended_well(stage)


def test_it_serves_already_and_does_not_answer(stage: Stage) -> None:
    """An active standby with the customers is tested before it is called good."""
    stage.arca("--yes")
    stage.dns_follows = False
    words = ["dr", "failover", "--yes"]
    result = CliRunner().invoke(cli, words, obj=stage.clock, standalone_mode=False)
    assert result.return_value == ExitCode.FAILED
    assert "does not serve" in result.stdout


def test_customers_elsewhere_without_a_fence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good answer proves nothing while the primary may give it."""

    def elsewhere(*_: object) -> str:
        return "origin leads to 192.0.2.1"

    monkeypatch.setattr(dr_scene, "leads_elsewhere", elsewhere)
    stage.lost = True
    error = refusal(stage)
    assert "origin leads to 192.0.2.1" in error.what
    # Of a fenced primary no answer can come.
    stage.lost = False
    assert stage.arca("--yes", "--resume").exit_code == ExitCode.DONE
    ended_well(stage)


def test_where_the_origin_leads(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin's name has an address of the standby's load balancer, or it leads elsewhere."""
    prod, dr = (replace(stage.find(name), endpoint=None) for name in ("prod", "dr"))
    balancer = dr.outputs.service.load_balancer_dns_name
    known = {balancer: {"192.0.2.1", "192.0.2.2"}, prod.outputs.edge.origin_name: {"192.0.2.2"}}

    def addresses(name: str) -> set[str]:
        return known.get(name, set())

    monkeypatch.setattr(dr_scene, "addresses", addresses)
    assert dr_scene.leads_elsewhere(prod, dr) is None
    known[prod.outputs.edge.origin_name] = {"192.0.2.9"}
    assert "leads to 192.0.2.9" in str(dr_scene.leads_elsewhere(prod, dr))
    del known[prod.outputs.edge.origin_name], known[balancer]
    assert "leads to nothing" in str(dr_scene.leads_elsewhere(prod, dr))


def test_the_record_was_written_by_another_operator(stage: Stage) -> None:
    """Whoever ends the journal later is not kept from it by the record that is there."""

    def refuse(call: str) -> None:
        if "delete_parameter" in call:
            raise denial(call)

    stage.before = refuse
    refusal(stage)
    stage.before = lambda _call: None
    stage.elsewhere(silent=200)
    assert stage.arca("--yes", "--resume", "--operator", "bob").exit_code == ExitCode.DONE
    ended_well(stage)


def test_a_pending_change_is_named(stage: Stage) -> None:
    """RDS refuses a request that asks for no change."""
    asked = list[dict[str, object]]()
    called = stage.called

    def look(call: str, arguments: Mapping[str, object]) -> None:
        if "modify_db_instance" in call:
            asked.append(dict(arguments))
        called(call, arguments)

    stage.called = look
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    assert [one["MultiAZ"] for one in asked] == [True]


def test_a_child_keeps_the_run_alive() -> None:
    """A Pulumi that outlives its command holds the run's lock."""
    run = uuid.uuid4().hex
    lock = run_lock.RunLock(run)
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=run_lock.descriptors())
    lock.free()
    assert not run_lock.has_ended_here(run)
    child.communicate()
    assert run_lock.has_ended_here(run)
    run_lock.forget(run)
