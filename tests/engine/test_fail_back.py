"""A failover and a fail-back with the real engine: no step replaces a database."""

from typing import Any

from tests.engine.project import ENGINE, Project, lost

pytestmark = ENGINE
INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
COPIES = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication::database"
FOLLOWS: dict[str, Any] = {
    "generation": 2,
    "source": {
        "kind": "replica",
        "source_arn": "arn:aws:rds:us-east-1:123456789012:db:arca-dr",
    },
}
DURABLE = {f"{INSTANCE}::database", f"{INSTANCE}::database-2", f"{CACHE}::cache", COPIES}


def step(project: Project, stack: str, phase: str | None, **database: Any) -> set[str]:
    """Change phase and database as an operator does, and update.

    Returns the databases, caches and copies that the update replaced or deleted.
    """
    project.change(stack, "recovery", {"phase": phase or "standby"})
    if database:
        project.change(stack, "database", database)
    gone = lost(project.update(stack))
    return {name for name in gone if name in DURABLE or name.startswith(f"{CACHE}::")}


def test_prod_comes_back(project: Project) -> None:
    """Prod follows its DR stack and is promoted: only a release lets its old data go."""
    project.init("prod")
    project.page("prod")
    project.up("prod")
    assert step(project, "prod", "fenced") == set()
    project.change("prod", "recovery", {"phase": "following"})
    project.change("prod", "database", FOLLOWS)
    assert "protect" in project.pulumi("preview", "--stack", "prod", ok=False)

    project.change("prod", "recovery", {"phase": "fenced", "release_data": True})
    project.change("prod", "database", {"generation": 1, "source": {"kind": "new"}})
    project.up("prod")
    project.change("prod", "recovery", {"release_data": False})
    assert step(project, "prod", "following", **FOLLOWS) == {
        f"{INSTANCE}::database",
        f"{CACHE}::cache",
        COPIES,
    }
    assert step(project, "prod", "promoting") == set()
    serves = {"source": {"kind": "promoted"}, "replicate_backups": False}
    assert step(project, "prod", None, **serves) == set()
    assert step(project, "prod", None, replicate_backups=True) == set()
    project.pulumi("preview", "--expect-no-changes", "--stack", "prod")


def test_dr_follows_again(project: Project) -> None:
    """An active DR stack stops, lets its data go and follows prod with another instance."""
    for stack in ("prod", "dr"):
        project.init(stack)
        project.page(stack)
        project.up(stack)
    for phase in ("promoting", "active", "fenced"):
        assert step(project, "dr", phase) == set()
    project.change("dr", "recovery", {"release_data": True})
    project.up("dr")
    project.change("dr", "recovery", {"release_data": False})
    assert step(project, "dr", "standby", generation=2) == {
        f"{INSTANCE}::database",
        f"{CACHE}::cache",
    }
    database = project.resources("dr")[f"{INSTANCE}::database-2"]["inputs"]
    assert database["replicateSourceDb"].endswith(":db:arca-prod")
    project.pulumi("preview", "--expect-no-changes", "--stack", "dr")
