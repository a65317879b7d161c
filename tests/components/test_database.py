"""The database: switchover, replicas, and where its data comes from."""

from typing import Any

import pytest

from tests.changes import refusal
from tests.components.alone import alone, database
from tests.stacks import graph, settings_of

INSTANCE = "aws:rds/instance:Instance"


def test_ask_10_switchover_and_deletion_protection() -> None:
    """Deletion protection follows the stack, and blue-green upgrades are a setting."""
    assert graph("prod").one(INSTANCE).inputs["deletionProtection"] is True
    upgraded = alone(database, changes={"database.blue_green_upgrades": True})
    assert upgraded.one(INSTANCE).inputs["blueGreenUpdate"] == {"enabled": True}


def test_ask_12_a_replica_names_no_owner() -> None:
    """A replica names no password, user, engine or storage, which its source has."""
    replica = graph("dr").one(INSTANCE)
    named = {"username", "passwordWo", "engine", "allocatedStorage", "dbName"}
    assert named.isdisjoint(replica.inputs)
    assert replica.inputs["replicateSourceDb"].startswith("arn:aws:rds:sa-east-1:")
    assert "false where there is a replica" in refusal(
        "dev", {"database.managed_password": True, "database.read_replicas": 1}
    )


@pytest.mark.parametrize(
    ("source", "input_name", "value"),
    [
        ({"kind": "snapshot", "snapshot_id": "before"}, "snapshotIdentifier", "before"),
        (
            {"kind": "point-in-time", "source_instance_id": "arca-dev"},
            "restoreToPointInTime",
            {"sourceDbInstanceIdentifier": "arca-dev", "useLatestRestorableTime": True},
        ),
        (
            {
                "kind": "point-in-time",
                "source_backups_arn": "arn:aws:rds:us-east-1:000000000000:auto-backup:ab-1",
                "at": "2026-11-01T03:04:05Z",
            },
            "restoreToPointInTime",
            {
                "sourceDbInstanceAutomatedBackupsArn": (
                    "arn:aws:rds:us-east-1:000000000000:auto-backup:ab-1"
                ),
                "restoreTime": "2026-11-01T03:04:05Z",
            },
        ),
    ],
)
def test_ask_14_copies_and_restores(source: Any, input_name: str, value: Any) -> None:
    """A snapshot or a point in time is a setting; the restored data has owner and database.

    The backup may be bigger than `storage_gib`, and RDS refuses a restore into less.
    """
    instance = alone(database, changes={"database.source": source}).one(INSTANCE)
    assert instance.inputs[input_name] == value
    assert {"username", "dbName", "allocatedStorage"}.isdisjoint(instance.inputs)
    assert instance.inputs["maxAllocatedStorage"] == settings_of("dev").database.storage_max_gib
