"""Why a deployment failed: the causes of each fault, their rank, and what nobody knows any more."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from arca.errors import ArcaError
from arca.release import causes, given_reasons, history
from arca.release.service import EcsService, short
from arca.stack import Stack
from tests.arca.emulator.ecs.emulated_ecs import ALARMS
from tests.arca.release.faults import ROWS, deploy
from tests.arca.release.stage import URL, Arca, Stage, printed_json

EVENTS = "/arca-prod/events"


def failed(stage: Stage, fault: str, /, **details: Any) -> None:
    """Release image 2 with a fault of its own."""
    stage.cloud.fault(fault, **details)
    stage.release(migrate=False).deploy("2")


def event(stage: Stage, detail_type: str, **detail: Any) -> None:
    """Write an event of ECS into the stack's log group, as EventBridge does."""
    logs = stage.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=EVENTS)["logGroups"]:
        logs.create_log_group(logGroupName=EVENTS)
        logs.create_log_stream(logGroupName=EVENTS, logStreamName="s")
    now = stage.clock.now()
    content = {"detail-type": detail_type, "time": now.isoformat(), "detail": detail}
    logs.put_log_events(
        logGroupName=EVENTS,
        logStreamName="s",
        logEvents=[{"timestamp": round(now.timestamp() * 1000), "message": json.dumps(content)}],
    )


def stopped_task(stage: Stage, *, code: int) -> None:
    """Write the event of a task of image 2 that ended with this exit code."""
    now = stage.clock.now().isoformat()
    definition = stage.client("ecs").describe_task_definition(taskDefinition="api:2")
    event(
        stage,
        "ECS Task State Change",
        taskArn="arn:aws:ecs:sa-east-1:123456789012:task/arca-test/0123abcd",
        taskDefinitionArn=definition["taskDefinition"]["taskDefinitionArn"],
        createdAt=now,
        stoppedAt=now,
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
        containers=[{"name": "api", "exitCode": code}],
    )


@pytest.mark.parametrize(
    ("fault", "details", "expected"),
    [
        ("exits", {"image": f"{URL}:2", "code": 3}, ("exit", "api exited with 3: Essential")),
        ("exits", {"image": f"{URL}:2", "code": 137}, ("exit", "(out of memory, or killed")),
        ("image-missing", {"image": f"{URL}:2"}, ("start", "could not start: api: CannotPull")),
        ("unhealthy", {"image": f"{URL}:2"}, ("health", "failed the health checks")),
        ("hook-refuses", {"stage": "PRE_SCALE_UP"}, ("hook", "hook failed at PRE_SCALE_UP")),
        ("alarm-at", {"percent": 10}, ("alarm", f"The alarm {ALARMS[0]} fired, and ECS")),
    ],
)
def test_the_first_cause_is_the_fault(
    stage: Stage, arca: Arca, fault: str, details: dict[str, Any], expected: tuple[str, str]
) -> None:
    """The likeliest cause is the fault that was injected, and it ended the deployment."""
    failed(stage, fault, **details)
    first = printed_json(arca("why", "--json"))["causes"][0]
    kind, what = expected
    assert (first["kind"], first["ended_the_deployment"]) == (kind, True)
    assert what in first["cause"]
    person = arca("why").stdout
    assert f"\n1. {first['cause']}\n" in person
    assert "ROLLBACK_SUCCESSFUL" in person


