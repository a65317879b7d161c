"""What Elastic Load Balancing, ACM and WAF refuse."""

from collections.abc import Iterator, Mapping, Sequence

from arca.emulator.judges.refusals.definition import Fault, MadeCall, Refusal, text_rule

TLS_POLICY = (
    r"ELBSecurityPolicy-(TLS13-1-[0-3]-(Res-|Ext1-|Ext2-)?(FIPS-)?(PQ-)?\d{4}-\d{2}"
    r"|TLS-1-[0-2]-(Ext-)?\d{4}-\d{2}|FS-(1-[12]-)?(Res-)?\d{4}-\d{2}|2016-08|2015-05)"
)
NUMBERS: Mapping[str, tuple[int, int]] = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "idle_timeout.timeout_seconds": (1, 4000),
}


def _attributes(call: MadeCall) -> Mapping[str, str]:
    return {one["Key"]: one["Value"] for one in call.params["Attributes"]}


def _attribute_range(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = _attributes(call)
    for key, (least, most) in NUMBERS.items():
        if key in given and not least <= int(given[key]) <= most:
            yield Fault(key, f"{given[key]}; wanted: {least} to {most}")
    slow = int(given.get("slow_start.duration_seconds", 0))
    if slow and not 30 <= slow <= 900:
        yield Fault("slow_start.duration_seconds", f"{slow}; wanted: 0, or 30 to 900")


def _slow_start(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = _attributes(call)
    algorithm = given.get("load_balancing.algorithm.type", "round_robin")
    if int(given.get("slow_start.duration_seconds", 0)) and algorithm != "round_robin":
        yield Fault("slow_start.duration_seconds", f"no slow start with {algorithm}")


def _health_check(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    interval = call.params.get("HealthCheckIntervalSeconds", 30)
    timeout = call.params.get("HealthCheckTimeoutSeconds", 5)
    if timeout >= interval:
        yield Fault("HealthCheckTimeoutSeconds", f"{timeout} is not below the interval {interval}")


def _priority(call: MadeCall, earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    mine = (call.params["ListenerArn"], call.params["Priority"])
    taken = [
        (one.params["ListenerArn"], one.params["Priority"])
        for one in earlier
        if one.operation == call.operation
    ]
    if mine in taken:
        yield Fault("Priority", f"{mine[1]} is in use")


def _condition_values(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    values = [
        value
        for one in call.params["Conditions"]
        for key in ("HostHeaderConfig", "PathPatternConfig")
        for value in one.get(key, {}).get("Values", [])
    ]
    if len(values) > 5:
        yield Fault("Conditions", f"{len(values)} values; a rule has at most 5")
    yield from (
        Fault("Conditions", f"{value} is over 128 characters long")
        for value in values
        if len(value) > 128
    )


def _common_name(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    name = call.params["DomainName"]
    if len(name) > 64:
        yield Fault("DomainName", f"{len(name)} octets; the first name has at most 64")


def _log_destination(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for arn in call.params["LoggingConfiguration"]["LogDestinationConfigs"]:
        if not arn.rpartition(":")[2].rpartition("/")[2].startswith("aws-waf-logs-"):
            yield Fault("LogDestinationConfigs", f"{arn}; its name begins with aws-waf-logs-")


def _rate(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for rule in call.params.get("Rules", []):
        rate = rule["Statement"].get("RateBasedStatement")
        if rate is None:
            continue
        if not 10 <= rate["Limit"] <= 2_000_000_000:
            yield Fault(f"{rule['Name']}.Limit", f"{rate['Limit']}; wanted: 10 to 2,000,000,000")
        window = rate.get("EvaluationWindowSec", 300)
        if window not in (60, 120, 300, 600):
            yield Fault(f"{rule['Name']}.EvaluationWindowSec", f"{window}; 60, 120, 300 or 600")


def _rule_priority(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    numbers = [rule["Priority"] for rule in call.params.get("Rules", [])]
    if len(set(numbers)) != len(numbers):
        yield Fault("Rules.Priority", f"{numbers}; each rule needs its own")


REFUSALS = (
    Refusal(
        "name of a load balancer or target group",
        ("elbv2.create_load_balancer", "elbv2.create_target_group", "elbv2.create_trust_store"),
        "ValidationError",
        "Elastic Load Balancing API Reference, CreateLoadBalancer",
        text_rule(
            r"(?!internal-)(?!-)[a-zA-Z0-9-]{1,32}(?<!-)",
            "at most 32 letters, digits and hyphens, no hyphen first or last, no internal- first",
            "Name",
        ),
    ),
    Refusal(
        "TLS policy of a listener",
        ("elbv2.create_listener",),
        "SSLPolicyNotFound",
        "Application Load Balancers Guide, Security policies",
        text_rule(TLS_POLICY, "the name of a security policy", "SslPolicy"),
    ),
    Refusal(
        "attributes of a load balancer or target group",
        ("elbv2.modify_load_balancer_attributes", "elbv2.modify_target_group_attributes"),
        "ValidationError",
        "Elastic Load Balancing API Reference, TargetGroupAttribute",
        _attribute_range,
    ),
    Refusal(
        "slow start with another algorithm",
        ("elbv2.modify_target_group_attributes",),
        "InvalidConfigurationRequest",
        "Application Load Balancers Guide, Slow start mode",
        _slow_start,
    ),
    Refusal(
        "timeout of a health check",
        ("elbv2.create_target_group",),
        "ValidationError",
        "Application Load Balancers Guide, Health checks for target groups",
        _health_check,
    ),
    Refusal(
        "priority of a listener's rule",
        ("elbv2.create_rule",),
        "PriorityInUse",
        "Elastic Load Balancing API Reference, CreateRule",
        _priority,
    ),
    Refusal(
        "values of a listener's rule",
        ("elbv2.create_rule",),
        "ValidationError",
        "Application Load Balancers Guide, Quotas",
        _condition_values,
    ),
    Refusal(
        "first name of a certificate",
        ("acm.request_certificate",),
        "ValidationException",
        "AWS Certificate Manager API Reference, RequestCertificate",
        _common_name,
    ),
    Refusal(
        "destination of a firewall's log",
        ("wafv2.put_logging_configuration",),
        "WAFInvalidParameterException",
        "AWS WAF Developer Guide, Sending web ACL traffic logs to CloudWatch Logs",
        _log_destination,
    ),
    Refusal(
        "rate of a firewall's rule",
        ("wafv2.create_web_acl",),
        "WAFInvalidParameterException",
        "AWS WAF API Reference, RateBasedStatement",
        _rate,
    ),
    Refusal(
        "priorities of a firewall's rules",
        ("wafv2.create_web_acl",),
        "WAFInvalidParameterException",
        "AWS WAF API Reference, Rule",
        _rule_priority,
    ),
)
