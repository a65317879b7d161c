"""What CloudWatch, Synthetics, SNS, Systems Manager and the stores of keys and names refuse."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arca.emulator.judges.refusals.definition import (
    Fault,
    MadeCall,
    Refusal,
    text_rule,
)

DEPRECATED_RUNTIMES: Mapping[str, str] = {
    "2026-02-03": "syn-python-selenium: 5.1 5.0 4.1 4.0",
    "2026-01-22": "syn-python-selenium: 3.0 2.1; syn-nodejs-puppeteer: 7.0 6.2 5.2",
    "2024-03-08": "syn-python-selenium: 2.0 1.3; syn-nodejs-puppeteer: 6.1 6.0 5.1 5.0 4.0",
    "2024-01-08": "syn-nodejs-puppeteer: 3.9 3.8",
}
"""Runtimes of canaries by the day since which no canary can be created with them.

Last read on 2026-11-28.
"""


def _span(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = call.params
    periods = [given["Period"]] if "Period" in given else []
    periods += [one["MetricStat"]["Period"] for one in _queries(call) if "MetricStat" in one]
    for period in periods:
        if period not in (10, 20, 30) and period % 60:
            yield Fault("Period", f"{period}; 10, 20, 30 or a multiple of 60 seconds")
        span = period * given["EvaluationPeriods"]
        most = 7 * 86400 if period >= 3600 else 86400
        if span > most:
            yield Fault("EvaluationPeriods", f"{span} seconds in all; at most {most}")


def _datapoints(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    points, periods = call.params.get("DatapointsToAlarm", 1), call.params["EvaluationPeriods"]
    if points > periods:
        yield Fault("DatapointsToAlarm", f"{points} of {periods} periods")


def _metric_math(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    queries = _queries(call)
    if not queries:
        return
    readings = [one for one in queries if "MetricStat" in one]
    shown = [one for one in queries if one.get("ReturnData", True)]
    if len(readings) > 10:
        yield Fault("Metrics", f"{len(readings)} metrics; an alarm's expression has at most 10")
    if len(shown) != 1:
        yield Fault("Metrics.ReturnData", f"true for {len(shown)}; an alarm watches exactly one")
    ids = [one["Id"] for one in queries]
    if len(set(ids)) != len(ids):
        yield Fault("Metrics.Id", f"{ids}; each needs its own")
    yield from (
        Fault("Metrics.Id", f"{one}; a lower-case letter first, then letters, digits and _")
        for one in ids
        if re.fullmatch(r"[a-z]\w*", one) is None
    )
    for one in queries:
        if re.search(r"\b(SEARCH|INSIGHT_RULE_METRIC)\b", one.get("Expression", "")):
            yield Fault("Metrics.Expression", "an alarm's expression may not search")
    for key in ("MetricName", "Period", "Statistic", "ExtendedStatistic", "Dimensions"):
        if key in call.params:
            yield Fault(key, "not beside Metrics")


def _queries(call: MadeCall) -> list[dict[str, Any]]:
    return list(call.params.get("Metrics", []))


def _dimensions(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for name, value in _named_dimensions(call):
        if not value or not value.isascii() or name.startswith(":"):
            yield Fault("Dimensions", f"{name} is {value!r}; ASCII, and no colon first")


def _named_dimensions(call: MadeCall) -> Iterator[tuple[str, str]]:
    metrics = [
        call.params,
        *(one["MetricStat"]["Metric"] for one in _queries(call) if "MetricStat" in one),
    ]
    for metric in metrics:
        yield from ((one["Name"], one["Value"]) for one in metric.get("Dimensions", []))


def _composite(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    rule = call.params["AlarmRule"]
    known = {
        one.params["AlarmName"]
        for one in earlier
        if one.operation in ("cloudwatch.put_metric_alarm", "cloudwatch.put_composite_alarm")
    }
    named = re.findall(r'(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*"?([^")]+)"?\s*\)', rule)
    for name in named:
        if name.rpartition(":alarm:")[2] not in known:
            yield Fault("AlarmRule", f"{name} does not exist")
    if len(set(named)) > 100:
        yield Fault("AlarmRule", f"{len(set(named))} alarms; at most 100")


def _runtime(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    family, _, version = call.params["RuntimeVersion"].rpartition("-")
    for since, families in DEPRECATED_RUNTIMES.items():
        for one in families.split("; "):
            name, _, versions = one.partition(": ")
            if family == name and version in versions.split():
                yield Fault("RuntimeVersion", f"{family}-{version} cannot be created since {since}")


def _artifacts(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    runtime = call.params["RuntimeVersion"]
    if "ArtifactConfig" in call.params and not runtime.startswith("syn-nodejs-"):
        yield Fault("ArtifactConfig", f"{runtime}; only Node.js runtimes encrypt their artifacts")


def _canary_times(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    timeout = call.params.get("RunConfig", {}).get("TimeoutInSeconds", 60)
    found = re.fullmatch(r"rate\((\d+) minutes?\)", call.params["Schedule"]["Expression"])
    if found and timeout > int(found[1]) * 60:
        yield Fault("RunConfig.TimeoutInSeconds", f"{timeout} is over the schedule's {found[0]}")


def _parameter_name(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    name = str(call.params["Name"])
    if re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
        yield Fault("Name", f"{name} begins with aws or ssm")
    if re.fullmatch(r"[a-zA-Z0-9_.\-/]{1,1011}", name) is None:
        yield Fault("Name", f"{name}; at most 1011 of a-z, A-Z, 0-9 and _.-/")
    if name.count("/") > 15:
        yield Fault("Name", f"{name} has more than 15 levels")
    if "/" in name and not name.startswith("/"):
        yield Fault("Name", f"{name}; a name with levels begins with /")


def _parameter_value(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    size = len(str(call.params["Value"]).encode())
    if size > 4096 and call.params.get("Tier", "Standard") == "Standard":
        yield Fault("Value", f"{size} bytes; a standard parameter has at most 4 KB")
    if "{{" in str(call.params["Value"]):
        yield Fault("Value", "a value may not refer to another parameter")


def _policy_size(key: str, most: int) -> Any:
    def find(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
        text = call.params.get(key)
        # IAM counts no white space.
        size = len(json.dumps(json.loads(text), separators=(",", ":"))) if text else 0
        if size > most:
            yield Fault(key, f"{size} characters, at most {most}")

    return find


def _inline_size(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    mine = [
        one.params["PolicyDocument"]
        for one in (*earlier, call)
        if one.operation == call.operation and one.params["RoleName"] == call.params["RoleName"]
    ]
    size = sum(len(re.sub(r"\s", "", text)) for text in mine)
    if size > 10240:
        yield Fault(
            "PolicyDocument", f"the role's inline policies have {size} of 10,240 characters"
        )


def _attachments(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    count = 1 + sum(
        one.operation == call.operation and one.params["RoleName"] == call.params["RoleName"]
        for one in earlier
    )
    if count > 10:
        yield Fault("PolicyArn", f"the role's policy number {count}; at most 10")


def _schedule(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    expression = call.params["ScheduleExpression"]
    cron = re.fullmatch(r"cron\((.*)\)", expression)
    if cron is None:
        if not re.fullmatch(r"(rate\([1-9]\d* (minute|hour|day)s?\)|at\(.+\))", expression):
            yield Fault("ScheduleExpression", f"{expression}; cron(), rate() or at()")
        return
    fields = cron[1].split()
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        yield Fault("ScheduleExpression", f"{expression}; six fields, one day of the two is ?")


def _pattern(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    yield from _leaves(json.loads(call.params.get("EventPattern", "{}")), "EventPattern")


def _leaves(pattern: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for key, value in pattern.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.{key}")  # pyright: ignore[reportUnknownArgumentType] # JSON
        elif not isinstance(value, list) or not value:
            yield Fault(f"{path}.{key}", "a leaf of a pattern is a list with a value")


ALARM = ("cloudwatch.put_metric_alarm",)
CANARY = ("synthetics.create_canary",)
REFUSALS = (
    Refusal(
        "span of an alarm",
        ALARM,
        "ValidationError",
        "Amazon CloudWatch API Reference, PutMetricAlarm",
        _span,
    ),
    Refusal(
        "datapoints of an alarm",
        ALARM,
        "ValidationError",
        "Amazon CloudWatch API Reference, PutMetricAlarm",
        _datapoints,
    ),
    Refusal(
        "metric math of an alarm",
        ALARM,
        "ValidationError",
        "Amazon CloudWatch User Guide, Create an alarm based on a metric math expression",
        _metric_math,
    ),
    Refusal(
        "dimensions of an alarm",
        ALARM,
        "InvalidParameterValue",
        "Amazon CloudWatch API Reference, Dimension",
        _dimensions,
    ),
    Refusal(
        "alarms of a composite alarm",
        ("cloudwatch.put_composite_alarm",),
        "ValidationError",
        "Amazon CloudWatch API Reference, PutCompositeAlarm",
        _composite,
    ),
    Refusal(
        "deprecated runtime of a canary",
        CANARY,
        "ValidationException",
        "Amazon CloudWatch User Guide, Synthetics runtime versions support policy",
        _runtime,
    ),
    Refusal(
        "encryption of a canary's artifacts",
        CANARY,
        "ValidationException",
        "Amazon CloudWatch User Guide, Encrypting canary artifacts",
        _artifacts,
    ),
    Refusal(
        "timeout of a canary",
        CANARY,
        "ValidationException",
        "Amazon CloudWatch Synthetics API Reference, CanaryRunConfigInput",
        _canary_times,
    ),
    Refusal(
        "name of a topic",
        ("sns.create_topic",),
        "InvalidParameter",
        "Amazon SNS API Reference, CreateTopic",
        text_rule(r"[a-zA-Z0-9_-]{1,256}", "at most 256 letters, digits, _ and -", "Name"),
    ),
    Refusal(
        "name of a parameter",
        ("ssm.put_parameter",),
        "ValidationException",
        "AWS Systems Manager API Reference, PutParameter",
        _parameter_name,
    ),
    Refusal(
        "value of a parameter",
        ("ssm.put_parameter",),
        "ValidationException",
        "AWS Systems Manager API Reference, PutParameter",
        _parameter_value,
    ),
    Refusal(
        "name of a secret",
        ("secretsmanager.create_secret",),
        "ValidationException",
        "AWS Secrets Manager API Reference, CreateSecret",
        text_rule(r"[a-zA-Z0-9/_+=.@-]{1,512}", "at most 512 letters, digits and /_+=.@-", "Name"),
    ),
    Refusal(
        "alias of a key",
        ("kms.create_alias",),
        "NotAuthorizedException",
        "AWS KMS API Reference, CreateAlias",
        text_rule(
            r"alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}", "alias/ and no aws/ after it", "AliasName"
        ),
    ),
    Refusal(
        "size of a trust policy",
        ("iam.create_role",),
        "LimitExceeded",
        "IAM User Guide, IAM and AWS STS quotas",
        _policy_size("AssumeRolePolicyDocument", 2048),
    ),
    Refusal(
        "size of a role's inline policies",
        ("iam.put_role_policy",),
        "LimitExceeded",
        "IAM User Guide, IAM and AWS STS quotas",
        _inline_size,
    ),
    Refusal(
        "policies attached to a role",
        ("iam.attach_role_policy",),
        "LimitExceeded",
        "IAM User Guide, IAM and AWS STS quotas",
        _attachments,
    ),
    Refusal(
        "expression of a schedule",
        ("scheduler.create_schedule",),
        "ValidationException",
        "EventBridge Scheduler User Guide, Schedule types",
        _schedule,
    ),
    Refusal(
        "pattern of an event rule",
        ("events.put_rule",),
        "InvalidEventPatternException",
        "Amazon EventBridge User Guide, Event patterns",
        _pattern,
    ),
)
