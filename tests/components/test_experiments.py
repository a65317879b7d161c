"""Templates of AWS FIS: what they hit, what ends them, and who may start one."""

import json
from typing import Any

import pytest

from arca.bootstrap.template import template
from tests.changes import refusal
from tests.graph import Graph
from tests.stacks import graph

TEMPLATE = "aws:fis/experimentTemplate:ExperimentTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def targets(declared: Graph, name: str) -> dict[str, Any]:
    """Return the targets of a template by name."""
    return {one["name"]: one for one in declared.one(TEMPLATE, name).inputs["targets"]}


def test_a_zone_is_lost_with_all_its_subnets() -> None:
    """The tasks of the zone stop, and each of its subnets is cut off; no other zone's is."""
    prod = graph("prod")
    zone = targets(prod, "experiments-zone")
    (filtered,) = zone["tasks"]["filters"]
    assert filtered == {"path": "AvailabilityZone", "values": ["sa-east-1c"]}
    here = {
        prod.states[node.urn]["arn"]
        for node in prod.of(SUBNET)
        if node.inputs["availabilityZone"] == "sa-east-1c"
    }
    assert set(zone["subnets"]["resourceArns"]) == here
    assert len(here) == 3
    assert zone["tasks"]["parameters"] == {
        "cluster": prod.outputs["service"]["cluster"],
        "service": prod.outputs["service"]["name"],
    }


def test_the_database_fails_over() -> None:
    """Only a reboot with a failover goes to the standby, and only where there is one."""
    prod = graph("prod")
    (action,) = prod.one(TEMPLATE, "experiments-database").inputs["actions"]
    assert action["actionId"] == "aws:rds:reboot-db-instances"
    assert action["parameters"] == [{"key": "forceFailover", "value": "true"}]
    arns = targets(prod, "experiments-database")["database"]["resourceArns"]
    assert arns == [prod.outputs["database"]["arn"]]
    alone = graph("staging", {"database.multi_az": False})
    assert [node.name for node in alone.of(TEMPLATE)] == ["experiments-zone"]


def test_our_own_alarms_end_an_experiment() -> None:
    """Each template stops on the SLO's fast burn and on no healthy task: alarms that exist."""
    prod = graph("prod")
    declared = {prod.states[node.urn]["arn"] for node in prod.of(ALARM)}
    for node in prod.of(TEMPLATE):
        stops = [one["value"] for one in node.inputs["stopConditions"]]
        assert len(stops) == 2
        assert set(stops) <= declared
        assert node.inputs["logConfiguration"]["cloudwatchLogsConfiguration"]["logGroupArn"]


def test_a_role_changes_only_what_its_experiments_hit() -> None:
    """Tasks of our cluster and our database; what takes no resource stays in the region."""
    prod = graph("prod")
    policy = json.loads(prod.one("aws:iam/rolePolicy:RolePolicy", "experiments").inputs["policy"])
    for statement in policy["Statement"]:
        if statement["Resource"] == ["*"]:
            assert statement["Condition"]["StringEquals"] == {"aws:RequestedRegion": "sa-east-1"}
        else:
            assert all("arca-prod" in arn for arn in statement["Resource"])


def test_only_a_person_starts_an_experiment() -> None:
    """The boundary of every role of the platform denies it, also the pipeline's."""
    statements = template()["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    denied = {action for one in statements if one["Effect"] == "Deny" for action in one["Action"]}
    assert "fis:StartExperiment" in denied


@pytest.mark.parametrize(
    ("stack", "changes", "count"),
    [
        ("dev", {}, 0),
        ("staging", {}, 2),
        ("dr", {}, 0),
        ("prod", {"recovery.phase": "fenced"}, 0),
    ],
)
def test_who_has_templates(stack: str, changes: Any, count: int) -> None:
    """Staging and prod, while they serve."""
    assert len(graph(stack, changes).of(TEMPLATE)) == count


def test_an_experiment_without_an_end_is_refused() -> None:
    """No alarm, no experiment; and no zone that the network does not have."""
    said = refusal("staging", {"observability.alarms": False})
    assert "alarms end an experiment" in said
    assert "one of network.zones, a, b" in refusal("staging", {"experiments.zone": "c"})
