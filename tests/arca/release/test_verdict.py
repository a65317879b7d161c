"""The verdict follows from what runs, whatever ECS says."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.clock import Clock
from arca.errors import ArcaError
from arca.release import failures, verdict
from arca.release.failures import TaskFailures
from arca.release.service import DEPLOYMENT_UNDER_WAY, EcsDeployment, EcsRevision, EcsService
from arca.release.verdict import (
    VERDICT_EXIT_CODES,
    ReleaseOutcome,
    Serving,
    Verdict,
    deployment_outcome,
    judge,
    judge_when_settled,
    read_serving,
)
from arca.traffic import ProductionTraffic, TrafficShare
from tests.arca.release.failing import denied
from tests.arca.release.stage import URL, Stage

NEW, OLD = "family:2", "family:1"


ENDED = ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED")


DEPLOYMENT = EcsDeployment(
    arn="arn:x/1",
    status="SUCCESSFUL",
    reason="",
    stage="CLEAN_UP",
    created=datetime(2026, 11, 24, tzinfo=UTC),
    finished=None,
    target=EcsRevision("arn:r/2", 3, 3, 0, 100.0, 100.0),
    sources=(),
    triggered_alarms=(),
    paused_hook=None,
)


def only(name: str) -> Serving:
    """Return the evidence that one task definition serves, and it alone runs."""
    return serving([name], [name])


def serving(
    taking: Iterable[str],
    running: Iterable[str],
    *,
    healthy: int = 3,
    wanted: int = 3,
    faults: tuple[str, ...] = (),
) -> Serving:
    """Return evidence about a service of three tasks."""
    targets = ({"TargetHealth": {"State": "healthy"}},) * healthy
    production = ProductionTraffic((TrafficShare("group/blue/1", 100, targets),), faults)
    return Serving(frozenset(taking), frozenset(running), production, wanted)


BOTH = serving([NEW, OLD], [NEW, OLD])
RULE_FIRST = "the listener rule of priority 1 comes first: fixed-response 503"


@pytest.mark.parametrize(
    ("status", "found", "wanted"),
    [
        ("SUCCESSFUL", only(NEW), Verdict.LIVE),
        ("SUCCESSFUL", only(OLD), Verdict.UNKNOWN),
        ("SUCCESSFUL", BOTH, Verdict.UNKNOWN),
        ("SUCCESSFUL", serving([NEW], [NEW, OLD]), Verdict.UNKNOWN),
        ("SUCCESSFUL", serving([NEW], [NEW], healthy=2), Verdict.UNKNOWN),
        ("SUCCESSFUL", serving([NEW], [NEW], healthy=2, wanted=2), Verdict.LIVE),
        ("SUCCESSFUL", serving([NEW], [NEW], faults=(RULE_FIRST,)), Verdict.UNKNOWN),
        ("ROLLBACK_SUCCESSFUL", serving([OLD], [OLD], healthy=0), Verdict.UNKNOWN),
        ("ROLLBACK_SUCCESSFUL", serving([OLD], [OLD], healthy=1), Verdict.ROLLED_BACK),
        ("STOPPED", serving([OLD], [OLD], faults=(RULE_FIRST,)), Verdict.UNKNOWN),
        ("ROLLBACK_SUCCESSFUL", only(OLD), Verdict.ROLLED_BACK),
        ("ROLLBACK_SUCCESSFUL", only(NEW), Verdict.UNKNOWN),
        ("ROLLBACK_FAILED", only(OLD), Verdict.ROLLBACK_FAILED),
        ("STOPPED", only(OLD), Verdict.FAILED),
        ("STOPPED", only(NEW), Verdict.UNKNOWN),
        ("STOPPED", BOTH, Verdict.UNKNOWN),
        ("IN_PROGRESS", only(NEW), Verdict.UNKNOWN),
    ],
)
def test_words_and_facts(status: str, found: Serving, wanted: Verdict) -> None:
    """A rollback is never success, and a status without its evidence is unknown."""
    judged, reason = judge(replace(DEPLOYMENT, status=status), found, target=NEW, source=OLD)
    assert judged is wanted
    assert status in reason


NAMES = st.frozensets(st.sampled_from([NEW, OLD, "family:3"]))


@given(st.sampled_from([*ENDED, *DEPLOYMENT_UNDER_WAY]), NAMES, NAMES)
def test_a_verdict_never_says_more_than_what_runs(
    status: str, taking: frozenset[str], running: frozenset[str]
) -> None:
    """LIVE needs the target alone to run, ROLLED_BACK and FAILED the source alone."""
    one = replace(DEPLOYMENT, status=status)
    judged, _ = judge(one, serving(taking, running), target=NEW, source=OLD)
    if judged is Verdict.LIVE:
        assert taking == running == {NEW}
    if judged in (Verdict.ROLLED_BACK, Verdict.FAILED):
        assert taking == running == {OLD}


def test_the_reason_names_status_and_evidence() -> None:
    """The operator reads what ECS says and what serves; with UNKNOWN also the stage."""
    judged = judge(replace(DEPLOYMENT, reason="done."), only(NEW), target=NEW, source=OLD)
    assert judged == (Verdict.LIVE, "ECS says SUCCESSFUL, and family:2 serves: done.")
    judged = judge(replace(DEPLOYMENT, reason="done."), BOTH, target=NEW, source=OLD)
    said = "ECS says SUCCESSFUL, and family:1 and family:2 serve, in stage CLEAN_UP: done."
    assert judged == (Verdict.UNKNOWN, said)
    assert judge(DEPLOYMENT, only(NEW), target=NEW, source=OLD)[1].endswith("family:2 serves")


def test_a_stopped_deployment_of_the_same_definition_is_unknown() -> None:
    """Where both revisions run the same definition, the evidence cannot tell them apart."""
    stopped = replace(DEPLOYMENT, status="STOPPED")
    assert judge(stopped, only(NEW), target=NEW, source=NEW)[0] is Verdict.UNKNOWN


def test_a_first_release_has_nothing_to_return_to() -> None:
    """Without a previous definition, no evidence agrees with a rollback."""
    back = replace(DEPLOYMENT, status="ROLLBACK_SUCCESSFUL")
    nothing = serving([], [])
    assert judge(back, nothing, target=NEW, source=None)[0] is Verdict.UNKNOWN


def a_service(*tasks: dict[str, Any]) -> EcsService:
    """Return a service with these tasks, of which the evidence is read."""
    made = SimpleNamespace(
        stack=None,
        poll_seconds=7.0,
        newest_after=dict[EcsDeployment, None]().get,
        tasks=lambda: list(tasks),
        describe=lambda: {"desiredCount": 2},
    )
    return cast("EcsService", made)


def a_task(definition: str, **addresses: str) -> dict[str, Any]:
    """Return a task as DescribeTasks describes it, with addresses by their names."""
    details = [
        {"name": "subnetId", "value": "subnet-1"},
        *({"name": name, "value": value} for name, value in addresses.items()),
    ]
    return {"taskDefinitionArn": definition, "attachments": [{}, {"details": details}]}


def test_targets_are_matched_by_either_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target is a task's IPv4 or IPv6 address, and stands for itself where no task has it."""
    health = {"State": "healthy"}
    found = tuple(
        {"Target": {"Id": address}, "TargetHealth": health}
        for address in ("10.0.0.1", "fd00::2", "subnet-1")
    )

    def production(_stack: object) -> ProductionTraffic:
        return ProductionTraffic((TrafficShare("group/blue/1", 100, found),), ())

    monkeypatch.setattr(verdict, "read_production_traffic", production)
    starting = {"taskDefinitionArn": "family:3"}
    read = read_serving(
        a_service(
            a_task(OLD, privateIPv4Address="10.0.0.1"), a_task(NEW, ipv6Address="fd00::2"), starting
        )
    )
    assert read.traffic == {OLD, NEW, "subnet-1"}
    assert read.running == {OLD, NEW, "family:3"}
    assert (read.production.healthy, read.wanted, read.production.faults) == (3, 2, ())


