"""Whether an account's quotas allow what its stacks need together, as AWS says it."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from arca.check import Check
from arca.clients import DENIED_CODES, Account, account_client, explained
from arca.naming import PROJECT
from arca.quotas.needs import Total
from arca.quotas.table import ADDRESSES, LOG_POLICIES, VPCS, Quota

OPEN_REQUESTS = ("PENDING", "CASE_OPENED")
"""States of a request that AWS has not decided (Service Quotas API Reference,
RequestedServiceQuotaChange)."""


@dataclass(frozen=True)
class _Allowed:
    value: float
    whose: str


class _NotKnown(Exception):
    """AWS has no value of a quota; the text says why."""


def check_quotas(account_id: str, found: Iterable[Total], *, endpoint: str | None) -> list[Check]:
    """Ask AWS about each quota in its region; one that is too low FAILED.

    What nobody may ask, or AWS does not know, is SKIPPED with the reason. The emulated cloud allows
    everything, so there each is SKIPPED. Raises ArcaError where AWS cannot be asked at all.
    """
    return [_check(Account(account_id, total.region, endpoint), total) for total in found]


def _check(account: Account, total: Total) -> Check:
    name = f"quota {total.quota.name} in {total.region}"
    if account.endpoint is not None:
        return Check(name, "SKIPPED", f"needs {_sum(total, 0)}; only AWS knows what it allows")
    with explained(account, f"The {name} cannot be checked"):
        try:
            return _compare(account, name, total, _allowed(account, total.quota))
        except _NotKnown as error:
            return Check(name, "SKIPPED", f"needs {_sum(total, 0)}; {error}")


def _compare(account: Account, name: str, total: Total, allowed: _Allowed) -> Check:
    """Compare; raises _NotKnown where only what others use could make it too low."""
    others, hidden = 0, None
    try:
        others = _others(account, total)
    except _NotKnown as error:
        hidden = error
    needed = total.amount + others
    said = f"needs {_sum(total, others)}, allowed {_number(allowed.value)} ({allowed.whose})"
    if needed > allowed.value:
        reasons = "; ".join(f"{need.stack}: {need.why}" for need in total.needs)
        remedy = _remedy(account, total.quota, needed)
        return Check(name, "FAILED", f"{said}; {remedy} ({reasons})")
    if hidden is not None:
        raise hidden
    return Check(name, "OK", said)


@contextmanager
def _permitted() -> Generator[None]:
    """Turn a denied call into _NotKnown."""
    try:
        yield
    except ClientError as error:
        if _code(error) not in DENIED_CODES:
            raise
        raise _NotKnown(f"there is no permission for {error.operation_name}") from None


def _sum(total: Total, others: int) -> str:
    """Return what is needed, and the part of each stack: `4.5 (dev 1.25, staging 3.25)`."""
    parts = [f"{need.stack} {_number(need.amount)}" for need in total.needs]
    if others:
        parts.append(f"others in the account {others}")
    joined = ", ".join(parts) if total.quota.shared else f"the most of {', '.join(parts)}"
    return f"{_number(total.amount + others)} ({joined})"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _allowed(account: Account, quota: Quota) -> _Allowed:
    """Return what AWS allows, and whose value it is; raises _NotKnown."""
    if not quota.code:
        return _Allowed(quota.default, "for every account")
    quotas = account_client(account, "service-quotas")
    named = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    applied = _asked(quotas.get_service_quota, named)
    if applied is not None:
        return _Allowed(_value(applied), "this account's")
    # An account for which AWS has never stored a value has AWS's default.
    default = _asked(quotas.get_aws_default_service_quota, named)
    if default is not None:
        return _Allowed(_value(default), "AWS's default")
    raise _NotKnown(
        f"AWS knows no quota {quota.service} {quota.code} here; documented are {quota.default}"
    )


def _asked(call: Callable[..., Any], named: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return a quota; None where AWS has none of that code."""
    try:
        with _permitted():
            return call(**named)["Quota"]
    except ClientError as error:
        if _code(error) == "NoSuchResourceException":
            return None
        raise


