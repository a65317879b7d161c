"""A failover and a fail-back with the real engine: no step replaces a database."""

import json
from typing import Any

from tests.engine.project import ENGINE, Project

pytestmark = ENGINE
INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
COPIES = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication::database"
DURABLE = {f"{INSTANCE}::database", f"{INSTANCE}::database-2", f"{CACHE}::cache", COPIES}


def lost(project: Project, stack: str) -> set[str]:
    """Return the databases, caches and copies that a preview would replace or delete."""
    return {name for name in project.replaced(stack) if name in DURABLE or "::cache-" in name}


def step(project: Project, stack: str, phase: str | None, **database: Any) -> set[str]:
    """Change phase and database as an operator does, update, and return what the preview lost."""
    project.change(stack, "recovery", {"phase": phase or "standby"})
    if database:
        project.change(stack, "database", database)
    gone = lost(project, stack)
    project.up(stack)
    return gone


def test_there_and_back_again(project: Project) -> None:
    """Prod is lost and comes back: each step previews cleanly, and none replaces a database."""
    for stack in ("prod", "dr"):
        project.init(stack)
        project.page(stack)
        project.up(stack)
    for phase in ("promoting", "active"):
        assert step(project, "dr", phase) == set()
    served = json.loads(project.pulumi("stack", "output", "database", "--json", "--stack", "dr"))

    # Prod is there again: nobody deletes its old database before its release.
    assert step(project, "prod", "fenced") == set()
    follows = {"generation": 2, "source": {"kind": "replica", "source_arn": served["arn"]}}
    project.change("prod", "recovery", {"phase": "following"})
    project.change("prod", "database", follows)
    assert "protect" in project.pulumi("up", "--yes", "--skip-preview", "--stack", "prod", ok=False)
    project.change("prod", "recovery", {"phase": "fenced", "release_data": True})
    project.change("prod", "database", {"generation": 1, "source": {"kind": "new"}})
    project.up("prod")
    project.change("prod", "recovery", {"release_data": False})
    assert step(project, "prod", "following", **follows) == {
        f"{INSTANCE}::database",
        f"{CACHE}::cache",
        COPIES,
    }

    assert step(project, "dr", "fenced") == set()
    assert step(project, "prod", "promoting") == set()
    assert step(project, "prod", None, source={"kind": "promoted"}) == set()

    # Dr follows again, with an instance of its own.
    project.change("dr", "recovery", {"release_data": True})
    project.up("dr")
    project.change("dr", "recovery", {"release_data": False})
    assert step(project, "dr", "standby", generation=2) == {
        f"{INSTANCE}::database",
        f"{CACHE}::cache",
    }
    database = project.resources("dr")[f"{INSTANCE}::database-2"]["inputs"]
    assert database["replicateSourceDb"].endswith(":db:arca-prod-2")
    for stack in ("prod", "dr"):
        project.pulumi("preview", "--expect-no-changes", "--stack", stack)
