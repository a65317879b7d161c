"""`arca dr failover` and `failback` as on AWS: the real Pulumi CLI changes the stacks.

Pulumi and the operator's command are killed where it hurts most, and the same command goes on.
"""

import re
from pathlib import Path

import pytest

from arca.cli import pulumi_update
from arca.errors import ArcaError, Refused
from tests.engine.names import INSTANCE
from tests.engine.operator import Operator, StackFile
from tests.engine.project import ENGINE, Project

pytestmark = ENGINE
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
SERVICE = "aws:ecs/service:Service::service"
IMPORT = "--import-pending-creates"
REFRESH = ("refresh", "--yes", "--skip-preview")
FAILOVER = ("failover", "--stack", "prod", "--to", "dr")
FAILBACK = ("failback", "--stack", "prod", "--from", "dr", "--generation", "2")


@pytest.fixture
def operator(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operator:
    """An operator of prod and dr, which exist in Pulumi's backend and have no resource yet."""
    for stack in ("prod", "dr"):
        project.init(stack)
        project.page(stack)
    (tmp_path / "records").mkdir()
    return Operator(project, monkeypatch, tmp_path / "records")


def advised(error: ArcaError, program: str) -> list[str]:
    """Return the words of the first command of a program that an error names."""
    (found,) = re.findall(rf"`{program} ([^`]+)`", error.do)
    return str(found).split()


def test_failover(operator: Operator) -> None:
    """Each update ends after any kill: nothing is promoted twice, replaced or left half made."""
    project = operator.project
    for stack in ("prod", "dr"):
        project.up(stack)
    files = {stack: StackFile(project, stack) for stack in ("prod", "dr")}
    database = {urn: one for urn, one in project.state("dr").items() if INSTANCE in urn}

    # Killed between `config set` and `up`: the file is ahead, and the same update comes.
    operator.kill = lambda words: words[0] == "up"
    operator.dies(*FAILOVER, "--until", "fence")
    assert files["prod"].changed() == {"+ phase: fenced"}
    assert operator.phase("prod") == "active"
    operator.arca(*FAILOVER, "--resume", "--until", "lag")
    assert operator.phase("prod") == "fenced"
    assert project.resources("prod")[SERVICE]["inputs"]["desiredCount"] == 0
    assert files["prod"].changed() == {"+ phase: fenced"}

    # Pulumi is killed once RDS has promoted, before Pulumi knows of it.
    operator.kill_pulumi_at(f"{INSTANCE}::database")
    killed = operator.fails(*FAILOVER, "--resume", "--until", "promote")
    assert killed.what.startswith("Pulumi was killed by the signal 9")
    locked = operator.fails(*FAILOVER, "--resume", "--until", "promote")
    assert locked.what == "The stack dr is locked: another update runs, or one was killed."
    resume = advised(locked, "arca dr")
    assert resume == [*FAILOVER, "--resume"]
    assert advised(killed, "pulumi") == advised(locked, "pulumi")
    project.pulumi(*advised(locked, "pulumi"))
    operator.arca(*resume, "--until", "promote")
    assert project.cloud.promoted == ["arca-dr"]
    assert operator.phase("dr") == "promoting"
    assert files["dr"].changed() == {"- phase: standby", "+ phase: promoting"}

    # Pulumi is killed while the cache is created: only a person can say whether it exists.
    operator.kill_pulumi_at(f"{CACHE}::cache")
    project.pulumi(*advised(operator.fails(*resume, "--until", "activate"), "pulumi"))
    unknown = operator.fails(*resume, "--until", "activate")
    assert "an earlier one was killed while it created" in unknown.what
    assert f"{CACHE}::cache" in unknown.what
    assert advised(unknown, "pulumi") == ["refresh", "--stack", "dr"]
    for urn in project.pending("dr"):
        exists = (word for one in (urn, project.cloud.made[urn][0]) for word in (IMPORT, one))
        project.pulumi(*REFRESH, *exists, "--stack", "dr")
    operator.arca(*resume, "--until", "activate")

    assert operator.phase("dr") == "active"
    assert operator.deployed == ["dr"]
    assert files["dr"].changed() == {"- phase: standby", "+ phase: active"}
    assert database.items() <= project.state("dr").items()
    assert project.cloud.promoted == ["arca-dr"]
    before = len(operator.updates("dr"))
    operator.arca(*resume, "--until", "activate")
    assert len(operator.updates("dr")) == before
    pulumi_update.updater(refresh=True, resume="")("dr", {"recovery.phase": "active"})
    assert operator.updates("dr")[-1].keys() == {"same"}
    assert files["dr"].changed() == {"- phase: standby", "+ phase: active"}


def test_failback(operator: Operator) -> None:
    """Prod follows dr and serves again; a second fail-back of a primary that serves is refused."""
    project = operator.project
    project.change("prod", "recovery", {"phase": "fenced"})
    project.change("dr", "recovery", {"phase": "active"})
    for stack in ("prod", "dr"):
        project.up(stack)
    files = {stack: StackFile(project, stack) for stack in ("prod", "dr")}

    # Killed when the file says that prod follows, and prod does not yet.
    operator.kill = lambda words: (
        words[0] == "up" and "+ phase: following" in files["prod"].changed()
    )
    operator.dies(*FAILBACK)
    assert operator.phase("prod") == "fenced"
    operator.arca(*FAILBACK, "--resume", "--until", "fence")
    assert (operator.phase("prod"), operator.phase("dr")) == ("following", "fenced")
    assert project.cloud.sources["arca-prod-2"].endswith(":db:arca-dr")

    operator.arca(*FAILBACK, "--resume")
    assert operator.phase("prod") == "active"
    assert project.cloud.promoted == ["arca-prod-2"]
    served = {"- phase: fenced", "+ generation: 2", "+ source:", "+ kind: promoted"}
    assert files["prod"].changed() == served
    operator.arca(*FAILBACK, "--resume", "--until", "clean-up")
    assert operator.phase("dr") == "standby"
    assert files["dr"].changed() == {"- phase: active", "+ phase: standby", "+ generation: 2"}
    assert project.cloud.sources["arca-dr-2"].endswith(":db:arca-prod-2")
    assert list(operator.records.glob("*.json"))
    for stack in ("prod", "dr"):
        project.pulumi("preview", "--expect-no-changes", "--stack", stack)

    again = operator.fails(*FAILBACK)
    assert isinstance(again, Refused)
    assert again.what == "dr does not serve: it is standby, and prod is active."
