"""The origin's names: who answers, and who decides it."""

from typing import Any

from tests.changes import changed, refusal
from tests.components.alone import alone, load_balancer
from tests.graph import Graph, declare
from tests.stacks import graph

RECORD, CHECK = "aws:route53/record:Record", "aws:route53/healthCheck:HealthCheck"
RULE = "aws:lb/listenerRule:ListenerRule"
FENCED = {"recovery.phase": "fenced"}


def half(declared: Graph) -> dict[str, Any]:
    """Return a stack's half of the failover pair."""
    return dict(declared.one(RECORD, "origin").inputs)


def test_only_the_lever_moves_the_traffic() -> None:
    """Neither the region's health nor the balancer's is asked, so nothing returns by itself."""
    here, there = half(graph("prod")), half(graph("dr"))
    lever = graph("prod").one(CHECK, "origin-lever")
    assert here["failoverRoutingPolicies"] == [{"type": "PRIMARY"}]
    assert there["failoverRoutingPolicies"] == [{"type": "SECONDARY"}]
    assert here["healthCheckId"] == graph("prod").outputs["edge"]["failover_lever_id"]
    assert "healthCheckId" not in there
    assert not here["aliases"][0]["evaluateTargetHealth"]
    assert not there["aliases"][0]["evaluateTargetHealth"]
    assert lever.inputs["type"] == "CALCULATED"
    assert lever.inputs["childHealthThreshold"] == 0
    assert lever.inputs["invertHealthcheck"] is False


def test_a_stack_without_another_region_has_no_lever() -> None:
    """Its record is a plain one."""
    assert "failoverRoutingPolicies" not in half(graph("dev"))
    assert [check.name for check in graph("dev").of(CHECK)] == ["origin"]


def test_a_fenced_primary_serves_nobody() -> None:
    """Every request gets 503 before it reaches a task, and no task runs."""
    declared = declare("prod", changed("prod", FENCED))
    (first, *_) = sorted(
        (rule.inputs["priority"], rule.inputs["actions"][0])
        for rule in declared.of(RULE)
        if rule.name in ("load-balancer-fence", "load-balancer-production")
    )
    assert first[1]["fixedResponse"]["statusCode"] == "503"
    target = declared.one("aws:appautoscaling/target:Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (0, 0)
    assert declared.outputs["phase"] == "fenced"
    gone = {node.urn for node in graph("prod").custom()} - {n.urn for n in declared.custom()}
    assert {urn.split("::")[2].rpartition("$")[2] for urn in gone} == {
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        # Nobody makes experiments with what serves nobody.
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:fis/experimentTemplate:ExperimentTemplate",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
    }


def test_who_may_be_fenced() -> None:
    """A primary whose DR stack can take over, and that stack before a fail-back; no other."""
    assert "nobody else serves" in refusal("dev", FENCED)
    assert graph("dr", FENCED).outputs["phase"] == "fenced"
    rules = {rule.name for rule in alone(load_balancer).of(RULE)}
    assert rules == {"load-balancer-production", "load-balancer-test"}
