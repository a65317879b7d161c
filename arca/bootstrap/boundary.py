"""The permissions boundary of an account: the most that any role of ours can ever do."""

from collections.abc import Mapping
from typing import Any

SERVICES = (
    "acm",
    "application-autoscaling",
    "chatbot",
    "cloudwatch",
    "ec2",
    "ecr",
    "ecs",
    "elasticache",
    "elasticloadbalancing",
    "events",
    "firehose",
    "kms",
    "lambda",
    "logs",
    "rds",
    "rds-db",
    "route53",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "ssm",
    "ssmmessages",
    "synthetics",
    "tag",
    "wafv2",
    "xray",
)
"""What the platform is made of; nothing else exists for a role of ours."""
NAME = "arca-boundary"
STATE_KEY_ALIAS = "alias/arca-state"
REVIEW = "review-*"
"""Stacks whose keys the pipeline deletes as well: it makes them, and it takes them down."""


def state_bucket(account_id: str) -> str:
    """The bucket with the stacks' state."""
    return f"arca-state-{account_id}"


def document(account_id: str) -> Mapping[str, Any]:
    """The policy: services, roles below our path and within this boundary, and what stays.

    What stays: audit records and what keeps them (lock, lifecycle, policy), every version of a
    state and what keeps it, and the keys that both are read with. The first `pulumi up` of a stack
    is an operator's (docs/pipeline.md), who makes the audit bucket; later ones call nothing of
    what is denied here unless these settings change, which is an operator's work too. A review
    stack's bucket has another name, and its keys say whose they are.

    What it does not promise: a key's policy may be changed, for that is ordinary work of a pull
    request; the state may be written and marked as deleted, for Pulumi does both, and each version
    of before stays.

    Source: IAM User Guide, "Permissions boundaries for IAM entities".
    """
    iam = f"arn:aws:iam::{account_id}"
    boundary, roles = f"{iam}:policy/{NAME}", f"{iam}:role/arca/*"
    bucket = f"arn:aws:s3:::{state_bucket(account_id)}"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            _say("Allow", "Platform", [f"{service}:*" for service in SERVICES], ["*"]),
            _say(
                "Allow",
                "Look",
                ["budgets:ViewBudget", "iam:Get*", "iam:List*", "sts:GetCallerIdentity"],
                ["*"],
            ),
            _say(
                "Allow",
                "BoundedRoles",
                [
                    *("iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy"),
                    *("iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary"),
                    "iam:PutRolePolicy",
                ],
                [roles],
                bounded,
            ),
            _say(
                "Allow",
                "Roles",
                [
                    *("iam:DeleteRole", "iam:TagRole", "iam:UntagRole"),
                    *("iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:PassRole"),
                ],
                [roles],
            ),
            _say(
                "Allow",
                "ServiceRoles",
                ["iam:CreateServiceLinkedRole"],
                [f"{iam}:role/aws-service-role/*"],
            ),
            *_records(bucket),
            *_keys(account_id),
            # Denied although nothing above allows it: whoever widens what is allowed meets this.
            _say(
                "Deny",
                "Escapes",
                [
                    *(
                        "iam:*AccessKey*",
                        "iam:*Group*",
                        "iam:*LoginProfile*",
                        "iam:*OpenIDConnect*",
                    ),
                    *("iam:*SAML*", "iam:*User*", "iam:DeleteRolePermissionsBoundary"),
                    *("iam:CreatePolicyVersion", "iam:DeletePolicy*", "iam:SetDefault*"),
                    *("organizations:*", "account:*"),
                ],
                ["*"],
            ),
        ],
    }


def _records(state: str) -> list[Mapping[str, Any]]:
    """Keep audit records and states, and whatever decides how long and for whom they are kept."""
    return [
        _say(
            "Deny",
            "Audit",
            [
                *("s3:BypassGovernanceRetention", "s3:DeleteBucket*", "s3:DeleteObject*"),
                *("s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration"),
                *("s3:PutBucketOwnershipControls", "s3:PutBucketPolicy"),
                *("s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning"),
                *("s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"),
                "s3:PutReplicationConfiguration",
            ],
            ["arn:aws:s3:::storage-audit-*"],
        ),
        # No stack declares this bucket: of its settings the pipeline changes none.
        _say(
            "Deny",
            "State",
            [
                *("s3:DeleteBucket*", "s3:DeleteObjectVersion*"),
                *("s3:PutBucket*", "s3:Put*Configuration"),
            ],
            [state, f"{state}/*"],
        ),
    ]


def _keys(account_id: str) -> list[Mapping[str, Any]]:
    """Keep every key but a review stack's: what a key encrypted is gone with it.

    A key's tag says whose it is, and so no key may be told to be a review stack's. A key that is
    being made has no tags yet (AWS KMS Developer Guide, "Using tags to control access to KMS
    keys").
    """
    stack = "aws:ResourceTag/stack"
    elsewhere = {"StringNotLike": {stack: REVIEW}}
    return [
        _say("Deny", "Keys", ["kms:DisableKey", "kms:ScheduleKeyDeletion"], ["*"], elsewhere),
        _say(
            "Deny",
            "KeyClaimed",
            ["kms:TagResource"],
            ["*"],
            {
                **elsewhere,
                "Null": {stack: "false"},
                "StringLike": {"aws:RequestTag/stack": REVIEW},
            },
        ),
        _say(
            "Deny",
            "KeyUnnamed",
            ["kms:UntagResource"],
            ["*"],
            {**elsewhere, "ForAnyValue:StringEquals": {"aws:TagKeys": "stack"}},
        ),
        # Its own tags are how the bootstrap finds it when it has lost its name.
        _say(
            "Deny",
            "StateKey",
            [
                *("kms:CreateGrant", "kms:DisableKey*", "kms:PutKeyPolicy"),
                *("kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"),
            ],
            ["*"],
            {"ForAnyValue:StringEquals": {"kms:ResourceAliases": STATE_KEY_ALIAS}},
        ),
        # In no region: by this name a preview knows the one key that it may use.
        _say(
            "Deny",
            "StateKeyName",
            ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
            [f"arn:aws:kms:*:{account_id}:{STATE_KEY_ALIAS}"],
        ),
    ]


def _say(
    effect: str,
    sid: str,
    actions: list[str],
    resources: list[str],
    condition: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    return {
        "Sid": sid,
        "Effect": effect,
        "Action": actions,
        "Resource": resources,
        **({"Condition": condition} if condition else {}),
    }
