"""The customer managed keys: one for each kind of data that is encrypted."""

from collections.abc import Mapping
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.outputs import ReplicatedKey
from components.component import Component, Place
from components.iam import Statement, document
from components.spec import Spec
from components.wires import EncryptionKey, Primary

KeyRole = Literal[ReplicatedKey, "logs", "alerts"]
REPLICATED_KEYS: tuple[ReplicatedKey, ...] = get_args(ReplicatedKey)


class KeysSpec(Spec):
    """Customer managed KMS keys."""

    rotation_days: int = Field(
        default=365, ge=90, le=2560, description="Days between two rotations of the key material."
    )
    deletion_window_days: int = Field(
        default=30,
        ge=7,
        le=30,
        description="Days during which a scheduled deletion can be cancelled.",
    )


SERVICES: Mapping[KeyRole, tuple[str, ...]] = {
    "data": ("rds", "elasticache", "backup"),
    "documents": ("s3",),
    "secrets": ("secretsmanager", "ssm"),
    "images": ("ecr",),
    "logs": ("logs",),
    "alerts": ("sns",),
}
"""The AWS services that use each key on behalf of this account; nobody uses one directly."""

ADMINISTER = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource*",
    "kms:UntagResource*",
    "kms:ScheduleKeyDeletion*",
    "kms:CancelKeyDeletion*",
    "kms:ReplicateKey*",
    "kms:RotateKeyOnDemand*",
]
"""What the account itself may do (AWS KMS Developer Guide, "Allows key administrators to
administer the KMS key")."""


def key_policy(role: KeyRole, *, account_id: str, region: str) -> pulumi.Output[str]:
    """Return the policy: the account administers the key, only the role's services use it.

    ADR 0004 has the reasons.

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
            "kms:ViaService": [f"{s}.{region}.amazonaws.com" for s in SERVICES[role]],
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

    Produces: a key and an alias for each role. A primary with a DR region declares multi-region
    keys and their replicas there; the secondary adopts those and declares only the others.
    """

    arns: dict[KeyRole, pulumi.Output[str]]
    replica_arns: dict[ReplicatedKey, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: KeysSpec,
        place: Place,
        *,
        primary: Primary | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:keys:Keys", name, place, data_class="confidential", opts=opts)
        self.arns, self.replica_arns = {}, {}
        roles: tuple[KeyRole, ...] = get_args(KeyRole)
        for role in roles:
            if primary is not None and role in REPLICATED_KEYS:
                self.arns[role] = primary.key_arns[role]
                continue
            replicate = place.replica_region if role in REPLICATED_KEYS else None
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
            if replicate and role in REPLICATED_KEYS:
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

    def __getitem__(self, role: ReplicatedKey) -> EncryptionKey:
        """Return a key and its replica."""
        return EncryptionKey(self.arns[role], self.replica_arns.get(role))
