"""Backups by AWS Backup: locked vaults in both regions, a plan, and a monthly restore test.

RDS's own backups restore any second of `database.backup_days`. These go further back, cover the
documents too, and can be deleted by none of the platform's roles (ADR 0027).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import BACKUP_TAG, physical
from arca.outputs import BackupsOutputs
from components.component import Component, Place
from components.iam import trust
from components.spec import Spec, WrongKey
from components.windows import DailyWindow, daily_length
from components.wires import EncryptionKey, Placement

SHORTEST_START_MINUTES = 60
"""AWS Backup API, BackupRule, StartWindowMinutes: "it must be at least 60 minutes"."""
COMPLETION_MINUTES = 720
"""A backup or a copy that is not ready after twelve hours counts as expired, which alarms."""
MANAGED = "arn:aws:iam::aws:policy/"
POLICIES = (
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
)
"""AWS Backup Developer Guide, "Managed policies for AWS Backup"; what they allow beyond our
services, the boundary denies."""
TEST_SCHEDULE = "cron(0 12 5 * ? *)"
"""The 5th of each month at noon UTC: some days after the monthly backup."""


class BackupsSpec(Spec):
    """Backups by AWS Backup of what has the tag `backup: daily`: the database, the documents."""

    enabled: bool = Field(
        default=False,
        description="Declare vaults, plan and restore test. A DR stack declares them once it is "
        "active; until then its primary's plan copies into its region.",
    )
    window: DailyWindow = Field(
        default="09:00-10:00",
        description="Daily window in which a backup starts, UTC; at least an hour, and not within "
        "an hour before the database's own windows.",
    )
    daily_days: int = Field(
        default=14, ge=7, le=365, description="Days that the backup of each day is kept."
    )
    monthly_days: int = Field(
        default=365,
        ge=31,
        le=3653,
        description="Days that the backup of the first day of a month is kept.",
    )
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = Field(
        default="GOVERNANCE",
        description="GOVERNANCE: an administrator of the account can lift the vaults' locks, no "
        "role of the platform can. COMPLIANCE: after `lock_grace_days` nobody can ever lift or "
        "change them, not even the account's root user or AWS: retention stays as it is, and the "
        "storage is paid for to its end.",
    )
    lock_grace_days: int = Field(
        default=14,
        ge=3,
        le=365,
        description="COMPLIANCE: days until the lock is final, counted from the update that sets "
        "it.",
    )
    restore_test: bool = Field(
        default=True,
        description="Restore the newest backup of the database once a month into isolated subnets, "
        "keep it for `restore_test_hours`, and delete it.",
    )
    restore_test_class: str = Field(
        default="db.t4g.large",
        pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$",
        description="Instance class of the restored database.",
    )
    restore_test_hours: int = Field(
        default=4, ge=1, le=168, description="Hours that the restored database can be checked."
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Yield what AWS Backup refuses, and a month that is forgotten before its days."""
        if daily_length(self.window) < SHORTEST_START_MINUTES:
            yield WrongKey("window", f"a window of at least {SHORTEST_START_MINUTES} minutes")
        if self.monthly_days < self.daily_days:
            yield WrongKey("monthly_days", f"at least daily_days, {self.daily_days}")


@dataclass(frozen=True)
class Schedule:
    """One rule of the plan."""

    name: str
    cron: str
    days: int


def schedules(spec: BackupsSpec) -> tuple[Schedule, ...]:
    """Return the plan's rules, in UTC; on the first of a month the one that keeps longer wins.

    Source: AWS Backup Developer Guide, "Overlapping backup rules".
    """
    hour, minute = (int(part) for part in spec.window.partition("-")[0].split(":"))
    return (
        Schedule("daily", f"cron({minute} {hour} * * ? *)", spec.daily_days),
        Schedule("monthly", f"cron({minute} {hour} 1 * ? *)", spec.monthly_days),
    )