class SleepingClock(Clock):
    """A clock that only remembers how long it slept."""

    def __init__(self) -> None:
        self.slept = list[float]()

    def sleep(self, seconds: float) -> None:
        """Return at once."""
        self.slept.append(seconds)


@pytest.mark.parametrize(
    ("status", "seen", "wanted", "sleeps"),
    [
        ("SUCCESSFUL", [only(NEW)], Verdict.LIVE, 0),
        ("SUCCESSFUL", [BOTH, only(NEW)], Verdict.LIVE, 1),
        ("SUCCESSFUL", [*[BOTH] * 5, only(NEW)], Verdict.LIVE, 5),
        ("SUCCESSFUL", [BOTH] * 6, Verdict.UNKNOWN, 5),
        ("IN_PROGRESS", [BOTH], Verdict.UNKNOWN, 0),
        ("STOPPED", [BOTH, only(OLD)], Verdict.FAILED, 1),
    ],
)
def test_the_evidence_is_read_until_it_agrees(
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    seen: list[Serving],
    wanted: Verdict,
    sleeps: int,
) -> None:
    """Six looks at most, a poll apart, and one where the deployment goes on."""
    looks = iter(seen)

    def look(_service: EcsService) -> Serving:
        return next(looks)

    monkeypatch.setattr(verdict, "read_serving", look)
    clock = SleepingClock()
    ended = replace(DEPLOYMENT, status=status)
    found = judge_when_settled(a_service(), clock, ended, target=NEW, source=OLD)
    assert found == (wanted, judge(ended, seen[-1], target=NEW, source=OLD)[1], seen[-1])
    assert clock.slept == [7.0] * sleeps
    assert next(looks, None) is None