def test_a_task_that_died_is_shown_with_its_log(stage: Stage, arca: Arca) -> None:
    """The evidence names tasks with their times, and their last log lines."""
    words = ["sh", "-c", "echo cannot read DATABASE_HOST; exit 7"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": words})
    stage.release(migrate=False).deploy("2")
    stage.cloud.end_stand_ins()
    found = printed_json(arca("why", "--json"))
    assert found["deployment"]["image"] == f"{URL}:2"
    cause = next(one for one in found["causes"] if one["kind"] == "exit")
    assert cause["evidence"][0]["text"].startswith("task ")
    assert cause["evidence"][0]["at"]
    assert "cannot read DATABASE_HOST" in cause["log_lines"]
    assert "     log: cannot read DATABASE_HOST" in arca("why").stdout


def test_the_circuit_breaker_is_a_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rolling deployment names the breaker, after the tasks that opened it."""
    row = ROWS["exits, rolling"]
    stage = Stage(monkeypatch, strategy=row.strategy)
    deploy(stage, row)
    service = stage.service()
    past = history.read_history(service, most=1)[0]
    found = causes.explain(service, past, now=stage.clock.now()).causes
    ended = [cause.kind for cause in found if cause.ended]
    assert ended == ["exit", "breaker"]
    assert "failed tasks, threshold" in found[1].what


def test_an_operator_who_stops_a_deployment(stage: Stage, arca: Arca) -> None:
    """The reason that `arca` noted is the cause, and stays in the history."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("stop", "--yes").exit_code == 3
    first = printed_json(arca("why", "--json"))["causes"][0]
    assert (first["kind"], first["cause"]) == (
        "arca",
        "`arca` stopped the deployment: an operator asked for it.",
    )
    assert "@" in first["evidence"][0]["text"]
    past = printed_json(arca("history", "--json"))["deployments"][0]
    assert past["reason"] == "an operator asked for it"
    assert past["ecs_reason"].startswith("StopServiceDeployment was called.")
    assert "an operator asked for it" in arca("history").stdout


def test_the_history_keeps_why_tasks_died(stage: Stage, arca: Arca) -> None:
    """Long after ECS has forgotten the tasks, the history says what `arca` counted."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    stage.cloud.advance(60 * 24)
    past = printed_json(arca("history", "--json"))["deployments"]
    assert "tasks had died by then: api exited with 3" in past[0]["reason"]
    assert past[1]["reason"].startswith("Service deployment completed.")
    found = printed_json(arca("why", "--json"))
    assert found["causes"][0]["kind"] == "arca"
    assert "tasks had died by then: api exited with 3" in found["causes"][0]["cause"]
    assert any("ECS forgets stopped tasks" in text for text in found["unknown"])


def test_events_explain_what_ecs_has_forgotten(stage: Stage, arca: Arca) -> None:
    """The log group of ECS's events names tasks that DescribeTasks does not know any more."""
    arn = stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    stopped_task(stage, code=137)
    event(stage, "ECS Deployment State Change", reason="ECS deployment failed: by the test")
    stage.client("ecs").stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    stage.cloud.advance(60 * 5)
    found = printed_json(arca("why", "--json"))
    kinds = {cause["kind"]: cause for cause in found["causes"]}
    assert "api exited with 137 (out of memory, or killed" in kinds["exit"]["cause"]
    assert kinds["exit"]["evidence"][0]["text"] == "task 0123abcd, exit code 137"
    texts = [one["text"] for one in kinds["service"]["evidence"]]
    assert "ECS deployment failed: by the test" in texts
    assert any("CloudTrail names the caller" in text for text in found["unknown"])
    past = printed_json(arca("history", "--json"))["deployments"][0]
    assert "Before that: api exited with 137" in past["reason"]


def test_the_headline_says_that_arca_stopped_it(stage: Stage, arca: Arca) -> None:
    """ECS says only that somebody called it; `why` and `status` say that `arca` did, and why."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    given = given_reasons.read_reasons(stage.stack)
    latest = stage.service().deployments(most=1)[0]
    said = f"`arca` stopped the deployment: {given[short(latest.arn)].why}"
    assert "tasks had died by then: api exited with 3: Essential container" in said
    for command in ("why", "status"):
        above, found, _ = arca(command).stdout.partition(f"            {said}\n")
        assert found, command
        assert "StopServiceDeployment was called." in above.splitlines()[-1], command
        assert printed_json(arca(command, "--json"))["deployment"]["noted"] == said, command


def test_a_deployment_that_is_live_was_not_stopped(stage: Stage, arca: Arca) -> None:
    """A note on a deployment that succeeded is no stop; one without a note has none."""
    stage.release(migrate=False).deploy("2")
    assert printed_json(arca("status", "--json"))["deployment"]["noted"] is None
    latest = stage.service().deployments(most=1)[0]
    given_reasons.note_reason(stage.stack, latest.arn, "it is live", at=stage.clock.now())
    for command in ("why", "status"):
        assert "            `arca` noted: it is live\n" in arca(command).stdout, command


def test_a_status_without_the_reasons(arca: Arca, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasons that cannot be read disable nothing else."""

    def refuse(_stack: Stack) -> NoReturn:
        raise ArcaError("a", where="b", wanted="c", do="d")

    monkeypatch.setattr(given_reasons, "read_reasons", refuse)
    found = printed_json(arca("status", "--json"))
    assert (found["revision"], found["deployment"]["noted"]) == ("api:1", None)


def test_an_older_failure_is_not_the_latest(stage: Stage, arca: Arca) -> None:
    """Below the headline stands which deployment is live since; the latest has no such line."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    assert "not the latest" not in arca("why").stdout
    stage.cloud.control("DELETE", "/arca/faults")
    stage.release(migrate=False).deploy("2")
    live = stage.service().deployments(most=1)[0]
    lines = arca("why").stdout.splitlines()
    assert lines[0].startswith("deployment")
    assert lines[1] == (
        f"            not the latest: {short(live.arn)} is live since "
        f"{live.finished:%Y-%m-%d %H:%M:%S} UTC ({URL.rpartition('/')[2]}:2)"
    )
    assert "not the latest" not in arca("why", short(live.arn)).stdout


def test_what_ended_the_deployment_comes_first(stage: Stage, arca: Arca) -> None:
    """A task that died in passing ranks below the alarm for which ECS rolled back."""
    failed(stage, "alarm-at", percent=10)
    stopped_task(stage, code=1)
    found = printed_json(arca("why", "--json"))["causes"]
    assert [(cause["kind"], cause["ended_the_deployment"]) for cause in found[:2]] == [
        ("alarm", True),
        ("exit", False),
    ]


def test_a_deployment_is_named_by_id_beginning_or_revision(stage: Stage, arca: Arca) -> None:
    """Any deployment of the history can be named; one that succeeded has no cause."""
    failed(stage, "exits", image=f"{URL}:2")
    past = printed_json(arca("history", "--json"))["deployments"][0]
    for name in (past["id"], past["id"][:6], "api:2", "2"):
        found = printed_json(arca("why", name, "--json"))
        assert found["deployment"]["id"] == past["id"], name
    assert "\nThe deployment succeeded." in arca("why", "api:1").stdout
    error = arca("why", "nothing").exception
    assert isinstance(error, ArcaError)
    assert past["id"] in error.wanted


def test_the_beginning_of_several_ids_is_refused(stage: Stage) -> None:
    """A beginning that several deployments share names none of them."""
    stage.release(migrate=False).deploy("2")
    found = history.read_history(stage.service(), most=5)
    with pytest.raises(ArcaError, match="Several deployments begin with ''"):
        causes.chosen_deployment(stage.service(), found, "")


def test_nothing_failed(arca: Arca) -> None:
    """Where every deployment succeeded, the command says so and fails."""
    error = arca("why").exception
    assert isinstance(error, ArcaError)
    assert error.what == "None of the latest 1 deployments failed."


def test_what_cannot_be_read_is_said(stage: Stage, arca: Arca) -> None:
    """A source that AWS refuses is listed; the others still explain."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    plain = printed_json(arca("why", "--json"))
    assert [text for text in plain["unknown"] if text.startswith("Not read: ECS's past events")]
    assert plain["causes"][0]["kind"] == "exit"


def test_service_events_are_evidence(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's events add what the tasks do not say; what only repeats it is left out."""
    failed(stage, "unhealthy", image=f"{URL}:2")
    before = printed_json(arca("why", "--json"))["causes"]
    assert [cause["kind"] for cause in before] == ["health"]
    task = before[0]["evidence"][0]["text"].removeprefix("task ").partition(",")[0]
    moment = stage.service().deployments(most=1)[0].created + timedelta(minutes=1)
    texts = (
        f"(service api) (task {task}) is unhealthy in (target-group x) due to (reason codes: 503)",
        f"(service api) (task {task}) failed container health checks.",
        "(service api) was unable to place a task. Reason: Capacity is unavailable.",
        "(service api) has reached a steady state.",
    )
    events = [{"message": text, "createdAt": moment} for text in texts]
    early = {"message": "cannot", "createdAt": moment - timedelta(days=1)}

    def describe(_: EcsService) -> Any:
        return {"events": [*events, early]}

    monkeypatch.setattr(EcsService, "describe", describe)
    found = printed_json(arca("why", "--json"))["causes"]
    assert [cause["kind"] for cause in found] == ["health", "service"]
    assert not found[1]["ended_the_deployment"]
    assert [one["text"] for one in found[1]["evidence"]] == [texts[0], texts[2]]


def test_the_evidence_is_about_the_deployment_itself(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deployments that follow each other in minutes do not lend each other their evidence."""
    for _ in range(3):
        failed(stage, "hook-refuses", stage="PRE_SCALE_UP")
    third, second, first, _ = stage.service().deployments(most=4)
    assert first.finished is not None
    assert second.created - first.finished < causes.SLACK
    late = f"(service api) (deployment {short(first.arn)}) failed: its last event."
    own = f"(service api) (deployment {short(second.arn)}) failed: an event."
    plain = "(service api) was unable to place a task."
    moment = second.created + timedelta(seconds=1)
    added = [{"message": text, "createdAt": moment} for text in (late, own, plain)]
    events = [*added, *stage.service().describe()["events"]]

    def describe(_: EcsService) -> Any:
        return {"events": events}

    monkeypatch.setattr(EcsService, "describe", describe)
    for one in (first, second, third):
        found = printed_json(arca("why", short(one.arn), "--json"))["causes"]
        texts = [text["text"] for cause in found for text in cause["evidence"]]
        others = {short(other.arn) for other in (first, second, third)} - {short(one.arn)}
        assert texts
        assert [text for text in texts if any(name in text for name in others)] == []
        shown = [text in texts for text in (late, own, plain)]
        assert shown == [one is first, one is second, one is second]


def test_a_task_of_a_later_deployment_is_no_evidence(stage: Stage, arca: Arca) -> None:
    """A revision that is deployed again has the failed tasks of each deployment apart."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    first = stage.service().deployments(most=1)[0]
    alone = printed_json(arca("why", short(first.arn), "--json"))["causes"][0]
    definition = stage.service().task_definition(first.target.arn)
    stage.client("ecs").update_service(**stage.service().names, taskDefinition=definition)
    stage.cloud.advance(10)
    assert stage.service().deployments(most=1)[0].arn != first.arn
    again = printed_json(arca("why", short(first.arn), "--json"))["causes"][0]
    assert again["cause"] == alone["cause"]


def test_an_alarm_that_is_over_keeps_its_evidence(stage: Stage, arca: Arca) -> None:
    """The service's event says when the alarm fired, after CloudWatch says OK or fires anew."""
    failed(stage, "alarm-at", percent=10)
    past = stage.service().deployments(most=1)[0]
    stage.cloud.control("DELETE", "/arca/faults")
    alarm = printed_json(arca("why", "--json"))["causes"][0]
    assert (alarm["kind"], len(alarm["evidence"])) == ("alarm", 1)
    assert f"(deployment {short(past.arn)}) rolls back: Alarm" in alarm["evidence"][0]["text"]
    failed(stage, "alarm-at", percent=10)
    assert printed_json(arca("why", short(past.arn), "--json"))["causes"][0] == alarm


def test_why_a_rollback_failed(stage: Stage, arca: Arca) -> None:
    """A rollback that failed is a cause of its own, with ECS's reason and events."""
    stage.cloud.fault("rollback-fails")
    failed(stage, "hook-refuses", stage="PRE_SCALE_UP")
    past = stage.service().deployments(most=1)[0]
    assert past.status == "ROLLBACK_FAILED"
    found = printed_json(arca("why", "--json"))["causes"]
    rollback = next(cause for cause in found if cause["kind"] == "ecs")
    assert rollback["ended_the_deployment"]
    assert rollback["cause"] == f"The rollback failed. ECS gives this reason: {past.reason}"
    assert "The rollback failed." in past.reason
    assert any("could not be rolled back" in text["text"] for text in rollback["evidence"])
    assert found[0]["kind"] == "hook"


def test_many_pieces_of_evidence_are_counted(stage: Stage, arca: Arca) -> None:
    """Three tasks are shown of a cause, and the number of the others."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    cause = printed_json(arca("why", "--json"))["causes"][0]
    number = int(cause["cause"].split()[0])
    assert len(cause["evidence"]) == 4
    assert cause["evidence"][-1]["text"] == f"and {number - 3} more"


class History:
    """A CloudWatch that knows when an alarm fired; the emulated one keeps no history."""

    def describe_alarm_history(self, **asked: Any) -> Any:
        """Return one change to ALARM and one back."""
        moment = asked["StartDate"] + timedelta(minutes=1)
        summaries = ("Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK")
        items = [{"HistorySummary": text, "Timestamp": moment} for text in summaries]
        return {"AlarmHistoryItems": items if asked["AlarmName"] == ALARMS[1] else []}


def history_of_alarms(*_: Any) -> History:
    """Stand for `arca.clients.client`."""
    return History()


def test_on_aws_the_history_says_when_an_alarm_fired(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm that fired and is OK again is a cause with its time, below what ended it."""
    failed(stage, "exits", image=f"{URL}:2", code=3)
    monkeypatch.setattr(causes, "client", history_of_alarms)
    service = stage.service()
    past = history.read_history(service, most=1)[0]
    service.stack = replace(stage.stack, endpoint=None)
    found = causes.explain(service, past, now=stage.clock.now()).causes
    alarm = next(cause for cause in found if cause.kind == "alarm")
    assert (alarm.what, alarm.ended) == (f"The alarm {ALARMS[1]} fired.", False)
    moment = past.deployment.created + timedelta(minutes=1)
    assert [(one.text, one.at) for one in alarm.evidence] == [
        ("Alarm updated from OK to ALARM", moment)
    ]


def test_only_the_newest_reasons_are_kept(stage: Stage) -> None:
    """Old reasons give way before the parameter is full, and a long one is cut."""
    for number in range(30):
        given_reasons.note_reason(
            stage.stack, f"arn:x/{number}", "w" * 2000, at=stage.clock.now() + timedelta(number)
        )
    kept = given_reasons.read_reasons(stage.stack)
    assert "29" in kept
    assert 3 < len(kept) < 30
    assert len(kept["29"].why) == given_reasons.MOST_CHARACTERS
    name = given_reasons.parameter_name(stage.stack)
    value = stage.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert len(value) <= given_reasons.MOST_BYTES


def test_a_reason_that_cannot_be_kept_stops_no_release(stage: Stage) -> None:
    """The rollback goes on where SSM refuses; content of another version is replaced."""
    name = given_reasons.parameter_name(stage.stack)
    stage.client("ssm").put_parameter(Name=name, Value="no JSON", Type="String")
    assert given_reasons.read_reasons(stage.stack) == {}
    given_reasons.note_reason(stage.stack, "arn:x/1", "a", at=stage.clock.now())
    assert given_reasons.read_reasons(stage.stack)["1"].why == "a"
