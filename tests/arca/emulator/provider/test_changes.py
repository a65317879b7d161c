"""Tests of the table of changes: every input has an answer, and every call is a valid one."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.validate import ParamValidator

from arca.emulator.judges import constraints
from arca.emulator.program.engine import UNKNOWN
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.changes import CHANGES, Changes
from arca.emulator.provider.changes.decision import NO_CALL, decide, deletion, kept_inputs
from arca.emulator.provider.resources import RECORDED, RESOURCES
from arca.emulator.provider.resources.definition import ApiCall
from arca.errors import ArcaError, Refused
from tests.arca.emulator.provider.declared import INSTANCE, graphs, made
from tests.engine.double import REPLACES
from tests.graph import Graph
from tests.judges.calls import operations
from tests.registrations import registration
from tests.stacks import graph

NOT_ANSWERED = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"egress", "ingress"},
    "aws:ec2/internetGateway:InternetGateway": {"vpcId"},
    "aws:ec2/managedPrefixList:ManagedPrefixList": {"maxEntries"},
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        "extendedS3Configuration",
        "serverSideEncryption",
    },
    "aws:kms/key:Key": {"enableKeyRotation"},
}
"""Inputs whose change the emulator refuses, by type; no setting changes them in a usual update."""
REPLICA = {"identifier": "arca-dr", "replicateSourceDb": "arn:source", "multiAz": False}


def all_graphs() -> list[Graph]:
    """Return the graphs of all stacks, of all routes, and of dr after a failover."""
    return [*graphs(), graph("dr", {"recovery.phase": "active"})]


def declared_inputs() -> Mapping[str, set[str]]:
    """Return the inputs that a stack sets, by type."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in all_graphs():
        for node in one.custom():
            found[node.type] |= set(node.inputs)
    return found


def answered(kind: str, changes: Changes) -> set[str]:
    """Return the inputs whose change the table knows."""
    updated = {name for update in changes.updates for name in update.inputs}
    no_call = {name for name, why in RESOURCES[kind].not_sent.items() if why in NO_CALL}
    return updated | changes.replaces | set(changes.recorded) | no_call | {"region"}


def test_every_type_with_calls_has_changes() -> None:
    """A type without an entry could be created and never changed."""
    assert set(CHANGES) == {kind for kind in RESOURCES if not kind.startswith(RECORDED)}


def test_every_type_can_be_deleted() -> None:
    """An entry has calls for a deletion, or says why there are none."""
    assert [kind for kind, one in CHANGES.items() if bool(one.deletes) is bool(one.stays)] == []


@pytest.mark.slow
def test_every_input_is_updated_or_replaces_or_is_refused() -> None:
    """The list of what is refused is complete, so no change passes unnoticed."""
    inputs = declared_inputs()
    left = {kind: inputs[kind] - answered(kind, one) for kind, one in CHANGES.items()}
    assert {kind: names for kind, names in left.items() if names} == NOT_ANSWERED


def test_what_replaces_under_the_real_engine_replaces_here() -> None:
    """The provider double of the tests with Pulumi's engine has the same inputs."""
    aws = {kind: names for kind, names in REPLACES.items() if kind.startswith("aws:")}
    assert {kind: names - CHANGES[kind].replaces for kind, names in aws.items()} == {
        kind: frozenset[str]() for kind in aws
    }


@pytest.mark.slow
def test_every_call_of_a_change_is_one_of_the_service_model() -> None:
    """Botocore accepts each update and each deletion of each declared resource."""
    wrong: set[str] = set()
    judged: set[str] = set()
    for one in all_graphs():
        for node in one.custom():
            changes = CHANGES.get(node.type, Changes())
            state = judged_state(one.states[node.urn], node.urn)
            updates = [call for update in changes.updates for call in update.calls]
            for call in (*updates, *changes.deletes):
                if isinstance(call, ApiCall) and call.when(state):
                    judged.add(f"{node.type} {call.name}")
                    wrong |= {f"{node.type} {call.name}: {one}" for one in reports(call, state)}
    assert wrong == set()
    assert len(judged) > 150


