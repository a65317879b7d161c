"""The customer keys: one for each kind of thing that is encrypted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Adopt, Component, Place
from components.iam import Statement, document
from components.spec import Spec

KeyRole = Literal["data", "documents", "secrets", "images", "logs", "alerts"]


class KeysSpec(Spec):
    """Customer managed KMS keys."""

    rotation_days: int = Field(
        default=365, ge=90, le=2560, description="Days between two rotations of a key's material."
    )
    deletion_window_days: int = Field(
        default=30,
        ge=7,
        le=30,
        description="Days in which a scheduled deletion can be called back.",
    )


@dataclass(frozen=True)
class KeyUse:
    """Who uses a key: AWS services on behalf of this account, and nobody directly."""

    services: tuple[str, ...]
    replicated: bool


USES: Mapping[KeyRole, KeyUse] = {
    "data": KeyUse(("rds", "elasticache"), replicated=True),
    "documents": KeyUse(("s3",), replicated=True),
    "secrets": KeyUse(("secretsmanager", "ssm"), replicated=True),
    "images": KeyUse(("ecr",), replicated=True),
    "logs": KeyUse(("logs",), replicated=False),
    "alerts": KeyUse(("sns",), replicated=False),
}
"""`replicated`: what it encrypts has a copy in the DR region, which needs the key there."""

ADMINISTER = [
    f"kms:{verb}*"
    for verb in (
        "Create",
        "Describe",
        "Enable",
        "List",
        "Put",
        "Update",
        "Revoke",
        "Disable",
        "Get",
        "Delete",
        "TagResource",
        "UntagResource",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "ReplicateKey",
        "RotateKeyOnDemand",
    )
]  # fmt: skip - AWS KMS Developer Guide, "Allows key administrators to administer the KMS key"


def key_policy(role: KeyRole, *, account_id: str, region: str) -> pulumi.Output[str]:
    """The account administers the key; only the role's services use it (ADR 0004).

    Source: AWS KMS Developer Guide, "Default key policy" and "kms:ViaService"; Amazon
    CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using KMS".
    """
    account = {"AWS": f"arn:aws:iam::{account_id}:root"}
    administer: Statement = {
        "Sid": "Administer",
        "Effect": "Allow",
        "Principal": account,
        "Action": ADMINISTER,
        "Resource": "*",
    }
    use: Statement = {
        "Sid": "UseThroughServices",
        "Effect": "Allow",
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
        ],
        "Resource": "*",
    }
    if role == "logs":
        return document(
            administer,
            {
                **use,
                "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                "Condition": {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": (
                            f"arn:aws:logs:{region}:{account_id}:log-group:*"
                        )
                    }
                },
            },
        )
    via = {
        "StringEquals": {
            "kms:CallerAccount": account_id,
            "kms:ViaService": [f"{s}.{region}.amazonaws.com" for s in USES[role].services],
        }
    }
    if role == "alerts":
        # CloudWatch publishes to the topics itself (Amazon SNS Developer Guide, "Configure
        # permissions for event sources to publish to an encrypted topic").
        publish: Statement = {
            **use,
            "Sid": "AlarmsPublish",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
        return document(administer, {**use, "Principal": account, "Condition": via}, publish)
    grants: Statement = {
        "Sid": "GrantToServices",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:CreateGrant"],
        "Resource": "*",
        "Condition": {**via, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    return document(administer, {**use, "Principal": account, "Condition": via}, grants)


class Keys(Component):
    """The keys of a stack.

    Produces: a key and an alias a role. A primary that has a DR region gets multi-region keys
    and their replicas there; the secondary adopts those and makes only its own log key.
    """

    arns: dict[KeyRole, pulumi.Output[str]]
    replica_arns: dict[KeyRole, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: KeysSpec,
        place: Place,
        *,
        adopt: Adopt | None,
    ) -> None:
        super().__init__("arca:keys:Keys", name, place, data_class="confidential")
        self.arns, self.replica_arns = {}, {}
        roles: tuple[KeyRole, ...] = get_args(KeyRole)
        for role in roles:
            if adopt is not None and USES[role].replicated:
                self.arns[role] = adopt(role)
                continue
            replicate = place.replica_region if USES[role].replicated else None
            key = aws.kms.Key(
                f"{name}-{role}",
                description=f"{place.prefix}: {role}",
                enable_key_rotation=True,
                rotation_period_in_days=spec.rotation_days,
                deletion_window_in_days=spec.deletion_window_days,
                multi_region=replicate is not None,
                policy=key_policy(role, account_id=place.account_id, region=place.region),
                opts=self.durable(),
            )
            aws.kms.Alias(
                f"{name}-{role}",
                name=f"alias/{place.prefix}-{role}",
                target_key_id=key.key_id,
                opts=self.child(),
            )
            self.arns[role] = key.arn
            if replicate:
                replica = aws.kms.ReplicaKey(
                    f"{name}-{role}-replica",
                    region=replicate,
                    primary_key_arn=key.arn,
                    description=f"{place.prefix}: {role}, replica",
                    deletion_window_in_days=spec.deletion_window_days,
                    policy=key_policy(role, account_id=place.account_id, region=replicate),
                    opts=self.durable(),
                )
                self.replica_arns[role] = replica.arn
        self.register_outputs({})
