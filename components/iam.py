"""IAM policy documents, written once and small."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]
Text = pulumi.Input[str]


def allow(
    actions: Sequence[str],
    resources: Sequence[Text],
    *,
    principal: Mapping[str, Text | Sequence[Text]] | None = None,
    condition: Mapping[str, Mapping[str, Text | Sequence[Text]]] | None = None,
    sid: str = "",
) -> Statement:
    """One Allow statement; a principal only where the policy is a resource's own."""
    return {
        **({"Sid": sid} if sid else {}),
        "Effect": "Allow",
        **({"Principal": principal} if principal else {}),
        "Action": list(actions),
        "Resource": list(resources),
        **({"Condition": condition} if condition else {}),
    }


def deny_plain_http(arn: Text) -> Statement:
    """Refuse a bucket's use without TLS (Amazon S3 User Guide, security best practices)."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.concat(arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(*statements: Statement) -> pulumi.Output[str]:
    """The policy document as JSON."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str, *, account_id: str | None) -> pulumi.Output[str]:
    """Let one AWS service assume the role, for this account's resources only.

    The condition closes the confused-deputy hole (IAM User Guide, "The confused deputy
    problem"). Without an account it is left out: for services whose documentation gives a
    trust policy without one, because they do not send the key.
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