def test_the_json_of_an_outcome() -> None:
    """`--json` prints exactly these fields."""
    outcome = ReleaseOutcome(
        Verdict.ROLLED_BACK,
        "ECS says so",
        "image:2",
        NEW,
        runs=OLD,
        deployment="arn:x/1",
        stop_reasons=("api exited with 3 (2 tasks)",),
        log_lines=("no such table",),
        runbook="docs/runbooks/deployment-rollback.md",
        checks=({"gate": "alarms", "open": False},),
        opened={"alarms": "the repair"},
    )
    assert outcome.as_json() == {
        "verdict": "rolled back",
        "exit_code": 3,
        "reason": "ECS says so",
        "image": "image:2",
        "task_definition": NEW,
        "runs": OLD,
        "deployment": "arn:x/1",
        "stop_reasons": ["api exited with 3 (2 tasks)"],
        "log_lines": ["no such table"],
        "runbook": "docs/runbooks/deployment-rollback.md",
        "checks": [{"gate": "alarms", "open": False}],
        "opened": {"alarms": "the repair"},
    }


def outcome_of(judged: Verdict, deployment: EcsDeployment | None = DEPLOYMENT) -> ReleaseOutcome:
    """Return the outcome of a deployment after which the previous definition serves."""
    return deployment_outcome(
        a_service(),
        deployment,
        judged,
        "ECS says so",
        image="image:2",
        task_definition=NEW,
        serving=only(OLD),
    )


def test_what_an_operator_gets_with_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure comes with why tasks stopped, what they wrote last, and the runbook."""
    asked: list[tuple[str, datetime]] = []

    def failed(_service: EcsService, definition: str, *, since: datetime) -> TaskFailures:
        asked.append((definition, since))
        return TaskFailures(1, (("exited with 3", 1),), ("arn:task/1",))

    def lines(_service: EcsService, tasks: tuple[str, ...]) -> tuple[str, ...]:
        return (f"lines of {tasks}",)

    monkeypatch.setattr(failures, "failed_tasks", failed)
    monkeypatch.setattr(failures, "last_lines", lines)
    assert outcome_of(Verdict.ROLLED_BACK) == ReleaseOutcome(
        Verdict.ROLLED_BACK,
        "ECS says so",
        "image:2",
        NEW,
        runs=OLD,
        deployment="arn:x/1",
        stop_reasons=("exited with 3 (1 task in all)",),
        log_lines=("lines of ('arn:task/1',)",),
        runbook="docs/runbooks/deployment-rollback.md",
    )
    assert asked == [(NEW, DEPLOYMENT.created)]
    live = outcome_of(Verdict.LIVE)
    assert (live.stop_reasons, live.log_lines, live.runbook) == ((), (), None)
    none = outcome_of(Verdict.FAILED, None)
    assert (none.deployment, none.stop_reasons, none.log_lines) == (None, (), ())
    assert asked == [(NEW, DEPLOYMENT.created)]


def test_tasks_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict stays, and the reasons say that they are not known."""

    def fail(_service: EcsService, _definition: str, *, since: datetime) -> TaskFailures:
        del since
        raise ArcaError("The tasks cannot be read.", where="x", wanted="x", do="x")

    monkeypatch.setattr(failures, "failed_tasks", fail)
    outcome = outcome_of(Verdict.ROLLED_BACK)
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert outcome.stop_reasons == ("unknown: The tasks cannot be read.",)
    assert outcome.log_lines == ()