def judged_state(outputs: Mapping[str, Any], urn: str) -> dict[str, Any]:
    """Return a state in which everything that an update reads has changed."""
    drawn = {"id": "x", "_urn": urn, "_region": "us-east-1", "_version": 1, "_token": "x"}
    tags = {"tags": {**outputs["tags"], "new": "1"}} if "tags" in outputs else {}
    lists: dict[str, Any] = {key: [] for key, value in outputs.items() if isinstance(value, list)}
    before: dict[str, Any] = {
        **outputs,
        **lists,
        "tags": {"old": "1"},
        "numCacheClusters": 1,
        **drawn,
    }
    return {**outputs, **tags, **drawn, "_before": before, "_inputs": outputs}


def reports(call: ApiCall, state: Mapping[str, Any]) -> list[str]:
    """Return what botocore says against a call's parameters, apart from lengths of made-up ids."""
    params = {key: value for key, value in call.params(state).items() if key != "_region"}
    shape: Any = operations(call.service)[call.operation].input_shape
    fitted = to_api_parameters(params, shape)
    lines = ParamValidator().validate(fitted, shape).generate_report().splitlines()
    found = [line for line in lines if "Invalid length" not in line]
    # Ids and tokens are made up here.
    judged = constraints.judge(state["_urn"], fitted, shape)
    return found + [f"{one.property} {one.says}" for one in judged if "'x'" not in one.says]


def test_a_source_that_goes_promotes_and_one_that_comes_replaces() -> None:
    """A failover never replaces the database; a fail-back to a replica would."""
    promoted = {name: value for name, value in REPLICA.items() if name != "replicateSourceDb"}
    decision = decide(made(promoted), made(REPLICA))
    assert decision.action == "update"
    (update,) = decision.updates
    assert [call.name for call in update.calls if isinstance(call, ApiCall)] == [
        "rds.promote_read_replica"
    ]
    assert decide(made(REPLICA), made(promoted)).action == "replace"
    with pytest.raises(Refused, match=r"database cannot be replaced.*replicateSourceDb"):
        decide(made(REPLICA, INSTANCE, "protect"), made(promoted, INSTANCE, "protect"))


def test_an_unknown_change_names_resource_and_input() -> None:
    """No change is ignored: it is an error before anything has changed."""
    with pytest.raises(ArcaError, match="how to update characterSetName of database") as error:
        decide(made({**REPLICA, "characterSetName": "x"}), made(REPLICA))
    assert error.value.where == INSTANCE


def test_a_value_that_only_the_update_knows_is_a_change() -> None:
    """In a preview, an unknown input may differ."""
    assert decide(made({**REPLICA, "multiAz": UNKNOWN}), made(REPLICA)).changed == ("multiAz",)
    assert decide(made(REPLICA), made(REPLICA)).action == "same"


def test_what_is_protected_or_kept_is_not_deleted() -> None:
    """A protected resource is refused, also one that would be retained."""
    assert deletion(made(REPLICA)).action == "delete"
    assert deletion(made(REPLICA, INSTANCE, "retain")).action == "retain"
    with pytest.raises(Refused, match="database cannot be deleted because it is protected"):
        deletion(made(REPLICA, INSTANCE, "retain", "protect"))


def test_ignored_changes_keep_the_former_value() -> None:
    """An ignored input has the value of before, or none if there was none."""
    declared = registration(INSTANCE, {"multiAz": True, "port": 1})
    ignoring = replace(declared, ignore_changes=("multiAz", "port"))
    assert kept_inputs(ignoring, made(REPLICA)) == {"multiAz": False}
    assert kept_inputs(ignoring, None) == {"multiAz": True, "port": 1}
