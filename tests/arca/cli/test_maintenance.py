"""Tests of `arca maintenance`, against an emulated AWS."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from arca.errors import ArcaError
from tests.arca.emulated import Cloud, arca, as_json
from tests.stacks import graph

RULE = "arca-prod-maintenance"
START = ("maintenance", "start", "--for", "30m", "--reason", "release 7")
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


def declare(cloud: Cloud, name: str, actions: list[str]) -> None:
    """Put an alarm into the emulated CloudWatch, which has no composite alarms."""
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="arca-api",
        MetricName="Requests",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        AlarmActions=actions,
    )


@pytest.fixture
def alarmed(cloud: Cloud) -> Cloud:
    """Return the emulated AWS with every alarm that prod declares, by name and action."""
    for node in graph("prod").of(ALARM, COMPOSITE):
        name = node.inputs.get("name") or node.inputs["alarmName"]
        declare(cloud, name, list(node.inputs.get("alarmActions") or []))
    return cloud


def rule(cloud: Cloud) -> dict[str, Any]:
    """Return the stack's mute rule."""
    found: dict[str, Any] = cloud.client("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=RULE)
    return found


def is_muted(cloud: Cloud) -> bool:
    """Return whether the stack has a rule."""
    cloudwatch = cloud.client("cloudwatch")
    try:
        cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=RULE)
    except cloudwatch.exceptions.ResourceNotFoundException:
        return False
    return True


def test_a_window_names_every_alarm_that_notifies_but_the_outages(alarmed: Cloud) -> None:
    """A rule of CloudWatch's own names them, and begins with the next minute but one at most."""
    opened = as_json(*START)
    found = rule(alarmed)
    topics = graph("prod").outputs["observability"]["topics"]
    notifying = {
        node.inputs.get("name") or node.inputs["alarmName"]: node.inputs["alarmActions"]
        for node in graph("prod").of(ALARM, COMPOSITE)
        if node.inputs.get("alarmActions")
    }
    severe = {name for name, actions in notifying.items() if actions == [topics["SEV1"]]}
    assert severe == {"arca-prod-api-down"}
    assert set(found["MuteTargets"]["AlarmNames"]) == set(notifying) - severe
    begin = datetime.fromisoformat(opened["begin"])
    assert timedelta(seconds=30) <= begin - alarmed.clock.now() <= timedelta(seconds=90)
    assert found["Rule"]["Schedule"] == {
        "Expression": f"at({begin:%Y-%m-%dT%H:%M})",
        "Duration": "PT30M",
    }
    assert found["Description"] == "release 7"


def test_a_window_from_its_opening_to_its_end(alarmed: Cloud) -> None:
    """Status shows the window from the moment it is opened; another `start` replaces it."""
    assert as_json("maintenance", "status")["open"] is False
    assert "No window is open." in arca("maintenance", "end").output
    first = as_json(*START)
    status = as_json("maintenance", "status")
    assert status == {"open": True, "until": first["end"], "reason": "release 7"}
    second = as_json("maintenance", "start", "--for", "8h", "--reason", "a move")
    assert as_json("maintenance", "status")["until"] == second["end"] > first["end"]
    assert as_json("maintenance", "end", "--dry-run")["was_open"] is True
    assert is_muted(alarmed)
    assert as_json("maintenance", "end")["was_open"] is True
    assert not is_muted(alarmed)
    assert as_json("maintenance", "status")["open"] is False


def test_nothing_is_muted_by_a_dry_run(alarmed: Cloud) -> None:
    """It prints what would be done."""
    assert "Would mute" in arca(*START, "--dry-run").output
    assert not is_muted(alarmed)


def test_a_window_that_has_passed_is_not_open(alarmed: Cloud) -> None:
    """CloudWatch keeps a rule of one time after its end."""
    at = (alarmed.clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    put_rule(alarmed, {"Expression": f"at({at})", "Duration": "PT30M"})
    assert as_json("maintenance", "status")["open"] is False
    assert is_muted(alarmed)


def test_a_rule_of_somebody_else_is_not_understood(alarmed: Cloud) -> None:
    """A rule by the same name that repeats is shown, not guessed at."""
    put_rule(alarmed, {"Expression": "cron(0 2 * * *)", "Duration": "PT2H"})
    result = arca("maintenance", "status")
    assert isinstance(result.exception, ArcaError)
    assert "cron(0 2 * * *)" in str(result.exception)


def put_rule(cloud: Cloud, schedule: dict[str, str]) -> None:
    """Put a rule by the stack's name, without the product's code."""
    cloud.client("cloudwatch").put_alarm_mute_rule(
        Name=RULE,
        Rule={"Schedule": schedule},
        MuteTargets={"AlarmNames": ["arca-prod-api-queue"]},
    )


@pytest.mark.usefixtures("cloud")
def test_a_stack_without_alarms_has_nothing_to_mute() -> None:
    """The error says so; CloudWatch would take an empty rule."""
    result = arca(*START)
    assert "no alarm to mute" in str(result.exception)


def test_a_rule_holds_a_hundred_alarms(cloud: Cloud) -> None:
    """CloudWatch takes no more (PutAlarmMuteRule); the error says how many there are."""
    topic = graph("prod").outputs["observability"]["topics"]["SEV3"]
    for number in range(101):
        declare(cloud, f"arca-prod-{number:03}", [topic])
    result = arca(*START)
    assert isinstance(result.exception, ArcaError)
    assert "101 alarms" in str(result.exception)
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["arca-prod-000"])
    arca(*START)
    assert len(rule(cloud)["MuteTargets"]["AlarmNames"]) == 100


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("words", [("1d", "x"), ("30m", " ")])
def test_a_window_that_is_too_long_or_without_reason(words: tuple[str, str]) -> None:
    """Eight hours are a shift; what lasts longer is no maintenance."""
    result = arca("maintenance", "start", "--for", words[0], "--reason", words[1])
    assert "wanted: 8:00:00 at most, and a reason" in str(result.exception)
