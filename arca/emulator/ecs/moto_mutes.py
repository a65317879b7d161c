"""CloudWatch's alarm mute rules, which moto lacks.

Source: Amazon CloudWatch API Reference, PutAlarmMuteRule, GetAlarmMuteRule and
DeleteAlarmMuteRule. Nothing notifies in the emulated cloud, so a rule mutes nothing there; what is
judged is that it names alarms that exist.
"""

from typing import Any, cast

from moto.cloudwatch import exceptions, responses
from moto.core.responses import ActionResult, EmptyResult

MOST_TARGETS = 100
"""Alarms that a rule may name (PutAlarmMuteRule, MuteTargets)."""


def mend() -> None:
    """Give moto's CloudWatch the three calls; twice is the same as once."""
    answers = cast("Any", responses).CloudWatchResponse
    answers.put_alarm_mute_rule = _put
    answers.get_alarm_mute_rule = _get
    answers.delete_alarm_mute_rule = _delete


def _rules(answer: Any) -> dict[str, dict[str, Any]]:
    backend = answer.cloudwatch_backend
    if not hasattr(backend, "mute_rules"):
        backend.mute_rules = {}
    return cast("dict[str, dict[str, Any]]", backend.mute_rules)


def _asked(answer: Any) -> dict[str, Any]:
    """Return the parameters of the call."""
    return cast("dict[str, Any]", answer._get_params())  # noqa: SLF001 - moto has no other way


def _put(answer: Any) -> Any:
    rule = _asked(answer)
    named: list[str] = rule.get("MuteTargets", {}).get("AlarmNames", [])
    backend = answer.cloudwatch_backend
    unknown = [name for name in named if name not in backend.alarms]
    if unknown or len(named) > MOST_TARGETS:
        wrong = f"no alarm is called {unknown[0]}" if unknown else f"{len(named)} alarms"
        raise cast("Any", exceptions).ValidationError(f"MuteTargets: {wrong} (simulated)")
    _rules(answer)[rule["Name"]] = rule
    return EmptyResult()


def _get(answer: Any) -> Any:
    name = _asked(answer)["AlarmMuteRuleName"]
    rule = _rules(answer).get(name)
    if rule is None:
        raise cast("Any", exceptions).ResourceNotFoundException
    owner = f"{answer.region}:{answer.current_account}"
    arn = f"arn:aws:cloudwatch:{owner}:alarm-mute-rule:{rule['Name']}"
    return ActionResult({**rule, "AlarmMuteRuleArn": arn, "MuteType": "ONE_TIME"})


def _delete(answer: Any) -> Any:
    _rules(answer).pop(_asked(answer)["AlarmMuteRuleName"], None)
    return EmptyResult()
