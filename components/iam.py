"""IAM policy documents, and roles that AWS services assume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.component import Component, Text, after

Statement = Mapping[str, Any]


def allow(
    actions: Sequence[str],
    resources: Sequence[Text],
    *,
    principal: Mapping[str, Text | Sequence[Text]] | None = None,
    condition: Mapping[str, Mapping[str, Text | Sequence[Text]]] | None = None,
    sid: str = "",
) -> Statement:
    """Return an Allow statement; only the policy of a resource names a principal."""
    return {
        **({"Sid": sid} if sid else {}),
        "Effect": "Allow",
        **({"Principal": principal} if principal else {}),
        "Action": list(actions),
        "Resource": list(resources),
        **({"Condition": condition} if condition else {}),
    }


def deny_plain_http(arn: Text) -> Statement:
    """Return the statement that refuses a bucket's use without TLS.

    Source: Amazon S3 User Guide, "Security best practices for Amazon S3".
    """
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.concat(arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the policy document as JSON."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str, *, account_id: str | None) -> pulumi.Output[str]:
    """Return the policy with which one AWS service assumes a role, for this account only.

    The condition prevents the confused-deputy problem (IAM User Guide, "The confused deputy
    problem"). Pass no account for a service whose documentation shows a trust policy without
    the condition: such a service does not send the key.
    """
    ours = {"Condition": {"StringEquals": {"aws:SourceAccount": account_id}}}
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **(ours if account_id else {}),
        }
    )


@dataclass(frozen=True)
class ServiceRole:
    """A role that an AWS service assumes, and the inline policy that says what it may do."""

    role: aws.iam.Role
    policy: aws.iam.RolePolicy

    @property
    def arn(self) -> pulumi.Output[str]:
        """The role's ARN; it does not wait for the policy."""
        return self.role.arn

    @property
    def arn_with_policy(self) -> pulumi.Output[str]:
        """The role's ARN, known only once the policy is in place."""
        return after(self.role.arn, self.policy.id)


def service_role(
    component: Component,
    name: str,
    service: str,
    *statements: Statement,
    confined: bool,
) -> ServiceRole:
    """Declare a role for an AWS service.

    `confined` adds the condition on the account to the trust policy (`trust`).
    """
    account_id = component.place.account_id if confined else None
    role = aws.iam.Role(
        name,
        assume_role_policy=trust(service, account_id=account_id),
        opts=component.child(),
    )
    policy = aws.iam.RolePolicy(
        name, role=role.name, policy=document(*statements), opts=component.child()
    )
    return ServiceRole(role, policy)