class Backups(Component):
    """The backups of a stack.

    Produces: a locked vault, in a primary also one in the DR region. Where the stack `fills` them,
    also a plan, its selection by tag and its role, and a restore test with subnets and a security
    group of its own. A standby keeps the vault of the time when it served, because nobody can
    delete a vault with backups.
    """

    vault_name: pulumi.Output[str]
    vault_arns: dict[str, pulumi.Output[str]]
    """By region."""
    restored_subnet_group: pulumi.Output[str] | None
    """The subnets of a database that is restored for a test."""

    def __init__(
        self,
        name: str,
        spec: BackupsSpec,
        place: Place,
        *,
        key: EncryptionKey,
        database_arn: pulumi.Output[str],
        at: Placement,
        fills: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:backups:Backups", name, place, data_class="confidential", opts=opts)
        self._name, self._spec = name, spec
        keys: Mapping[str, pulumi.Output[str]] = {place.region: key.arn}
        if place.replica_region is not None and key.replica_arn is not None:
            keys = {**keys, place.replica_region: key.replica_arn}
        vaults = {region: self._vault(region, key_arn) for region, key_arn in keys.items()}
        self.vault_arns = {region: vault.arn for region, vault in vaults.items()}
        self.vault_name = vaults[place.region].name
        self.restored_subnet_group = None
        if fills:
            self._fill(database_arn, at)
        self.register_outputs({})

    def _fill(self, database_arn: pulumi.Output[str], at: Placement) -> None:
        """Declare what puts backups into the vaults, and tests them."""
        role = aws.iam.Role(
            self._name,
            # AWS's own default role has no condition, and no page shows that AWS Backup sends the
            # account with this call (AWS Backup Developer Guide, "IAM service roles").
            assume_role_policy=trust("backup.amazonaws.com", account_id=None),
            opts=self.child(),
        )
        attached = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=f"{MANAGED}{policy}",
                opts=self.child(),
            )
            for policy in POLICIES
        ]
        self._plan(role.arn, attached)
        if self._spec.restore_test:
            self.restored_subnet_group = self._restore_test(role.arn, attached, database_arn, at)

    def outputs(self) -> BackupsOutputs[pulumi.Output[str]]:
        """The backups' part of the stack's exports."""
        return BackupsOutputs[pulumi.Output[str]](
            vault_name=self.vault_name,
            vault_arns=self.vault_arns,
            restored_subnet_group=self.restored_subnet_group,
            restored_class=self._spec.restore_test_class if self.restored_subnet_group else None,
        )

    def _vault(self, region: str, key_arn: pulumi.Output[str]) -> aws.backup.Vault:
        """Declare a vault and its lock, which refuses a backup that would go sooner or later."""
        spec, place = self._spec, self.place
        away = region != place.region
        logical = f"{self._name}-replica" if away else self._name
        vault = aws.backup.Vault(
            logical,
            name=physical(place.prefix, "copies" if away else "", limit=50),
            region=region if away else None,
            kms_key_arn=key_arn,
            opts=self.durable(),
        )
        kept = [one.days for one in schedules(spec)]
        aws.backup.VaultLockConfiguration(
            logical,
            backup_vault_name=vault.name,
            region=region if away else None,
            min_retention_days=min(kept),
            max_retention_days=max(kept),
            changeable_for_days=spec.lock_grace_days if spec.lock_mode == "COMPLIANCE" else None,
            opts=self.durable(),
        )
        return vault

    def _plan(
        self, role_arn: pulumi.Output[str], attached: Sequence[aws.iam.RolePolicyAttachment]
    ) -> None:
        copies = [arn for region, arn in self.vault_arns.items() if region != self.place.region]
        plan = aws.backup.Plan(
            self._name,
            name=self.place.prefix,
            rules=[
                {
                    "rule_name": rule.name,
                    "target_vault_name": self.vault_name,
                    "schedule": rule.cron,
                    "start_window": daily_length(self._spec.window),
                    "completion_window": COMPLETION_MINUTES,
                    "lifecycle": {"delete_after": rule.days},
                    "copy_actions": [
                        {"destination_vault_arn": arn, "lifecycle": {"delete_after": rule.days}}
                        for arn in copies
                    ],
                }
                for rule in schedules(self._spec)
            ],
            opts=self.child(),
        )
        # A selection sees its own region only, and conditions must all hold (AWS Backup API,
        # BackupSelection). The bucket that an active DR stack uses has its primary's tags, so
        # they name the stage and not the stack.
        tags = {**BACKUP_TAG, "stage": self.place.stage}
        aws.backup.Selection(
            self._name,
            name=self.place.prefix,
            plan_id=plan.id,
            iam_role_arn=role_arn,
            resources=["*"],
            conditions=[
                {
                    "string_equals": [
                        {"key": f"aws:ResourceTag/{key}", "value": value}
                        for key, value in tags.items()
                    ]
                }
            ],
            opts=self.child(depends_on=[*attached]),
        )

    def _restore_test(
        self,
        role_arn: pulumi.Output[str],
        attached: Sequence[aws.iam.RolePolicyAttachment],
        database_arn: pulumi.Output[str],
        at: Placement,
    ) -> pulumi.Output[str]:
        """Declare the monthly test, and return the name of its subnets.

        Without the overrides it would restore into the default VPC.
        """
        logical = f"{self._name}-restored"
        subnets = aws.rds.SubnetGroup(logical, subnet_ids=at.subnet_ids, opts=self.child())
        # RestoreTestingPlanName takes letters, digits and underscores (AWS Backup API).
        name = self.place.prefix.replace("-", "_")
        plan = aws.backup.RestoreTestingPlan(
            self._name,
            name=name,
            schedule_expression=TEST_SCHEDULE,
            start_window_hours=1,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [self.vault_arns[self.place.region]],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": self._spec.daily_days,
            },
            opts=self.child(),
        )
        # A list is a text of JSON (AWS Backup Developer Guide, "Restore testing inferred
        # metadata", which also has the keys). Deletion protection and public access are off there.
        aws.backup.RestoreTestingSelection(
            self._name,
            name=f"{name}_database",
            restore_testing_plan_name=plan.name,
            protected_resource_type="RDS",
            protected_resource_arns=[database_arn],
            iam_role_arn=role_arn,
            restore_metadata_overrides={
                "dbInstanceClass": self._spec.restore_test_class,
                "dbSubnetGroupName": subnets.name,
                "multiAz": "false",
                "vpcSecurityGroupIds": pulumi.Output.json_dumps([at.security_group_id]),
            },
            validation_window_hours=self._spec.restore_test_hours,
            opts=self.child(depends_on=[*attached]),
        )
        return subnets.name
