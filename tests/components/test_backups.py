"""AWS Backup: vaults and their locks, the plan, what it selects, and the restore test."""

import json
from typing import Any

import pytest

from components.windows import overlap, overlap_daily
from tests.changes import refusal
from tests.graph import Graph
from tests.stacks import graph

VAULT = "aws:backup/vault:Vault"
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
TEST = "aws:backup/restoreTestingSelection:RestoreTestingSelection"
INSTANCE = "aws:rds/instance:Instance"
BUCKET = "aws:s3/bucket:Bucket"
ACTIVE = {"recovery.phase": "active"}


def selected(declared: Graph, region: str) -> list[str]:
    """Return the names of what a stack declares in a region and the plan's conditions match."""
    (condition,) = declared.one(SELECTION).inputs["conditions"]
    wanted = {
        pair["key"].removeprefix("aws:ResourceTag/"): pair["value"]
        for pair in condition["stringEquals"]
    }
    home = declared.one("pulumi:providers:aws").inputs
    defaults = json.loads(home["defaultTags"])["tags"]
    return [
        node.name
        for node in declared.custom()
        if node.inputs.get("region", home["region"]) == region
        and wanted.items() <= {**defaults, **node.inputs.get("tags", {})}.items()
    ]


def test_prod_has_a_locked_vault_in_each_region() -> None:
    """Each vault has our own key of its region, and its lock bounds what the plan keeps."""
    prod = graph("prod")
    keys = {
        node.inputs.get("region", "sa-east-1"): node.inputs["kmsKeyArn"] for node in prod.of(VAULT)
    }
    assert {region: arn.split(":")[3] for region, arn in keys.items()} == {
        "sa-east-1": "sa-east-1",
        "us-east-1": "us-east-1",
    }
    locks = {node.inputs["backupVaultName"]: node.inputs for node in prod.of(LOCK)}
    assert set(locks) == {node.inputs["name"] for node in prod.of(VAULT)}
    days = [rule["lifecycle"]["deleteAfter"] for rule in prod.one(PLAN).inputs["rules"]]
    for lock in locks.values():
        assert (lock["minRetentionDays"], lock["maxRetentionDays"]) == (min(days), max(days))
        assert "changeableForDays" not in lock, "nobody can undo COMPLIANCE"


def test_aws_backup_assumes_its_role() -> None:
    """As AWS's own default role lets it: by a trust policy without any condition."""
    role = graph("prod").one("aws:iam/role:Role", "backups")
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "backup.amazonaws.com"}
    assert "Condition" not in statement


def test_compliance_is_a_choice_with_a_grace() -> None:
    """Only the mode that cannot be undone has a day from which it cannot."""
    locked = graph("prod", {"backups.lock_mode": "COMPLIANCE", "backups.lock_grace_days": 3})
    assert {node.inputs["changeableForDays"] for node in locked.of(LOCK)} == {3}


def test_every_backup_is_copied_into_the_dr_region() -> None:
    """Each rule has a copy that is kept as long, in the other region's vault."""
    prod = graph("prod")
    away = prod.states[prod.one(VAULT, "backups-replica").urn]["arn"]
    assert away.startswith("arn:aws:backup:us-east-1:")
    for rule in prod.one(PLAN).inputs["rules"]:
        assert rule["copyActions"] == [
            {"destinationVaultArn": away, "lifecycle": rule["lifecycle"]}
        ]


def test_the_plan_selects_the_database_and_the_documents() -> None:
    """Tags choose the database and the documents, in prod and in an active DR stack alike."""
    prod, active = graph("prod"), graph("dr", ACTIVE)
    assert sorted(selected(prod, "sa-east-1")) == ["database", "storage-documents"]
    assert selected(active, "us-east-1") == ["database"]
    # The bucket that an active DR stack uses is declared by its primary, with the stage's tag.
    tags = json.loads(prod.one("pulumi:providers:aws").inputs["defaultTags"])["tags"]
    replica = {**tags, **prod.one(BUCKET, "storage-documents-replica").inputs["tags"]}
    (condition,) = active.one(SELECTION).inputs["conditions"]
    for pair in condition["stringEquals"]:
        assert replica[pair["key"].removeprefix("aws:ResourceTag/")] == pair["value"]


