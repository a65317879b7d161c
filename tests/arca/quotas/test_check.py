"""What AWS says about quotas, and what each answer means."""

from collections.abc import Mapping
from typing import Any

import pytest

from arca.check import Check
from arca.clients import Unreachable
from arca.errors import ArcaError
from arca.quotas.check import check_quotas
from arca.quotas.needs import Need, Total, totals
from arca.quotas.table import (
    ADDRESSES,
    LOG_POLICIES,
    ON_DEMAND_VCPU,
    QUOTAS,
    RULES,
    VPCS,
    Quota,
)
from tests.arca.quotas.aws import UNANSWERED, ScriptedAws, tagged, value

ACCOUNT = "123456789012"
REGION = "sa-east-1"
NOT_STORED = "NoSuchResourceException"


def needed(quota: Quota, *names: str, **stacks: float) -> Total:
    """Return a total of some stacks."""
    (found,) = totals(
        Need(stack.replace("_", "-"), REGION, quota, amount, f"{amount:g} of it", frozenset(names))
        for stack, amount in stacks.items()
    )
    return found


def check(total: Total, endpoint: str | None = None) -> Check:
    """Check one total."""
    (found,) = check_quotas(ACCOUNT, [total], endpoint=endpoint)
    return found


def test_an_applied_value_that_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's default is not asked for."""
    aws = ScriptedAws(GetServiceQuota=value(10)).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=1.25, prod=8.75))
    assert found.verdict == "OK"
    assert found.name == "quota Fargate On-Demand vCPU in sa-east-1"
    assert found.detail == "needs 10 (dev 1.25, prod 8.75), allowed 10 (this account's)"
    named = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
    assert aws.asked == [(REGION, "GetServiceQuota", named)]


def test_an_applied_value_that_is_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command asks for a whole number; the reasons say which stack needs what."""
    ScriptedAws(GetServiceQuota=value(6)).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=1.25, prod=20.5))
    assert found.verdict == "FAILED"
    assert found.detail == (
        "needs 21.75 (dev 1.25, prod 20.5), allowed 6 (this account's); ask for more: `aws "
        "service-quotas request-service-quota-increase --service-code fargate --quota-code "
        "L-3032A538 --desired-value 22 --region sa-east-1` (dev: 1.25 of it; prod: 20.5 of it)"
    )


@pytest.mark.parametrize(("allowed", "verdict"), [(6, "FAILED"), (7, "OK")])
def test_an_account_without_a_value_has_the_default(
    allowed: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS answers for the account only once a value is stored."""
    answers: Mapping[str, Any] = {
        "GetServiceQuota": NOT_STORED,
        "GetAWSDefaultServiceQuota": value(allowed),
    }
    ScriptedAws(**answers).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=6.25))
    assert found.verdict == verdict
    assert f"allowed {allowed} (AWS's default)" in found.detail


def test_a_quota_that_aws_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region without Fargate's quota decides nothing."""
    answers = {"GetServiceQuota": NOT_STORED, "GetAWSDefaultServiceQuota": NOT_STORED}
    ScriptedAws(**answers).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=99))
    assert found.verdict == "SKIPPED"
    assert "needs 99 (dev 99); AWS knows no quota fargate L-3032A538 here" in found.detail
    assert "documented are 6" in found.detail


def test_a_value_that_aws_could_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service Quotas then has a reason instead of the value."""
    reason = {"ErrorCode": "DEPENDENCY_ACCESS_DENIED_ERROR", "ErrorMessage": "Fargate says no"}
    ScriptedAws(GetServiceQuota={"Quota": {"ErrorReason": reason}}).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=1))
    assert found.verdict == "SKIPPED"
    assert found.detail.endswith("AWS gives no value: Fargate says no")


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
@pytest.mark.parametrize(
    ("operation", "before"),
    [("GetServiceQuota", None), ("GetAWSDefaultServiceQuota", NOT_STORED)],
)
def test_a_denied_value_is_skipped(
    operation: str, before: str | None, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operation is named, so that somebody can allow it."""
    answers: dict[str, Any] = {"GetServiceQuota": before, operation: code}
    ScriptedAws(**answers).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, dev=1))
    assert found.verdict == "SKIPPED"
    assert found.detail == f"needs 1 (dev 1); there is no permission for {operation}"


