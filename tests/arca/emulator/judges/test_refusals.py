"""The table of refusals: each rule refuses a call, names its page, and is enforced."""

import pytest
from botocore.session import get_session

from arca.clock import Clock
from arca.emulator.judges import refusals
from arca.emulator.judges.refusals import REFUSALS, TOLERATED, MadeCall
from arca.emulator.provider.cloud import CallRefused, EmulatedCloud
from tests.arca.emulator.judges.refused_calls import CALLS, RefusedCall
from tests.registrations import registration

URN = "urn:pulumi:dev::arca-api::aws:ec2/vpc:Vpc::network"
UNREACHABLE = "http://127.0.0.1:1"


def unreachable() -> EmulatedCloud:
    """Return a cloud that can send nothing."""
    return EmulatedCloud(
        UNREACHABLE,
        account="000000000000",
        clock=Clock(),
        exports=lambda _stack: {},
        on_progress=lambda _registration, _total: None,
    )


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.rule)
def test_a_rule_refuses_its_call(case: RefusedCall) -> None:
    """Only that rule refuses it, so that no other hides the rule's end."""
    earlier = [MadeCall(operation, params, "sa-east-1") for operation, params in case.before]
    call = MadeCall(case.operation, case.params, "sa-east-1")
    found = [refusal.name for refusal, _ in refusals.judge(URN, call, earlier)]
    assert set(found) == {case.rule}


def test_every_rule_has_its_call() -> None:
    """A rule that no call breaks may have no effect."""
    assert [case.rule for case in CALLS] == [refusal.name for refusal in REFUSALS]


def test_every_operation_exists() -> None:
    """A rule about a misspelt operation would judge nothing."""
    known = set(get_session().get_available_services())
    for refusal in REFUSALS:
        assert {operation.partition(".")[0] for operation in refusal.operations} <= known


def test_the_emulator_refuses_with_awss_code() -> None:
    """The refused call is not sent, and the message has the code, the value and the page."""
    vpc = registration(URN, {"cidrBlock": "10.0.0.0/8"})
    with pytest.raises(CallRefused) as refused:
        unreachable().create(vpc)
    text = str(refused.value)
    assert "InvalidVpc.Range: CidrBlock: 10.0.0.0/8; wanted: /16 to /28" in text
    assert "Amazon VPC User Guide" in text


def test_the_emulator_refuses_what_botocores_model_forbids() -> None:
    """The validator of botocore lets an unknown value of an enumeration pass."""
    group = "urn:pulumi:dev::arca-api::aws:xray/group:Group::arca"
    inputs: dict[str, object] = {"groupName": "a" * 33, "filterExpression": "", "tags": {}}
    with pytest.raises(CallRefused, match="GroupName: 33 long, at most 32"):
        unreachable().create(registration(group, inputs))


def test_what_is_tolerated_is_a_rule() -> None:
    """A misspelt name would tolerate nothing, and outlive its reason."""
    assert set(TOLERATED) <= {refusal.name for refusal in REFUSALS}
