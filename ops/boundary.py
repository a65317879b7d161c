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


def state_bucket(account_id: str) -> str:
    """The bucket with the stacks' state."""
    return f"arca-state-{account_id}"


def document(account_id: str) -> Mapping[str, Any]:
    """The policy: services, roles below our path and within this boundary, and what stays.

    Source: IAM User Guide, "Permissions boundaries for IAM entities".
    """
    iam = f"arn:aws:iam::{account_id}"
    boundary, roles = f"{iam}:policy/{NAME}", f"{iam}:role/arca/*"
    bucket = f"arn:aws:s3:::{state_bucket(account_id)}"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    of_state_key = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": STATE_KEY_ALIAS}}
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
            _say(
                "Deny",
                "Audit",
                ["s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteObjectVersion"],
                ["arn:aws:s3:::storage-audit-*"],
            ),
            _say(
                "Deny",
                "State",
                [
                    *("s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObjectVersion"),
                    *("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"),
                    *("s3:PutBucketVersioning", "s3:PutEncryptionConfiguration"),
                    "s3:PutLifecycleConfiguration",
                ],
                [bucket, f"{bucket}/*"],
            ),
            _say(
                "Deny",
                "StateKey",
                ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
                ["*"],
                of_state_key,
            ),
            _say(
                "Deny",
                "StateKeyName",
                ["kms:DeleteAlias", "kms:UpdateAlias"],
                [f"arn:aws:kms:*:{account_id}:{STATE_KEY_ALIAS}"],
            ),
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