def test_a_denied_look_at_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own addresses may be too many already; otherwise nobody knows."""
    answers: Mapping[str, Any] = {
        "GetServiceQuota": value(5),
        "DescribeAddresses": "UnauthorizedOperation",
    }
    ScriptedAws(**answers).use(monkeypatch)
    assert check(needed(ADDRESSES, prod=6)).verdict == "FAILED"
    found = check(needed(ADDRESSES, prod=5))
    assert found.verdict == "SKIPPED"
    assert found.detail.endswith("there is no permission for DescribeAddresses")


def test_aws_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the usual error, because no quota could be asked."""
    ScriptedAws(GetServiceQuota=UNANSWERED).use(monkeypatch)
    with pytest.raises(Unreachable) as error:
        check(needed(ON_DEMAND_VCPU, dev=1))
    assert error.value.what.startswith("The quota Fargate On-Demand vCPU in sa-east-1 cannot be")
    assert error.value.where == f"AWS account {ACCOUNT} in {REGION}"


@pytest.mark.parametrize(
    ("code", "part"),
    [("UnrecognizedClientException", "log in again"), ("TooManyRequestsException", "is accepted")],
)
def test_other_refusals_are_the_usual_error(
    code: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong credentials and a busy AWS concern every quota."""
    ScriptedAws(GetServiceQuota=code).use(monkeypatch)
    with pytest.raises(ArcaError, match="cannot be checked") as error:
        check(needed(ON_DEMAND_VCPU, dev=1))
    assert part in str(error.value)


ADDRESS_LISTS: tuple[tuple[list[Mapping[str, Any]], int], ...] = (
    ([tagged("prod"), tagged("prod")], 0),
    ([tagged("prod"), tagged("dev"), {}], 2),
    ([tagged("prod", project="other"), {"Tags": []}], 2),
    ([tagged("review-12"), tagged("review")], 1),
)
"""Addresses of an account, and how many of them are others' beside prod and review stacks."""


@pytest.mark.parametrize(("addresses", "others"), ADDRESS_LISTS)
def test_addresses_of_others_count(
    addresses: list[Mapping[str, Any]], others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours are those of the counted stacks, by the default tags: they are in the sum already."""
    answers: Mapping[str, Any] = {
        "GetServiceQuota": value(5),
        "DescribeAddresses": {"Addresses": addresses},
    }
    ScriptedAws(**answers).use(monkeypatch)
    total = Total(
        ADDRESSES,
        REGION,
        tuple(Need(stack, REGION, ADDRESSES, 2, "two") for stack in ("prod", "review-*")),
    )
    found = check(total)
    assert found.verdict == ("OK" if others < 2 else "FAILED")
    said = f", others in the account {others}" if others else ""
    assert found.detail.startswith(f"needs {4 + others} (prod 2, review-* 2{said})")
    if others == 2:
        assert "--service-code ec2 --quota-code L-0263D0A3 --desired-value 6" in found.detail


def test_the_default_vpc_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each region of a new account has one."""
    vpcs = [{"VpcId": "vpc-1", "IsDefault": True}, {"VpcId": "vpc-2", **tagged("dev")}]
    ScriptedAws(GetServiceQuota=value(5), DescribeVpcs={"Vpcs": vpcs}).use(monkeypatch)
    found = check(needed(VPCS, dev=1, staging=1, prod=3))
    assert found.verdict == "FAILED"
    assert found.detail.startswith("needs 6 (dev 1, prod 3, staging 1, others in the account 1)")
    assert "--service-code vpc --quota-code L-F678F1CE --desired-value 6" in found.detail


def test_policies_of_other_names_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no quota to ask for, and none to raise; a log group's policy counts elsewhere."""
    policies = [
        {"policyName": "arca-prod-events", "policyScope": "ACCOUNT"},
        {"policyName": "arca-review-7-events"},
        {"policyName": "AWSLogDeliveryWrite20150319"},
        *({"policyName": f"other-{number}", "policyScope": "ACCOUNT"} for number in range(6)),
        {"policyName": "group", "policyScope": "RESOURCE"},
    ]
    answers = {"DescribeResourcePolicies": {"resourcePolicies": policies}}
    aws = ScriptedAws(**answers).use(monkeypatch)
    names = ("arca-prod-events", "arca-review-*-events")
    assert check(needed(LOG_POLICIES, *names, prod=3)).verdict == "OK"
    found = check(needed(LOG_POLICIES, *names, prod=4))
    assert found.verdict == "FAILED"
    assert found.detail.startswith(
        "needs 11 (prod 4, others in the account 7), allowed 10 (for every account); AWS raises it "
        "for nobody, so delete some; `aws logs describe-resource-policies --region sa-east-1`"
    )
    assert set(aws.operations()) == {"DescribeResourcePolicies"}


def test_policies_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second page is read too."""
    policy = {"policyName": "other"}
    page = {"resourcePolicies": [policy] * 10}
    aws = ScriptedAws(DescribeResourcePolicies={**page, "nextToken": "t"}).use(monkeypatch)
    aws.then("DescribeResourcePolicies", page)
    found = check(needed(LOG_POLICIES, "arca-prod-events", prod=1))
    assert found.detail.startswith("needs 21 (prod 1, others in the account 20)")


def test_rules_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each group has the quota for itself."""
    aws = ScriptedAws(GetServiceQuota=value(60)).use(monkeypatch)
    found = check(needed(RULES, dev=33, prod=60))
    assert found.verdict == "OK"
    assert found.detail.startswith("needs 60 (the most of dev 33, prod 60), allowed 60")
    assert check(needed(RULES, dev=33, prod=61)).verdict == "FAILED"
    assert "DescribeVpcs" not in aws.operations()


REQUESTS = (
    (("PENDING", 22), "a request for 22 is open, so wait for AWS"),
    (("CASE_OPENED", 100), "a request for 100 is open, so wait for AWS"),
    (("PENDING", 21), "ask for more"),
    (("DENIED", 100), "ask for more"),
)
"""State and value of a request for 22, and what is advised."""


@pytest.mark.parametrize(("request_", "advice"), REQUESTS)
def test_an_open_request_is_named(
    request_: tuple[str, float], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS takes days, and refuses a second request; the quota is too low all the same."""
    listed = {"Status": request_[0], "DesiredValue": request_[1]}
    answers: Mapping[str, Any] = {
        "GetServiceQuota": value(6),
        "ListRequestedServiceQuotaChangeHistoryByQuota": {"RequestedQuotas": [listed]},
    }
    ScriptedAws(**answers).use(monkeypatch)
    found = check(needed(ON_DEMAND_VCPU, prod=21.75))
    assert found.verdict == "FAILED"
    assert advice in found.detail


def test_requests_that_nobody_may_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the advice is to ask."""
    answers: Mapping[str, Any] = {
        "GetServiceQuota": value(6),
        "ListRequestedServiceQuotaChangeHistoryByQuota": "AccessDeniedException",
    }
    ScriptedAws(**answers).use(monkeypatch)
    assert "ask for more" in check(needed(ON_DEMAND_VCPU, prod=7)).detail


@pytest.mark.parametrize("quota", QUOTAS, ids=lambda quota: quota.name)
def test_the_emulated_cloud_is_not_asked(quota: Quota, monkeypatch: pytest.MonkeyPatch) -> None:
    """It allows everything, which says nothing about AWS."""
    aws = ScriptedAws().use(monkeypatch)
    found = check(needed(quota, dev=1000), endpoint="http://127.0.0.1:1")
    assert found.verdict == "SKIPPED"
    assert "1000" in found.detail
    assert aws.asked == []


def test_each_region_is_asked_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota is one of a region."""
    aws = ScriptedAws(GetServiceQuota=value(6)).use(monkeypatch)
    found = totals(
        Need("prod", region, ON_DEMAND_VCPU, amount, "so many")
        for region, amount in (("us-east-1", 7), ("sa-east-1", 5))
    )
    checks = check_quotas(ACCOUNT, found, endpoint=None)
    assert [one.verdict for one in checks] == ["OK", "FAILED"]
    assert {region for region, *_ in aws.asked} == {"sa-east-1", "us-east-1"}
    assert "--region us-east-1" in checks[1].detail


@pytest.mark.parametrize("quota", QUOTAS, ids=lambda quota: quota.name)
def test_a_quota_is_complete(quota: Quota) -> None:
    """One that AWS raises has both codes, and each has a page."""
    assert bool(quota.service) == bool(quota.code) == quota.adjustable
    assert quota.default > 0
    assert "AWS" in quota.source or "Amazon" in quota.source
