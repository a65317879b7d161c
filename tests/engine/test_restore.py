"""Restoring dr's database from a backup with the real engine (docs/disaster-recovery.md)."""

from typing import Any

from tests.engine.double import GONE
from tests.engine.project import ENGINE, Project

pytestmark = ENGINE
INSTANCE = "aws:rds/instance:Instance"
SNAPSHOT: dict[str, Any] = {
    "source": {"kind": "snapshot", "snapshot_id": "awsbackup:job-1"},
}
MOMENT: dict[str, Any] = {
    "source": {
        "kind": "point-in-time",
        "source_backups_arn": "arn:aws:rds:us-east-1:000000000001:auto-backup:ab-1",
    },
}


def both(project: Project) -> None:
    """Bring prod and dr up."""
    for stack in ("prod", "dr"):
        project.init(stack)
        project.page(stack)
        project.up(stack)


def instances(project: Project) -> dict[str, dict[str, Any]]:
    """Return the inputs of dr's databases by their logical names."""
    return {
        name.rpartition("::")[2]: one["inputs"]
        for name, one in project.resources("dr").items()
        if one["type"] == INSTANCE
    }


def test_a_database_that_is_missing_and_one_that_is_spoiled(project: Project) -> None:
    """A refresh forgets what is missing; what is there goes only once it is released."""
    both(project)
    project.change("dr", "recovery", {"phase": "active"})
    project.change("dr", "database", SNAPSHOT)
    refused = project.pulumi("preview", "--stack", "dr", ok=False)
    assert "protect" in refused, "the state still has the instance"
    project.drift[f"{INSTANCE}::database"] = GONE
    project.pulumi("up", "--yes", "--skip-preview", "--refresh", "--stack", "dr")
    project.drift.clear()
    assert set(instances(project)) == {"database"}
    assert instances(project)["database"]["snapshotIdentifier"] == "awsbackup:job-1"
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")

    # Later the restored database turns out to be spoiled.
    project.change("dr", "database", {"generation": 2, **MOMENT})
    assert "protect" in project.pulumi("preview", "--stack", "dr", ok=False)
    project.change("dr", "recovery", {"phase": "fenced", "release_data": True})
    project.change("dr", "database", {"generation": 1, **SNAPSHOT})
    project.up("dr")
    project.change("dr", "recovery", {"phase": "active", "release_data": False})
    project.change("dr", "database", {"generation": 2, **MOMENT})
    project.up("dr")
    assert set(instances(project)) == {"database-2"}
    assert instances(project)["database-2"]["restoreToPointInTime"]
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")


def test_a_replica_that_is_spoiled(project: Project) -> None:
    """A standby releases its replica, and serves from a backup by its next update."""
    both(project)
    project.change("dr", "recovery", {"release_data": True})
    assert project.replaced("dr") == []
    project.up("dr")
    project.change("dr", "recovery", {"phase": "active", "release_data": False})
    project.change("dr", "database", {"generation": 2, **SNAPSHOT})
    project.up("dr")
    assert set(instances(project)) == {"database-2"}
    assert instances(project)["database-2"]["deletionProtection"]
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")
