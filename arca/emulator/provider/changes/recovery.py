"""Changes of what recovery needs: AWS Backup and AWS FIS."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import Changes, Update, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.backup import NOT_IN_MOTO
from arca.emulator.provider.resources.definition import ApiCall, ResourceState, take

_PLAN = "aws:backup/plan:Plan"
_TESTS = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
_TEST = "aws:backup/restoreTestingSelection:RestoreTestingSelection"
_TEMPLATE = "aws:fis/experimentTemplate:ExperimentTemplate"
NO_CHANGED_PLAN = "moto cannot change a backup plan"


def _changed_template(state: ResourceState) -> dict[str, Any]:
    params = dict(CALLS[_TEMPLATE][0].params(state))
    del params["tags"]
    # The account that is aimed at cannot change (AWS FIS API Reference, UpdateExperimentTemplate).
    params["experimentOptions"] = take("emptyTargetResolutionMode")(params["experimentOptions"])
    return {"id": state["id"], **params}


def _template_arn(state: ResourceState) -> str:
    return f"arn:aws:fis:{state['_region']}:000000000000:experiment-template/{state['id']}"


def _backup_tags(*, only_validated: str = "") -> tuple[Update, ...]:
    return tags.by_calls(
        "backup",
        "tag_resource",
        "untag_resource",
        lambda s: {"ResourceArn": s["arn"]},
        pairs="Tags",
        keys="TagKeyList",
        only_validated=only_validated,
    )


CHANGES: Mapping[str, Changes] = {
    "aws:backup/vault:Vault": Changes(
        replaces=replaced_by("name", "kmsKeyArn"),
        updates=_backup_tags(),
        deletes=(ApiCall("backup", "delete_backup_vault", take(backupVaultName="name")),),
        name="name",
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Changes(
        replaces=replaced_by(
            "backupVaultName", "minRetentionDays", "maxRetentionDays", "changeableForDays"
        ),
        deletes=(
            ApiCall("backup", "delete_backup_vault_lock_configuration", take("backupVaultName")),
        ),
        delete_first=True,
    ),
    _PLAN: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("rules",),
                (
                    ApiCall(
                        "backup",
                        "update_backup_plan",
                        lambda s: {
                            "BackupPlanId": s["id"],
                            "BackupPlan": CALLS[_PLAN][0].params(s)["BackupPlan"],
                        },
                        only_validated=NO_CHANGED_PLAN,
                    ),
                ),
                ("version",),
            ),
            *_backup_tags(),
        ),
        deletes=(ApiCall("backup", "delete_backup_plan", take(backupPlanId="id")),),
    ),
    "aws:backup/selection:Selection": Changes(
        replaces=replaced_by("conditions", "iamRoleArn", "name", "planId", "resources"),
        deletes=(
            ApiCall(
                "backup",
                "delete_backup_selection",
                take(backupPlanId="planId", selectionId="id"),
                only_validated=NOT_IN_MOTO,
            ),
        ),
    ),
    _TESTS: Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("recoveryPointSelection", "scheduleExpression", "startWindowHours"),
                (
                    ApiCall(
                        "backup",
                        "update_restore_testing_plan",
                        lambda s: {
                            "RestoreTestingPlanName": s["name"],
                            "RestoreTestingPlan": take(
                                "recoveryPointSelection", "scheduleExpression", "startWindowHours"
                            )(s),
                        },
                        only_validated=NOT_IN_MOTO,
                    ),
                ),
            ),
            *_backup_tags(only_validated=NOT_IN_MOTO),
        ),
        deletes=(
            ApiCall(
                "backup",
                "delete_restore_testing_plan",
                take(restoreTestingPlanName="name"),
                only_validated=NOT_IN_MOTO,
            ),
        ),
        name="name",
    ),
    _TEST: Changes(
        replaces=replaced_by("name", "protectedResourceType", "restoreTestingPlanName"),
        updates=(
            Update(
                (
                    "iamRoleArn",
                    "protectedResourceArns",
                    "restoreMetadataOverrides",
                    "validationWindowHours",
                ),
                (
                    ApiCall(
                        "backup",
                        "update_restore_testing_selection",
                        lambda s: {
                            "RestoreTestingPlanName": s["restoreTestingPlanName"],
                            "RestoreTestingSelectionName": s["name"],
                            "RestoreTestingSelection": take(
                                "iamRoleArn",
                                "protectedResourceArns",
                                "restoreMetadataOverrides",
                                "validationWindowHours",
                            )(s),
                        },
                        only_validated=NOT_IN_MOTO,
                    ),
                ),
            ),
        ),
        deletes=(
            ApiCall(
                "backup",
                "delete_restore_testing_selection",
                take("restoreTestingPlanName", restoreTestingSelectionName="name"),
                only_validated=NOT_IN_MOTO,
            ),
        ),
        name="name",
    ),
    _TEMPLATE: Changes(
        updates=(
            Update(
                (
                    "actions",
                    "description",
                    "experimentOptions",
                    "logConfiguration",
                    "roleArn",
                    "stopConditions",
                    "targets",
                ),
                (
                    ApiCall(
                        "fis",
                        "update_experiment_template",
                        _changed_template,
                    ),
                ),
            ),
            *tags.by_calls(
                "fis",
                "tag_resource",
                "untag_resource",
                lambda s: {"resourceArn": _template_arn(s)},
                pairs="tags",
                keys="tagKeys",
            ),
        ),
        deletes=(ApiCall("fis", "delete_experiment_template", take("id")),),
    ),
}
