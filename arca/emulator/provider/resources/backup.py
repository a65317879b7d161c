"""Vaults, plans and restore tests (AWS Backup)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    arn_outputs,
    take,
    take_outputs,
)

NOT_IN_MOTO = "moto's AWS Backup has vaults and plans only"


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "RuleName": rule["ruleName"],
        "TargetBackupVaultName": rule["targetVaultName"],
        "ScheduleExpression": rule["schedule"],
        "StartWindowMinutes": rule["startWindow"],
        "CompletionWindowMinutes": rule["completionWindow"],
        "Lifecycle": _lifecycle(rule),
        "CopyActions": [
            {
                "DestinationBackupVaultArn": one["destinationVaultArn"],
                "Lifecycle": _lifecycle(one),
            }
            for one in rule.get("copyActions", [])
        ],
    }


def _lifecycle(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"DeleteAfterDays": of["lifecycle"]["deleteAfter"]}


def _selection(state: ResourceState) -> dict[str, Any]:
    return {
        "SelectionName": state["name"],
        "IamRoleArn": state["iamRoleArn"],
        "Resources": state["resources"],
        "Conditions": {
            "StringEquals": [
                {"ConditionKey": one["key"], "ConditionValue": one["value"]}
                for condition in state["conditions"]
                for one in condition["stringEquals"]
            ]
        },
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:backup/vault:Vault": Resource(
        arn_outputs("backup", "backup-vault:{name}"),
        calls=(
            ApiCall(
                "backup",
                "create_backup_vault",
                lambda s: {
                    "BackupVaultName": s["name"],
                    "EncryptionKeyArn": s["kmsKeyArn"],
                    "BackupVaultTags": s.get("tags", {}),
                },
                take_outputs(arn="BackupVaultArn"),
            ),
        ),
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Resource(
        OutputTemplates(
            "{backupVaultName}",
            {"backupVaultArn": "arn:aws:backup:{region}:{account}:backup-vault:{backupVaultName}"},
        ),
        calls=(
            ApiCall(
                "backup",
                "put_backup_vault_lock_configuration",
                take(
                    "backupVaultName", "minRetentionDays", "maxRetentionDays", "changeableForDays"
                ),
            ),
        ),
    ),
    "aws:backup/plan:Plan": Resource(
        OutputTemplates(
            "{hex}",
            {"arn": "arn:aws:backup:{region}:{account}:backup-plan:{hex}", "version": "{hex}"},
            name_input="name",
        ),
        calls=(
            ApiCall(
                "backup",
                "create_backup_plan",
                lambda s: {
                    "BackupPlan": {
                        "BackupPlanName": s["name"],
                        "Rules": [_rule(one) for one in s["rules"]],
                    },
                    "BackupPlanTags": s.get("tags", {}),
                },
                take_outputs(id="BackupPlanId", arn="BackupPlanArn"),
            ),
        ),
    ),
    "aws:backup/selection:Selection": Resource(
        OutputTemplates("{hex}", name_input="name"),
        calls=(
            ApiCall(
                "backup",
                "create_backup_selection",
                lambda s: {"BackupPlanId": s["planId"], "BackupSelection": _selection(s)},
                only_validated=NOT_IN_MOTO,
            ),
        ),
    ),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": Resource(
        arn_outputs("backup", "restore-testing-plan:{name}"),
        calls=(
            ApiCall(
                "backup",
                "create_restore_testing_plan",
                lambda s: {
                    "RestoreTestingPlan": take(
                        "recoveryPointSelection",
                        "scheduleExpression",
                        "startWindowHours",
                        RestoreTestingPlanName="name",
                    )(s),
                    "Tags": s.get("tags", {}),
                },
                only_validated=NOT_IN_MOTO,
            ),
        ),
    ),
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": Resource(
        OutputTemplates("{name}:{restoreTestingPlanName}", name_input="name"),
        calls=(
            ApiCall(
                "backup",
                "create_restore_testing_selection",
                lambda s: {
                    "RestoreTestingPlanName": s["restoreTestingPlanName"],
                    "RestoreTestingSelection": take(
                        "iamRoleArn",
                        "protectedResourceArns",
                        "protectedResourceType",
                        "restoreMetadataOverrides",
                        "validationWindowHours",
                        RestoreTestingSelectionName="name",
                    )(s),
                },
                only_validated=NOT_IN_MOTO,
            ),
        ),
    ),
}