def _value(quota: Mapping[str, Any]) -> float:
    """Return the value; AWS leaves it out where it could not ask the service itself."""
    if "Value" not in quota:
        reason: Mapping[str, str] = quota.get("ErrorReason", {})
        raise _NotKnown(f"AWS gives no value: {reason.get('ErrorMessage', 'it does not say why')}")
    return float(quota["Value"])


def _remedy(account: Account, quota: Quota, needed: float) -> str:
    """Return what a person can do about a quota that is too low."""
    wanted = math.ceil(needed)
    if not quota.adjustable:
        return (
            f"AWS raises it for nobody, so delete some; "
            f"`aws logs describe-resource-policies --region {account.region}` lists them"
        )
    requested = _requested(account, quota)
    if requested >= wanted:
        return f"a request for {_number(requested)} is open, so wait for AWS"
    return (
        f"ask for more: `aws service-quotas request-service-quota-increase --service-code "
        f"{quota.service} --quota-code {quota.code} --desired-value {wanted} "
        f"--region {account.region}`"
    )


def _requested(account: Account, quota: Quota) -> float:
    """Return the highest value that was asked for and is not decided; 0 without one.

    It is also 0 without the permission to look: the advice is then to ask, which AWS refuses with
    the number of the open request.
    """
    quotas = account_client(account, "service-quotas")
    try:
        with _permitted():
            found: Sequence[Mapping[str, Any]] = (
                quotas.list_requested_service_quota_change_history_by_quota(
                    ServiceCode=quota.service, QuotaCode=quota.code
                )["RequestedQuotas"]
            )
    except _NotKnown:
        return 0
    values = [float(one["DesiredValue"]) for one in found if one["Status"] in OPEN_REQUESTS]
    return max(values, default=0)


def _others(account: Account, total: Total) -> int:
    """Return what the account has beside the counted stacks, where AWS tells with one call.

    Raises _NotKnown without the permission to look.
    """
    count = OTHERS.get(total.quota)
    if count is None:
        return 0
    with _permitted():
        return count(account, total)


def _addresses(account: Account, total: Total) -> int:
    """Return the Elastic IP addresses that no counted stack declares."""
    found = account_client(account, "ec2").describe_addresses()["Addresses"]
    return sum(not _is_ours(one, total) for one in found)


def _vpcs(account: Account, total: Total) -> int:
    """Return the VPCs that no counted stack declares, such as the one that each region begins with.

    Source: Amazon VPC User Guide, "Default VPCs".
    """
    pages: Iterator[Any] = account_client(account, "ec2").get_paginator("describe_vpcs").paginate()
    return sum(not _is_ours(one, total) for page in pages for one in page["Vpcs"])


def _is_ours(resource: Mapping[str, Any], total: Total) -> bool:
    """Return whether a counted stack has it, by the default tags (arca/naming.py)."""
    tags = {tag["Key"]: tag["Value"] for tag in resource.get("Tags", ())}
    return tags.get("project") == PROJECT and _matches(tags.get("stack", ""), total.stacks)


def _policies(account: Account, total: Total) -> int:
    """Return the resource policies of the account that no counted stack declares.

    A policy of a single log group has a quota of its own.
    """
    pages = account_client(account, "logs").get_paginator("describe_resource_policies").paginate()
    found = [one for page in pages for one in page.get("resourcePolicies", ())]
    return sum(
        not _matches(one.get("policyName", ""), total.names)
        for one in found
        if one.get("policyScope", "ACCOUNT") == "ACCOUNT"
    )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


OTHERS: Mapping[Quota, Callable[[Account, Total], int]] = {
    ADDRESSES: _addresses,
    VPCS: _vpcs,
    LOG_POLICIES: _policies,
}
"""What counts the rest of the account."""


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