def test_a_selected_bucket_is_versioned() -> None:
    """AWS Backup takes no bucket without versions (Developer Guide, "Amazon S3 backups")."""
    prod = graph("prod")
    versioned = {node.name for node in prod.of("aws:s3/bucketVersioning:BucketVersioning")}
    assert {"storage-documents", "storage-documents-replica"} <= versioned


def test_a_restore_test_stays_out_of_the_default_network() -> None:
    """It restores a small instance into isolated subnets, which only jobs reach."""
    prod = graph("prod")
    overrides = prod.one(TEST).inputs["restoreMetadataOverrides"]
    group = prod.one("aws:rds/subnetGroup:SubnetGroup", "backups-restored")
    assert overrides["dbSubnetGroupName"] == prod.states[group.urn]["name"]
    network = prod.outputs["network"]
    assert group.inputs["subnetIds"] == network["isolated_subnet_ids"]
    (security_group,) = json.loads(overrides["vpcSecurityGroupIds"])
    assert security_group == network["security_group_ids"]["restored"]
    inward = [
        node.inputs["referencedSecurityGroupId"]
        for node in prod.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if node.inputs["securityGroupId"] == security_group
    ]
    assert inward == [network["job_security_group_id"]]
    assert overrides["multiAz"] == "false"
    tested = prod.one(TEST).inputs["protectedResourceArns"]
    assert tested == [prod.outputs["database"]["arn"]]


@pytest.mark.parametrize(
    ("stack", "changes", "vaults", "plans"),
    [
        ("dev", {}, 0, 0),
        ("staging", {}, 0, 0),
        # The vault of a standby that has served holds backups, which nobody can delete.
        ("dr", {}, 1, 0),
        ("dr", {"recovery.phase": "promoting"}, 1, 0),
        ("dr", ACTIVE, 1, 1),
        ("dr", {"recovery.phase": "fenced"}, 1, 1),
    ],
)
def test_who_has_backups(stack: str, changes: Any, vaults: int, plans: int) -> None:
    """A standby's data are its primary's; once active, it backs them up in its own region."""
    declared = graph(stack, changes)
    assert len(declared.of(VAULT)) == vaults
    assert len(declared.of("aws:backup/plan:Plan")) == plans
    assert (declared.outputs.get("backups") is not None) == bool(vaults)
    watched = {node.name for node in declared.of("aws:cloudwatch/metricAlarm:MetricAlarm")}
    # A fenced stack pages nobody.
    watches = bool(plans) and declared.outputs["phase"] != "fenced"
    assert ("observability-backups-failed" in watched) == watches
    assert ("observability-backups-missing" in watched) == watches


def test_a_failed_job_and_a_silent_plan_alarm() -> None:
    """One rule counts every job that ends badly; a day without a backup breaches."""
    prod = graph("prod")
    rule = prod.one("aws:cloudwatch/eventRule:EventRule", "observability-backup-failed")
    pattern = json.loads(rule.inputs["eventPattern"])
    assert set(pattern["detail-type"]) == {
        f"{job} Job State Change" for job in ("Backup", "Copy", "Restore")
    }
    ways = {key: one[key] for one in pattern["detail"]["$or"] for key in one}
    assert {key: "FAILED" in values for key, values in ways.items()} == {
        "state": True,
        "status": True,
    }
    missing = prod.one("aws:cloudwatch/metricAlarm:MetricAlarm", "observability-backups-missing")
    assert missing.inputs["treatMissingData"] == "breaching"
    assert missing.inputs["dimensions"] == {
        "BackupVaultName": prod.outputs["backups"]["vault_name"]
    }


@pytest.mark.parametrize(
    ("window", "accepted"),
    [
        ("07:00-08:00", False),
        ("08:30-09:30", True),
        ("04:00-05:00", True),
        ("04:00-05:01", False),
        ("23:30-05:00", True),
        ("06:59-07:59", False),
    ],
)
def test_a_backup_keeps_clear_of_the_database_s_windows(window: str, *, accepted: bool) -> None:
    """Backups run 06:00-07:00 and maintenance 07:30-08:30 on Sundays; the hours before are too."""
    own, weekly = "06:00-07:00", "sun:07:30-sun:08:30"
    clear = not overlap_daily(window, own, before=60) and not overlap(window, weekly, before=60)
    assert clear is accepted


def test_prod_without_backups_is_refused() -> None:
    """Production has backups that nobody's mistake deletes."""
    assert "backups.enabled is false" in refusal("prod", {"backups.enabled": False})