def test_every_verdict_has_an_exit_code_of_its_own() -> None:
    """Each verdict has an exit code of its own, and none has click's 2."""
    assert set(VERDICT_EXIT_CODES) == set(Verdict)
    assert len(set(VERDICT_EXIT_CODES.values())) == len(VERDICT_EXIT_CODES)
    assert 2 not in VERDICT_EXIT_CODES.values()


def test_traffic_that_goes_elsewhere(stage: Stage) -> None:
    """SUCCESSFUL is unknown where the rule sends customers to no task."""

    def turn(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            stage.turn_the_rule()

    outcome = stage.release(watch=turn).deploy("2")
    assert (outcome.verdict, outcome.runs) == (Verdict.UNKNOWN, None)
    assert "ECS says SUCCESSFUL, and nothing serves" in outcome.reason
    assert stage.journal is not None


def spoil_half(stage: Stage) -> None:
    """Have the rule send half of the customers to a group without targets."""
    groups = [
        {"TargetGroupArn": arn, "Weight": 50} for arn in (stage.cloud.blue, stage.cloud.green)
    ]
    stage.client("elbv2").modify_rule(
        RuleArn=stage.cloud.rule,
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    )


def spoil_targets(stage: Stage) -> None:
    """Take all targets but one out of the group that serves."""
    group = (stage.cloud.blue, stage.cloud.green)[stage.cloud.weights()[1] > 0]
    gone = [{"Id": address, "Port": port} for address, port in sorted(stage.cloud.targets(group))]
    stage.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=gone[1:])


def spoil_order(stage: Stage) -> None:
    """Let a fixed response for every request come first."""
    listener = stage.cloud.rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    elb = stage.client("elbv2")
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": stage.cloud.rule, "Priority": 10}])
    elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"},
            }
        ],
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_half, "; but 50% to target group"),
        (spoil_targets, "; but only 1 of 2 targets are healthy"),
        (spoil_order, f"; but {RULE_FIRST}"),
    ],
)
def test_a_release_that_customers_do_not_reach(
    stage: Stage, spoil: Callable[[Stage], None], said: str
) -> None:
    """SUCCESSFUL is unknown where some customers get an error instead of the new tasks."""

    def last(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            spoil(stage)

    outcome = stage.release(watch=last).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert said in outcome.reason


def test_a_target_that_is_no_task(stage: Stage) -> None:
    """A target that is no task of the service makes the verdict unknown, and is named."""

    def add(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            serving = (stage.cloud.blue, stage.cloud.green)[stage.cloud.weights()[1] > 0]
            stage.client("elbv2").register_targets(
                TargetGroupArn=serving, Targets=[{"Id": "10.0.0.250", "Port": 8080}]
            )

    outcome = stage.release(watch=add).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert "10.0.0.250 and api:2 serve," in outcome.reason


def test_evidence_that_cannot_be_read(stage: Stage) -> None:
    """Log lines that cannot be read do not change the verdict."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=3)

    def close(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            denied(stage, "logs.get_log_events")

    outcome = stage.release(watch=close, migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "api exited with 3" in outcome.stop_reasons[0]
    assert outcome.log_lines == ()
    assert stage.journal is None
