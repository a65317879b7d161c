"""When the pipeline may update a stack: not during a failover, and not against its outcome."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca import checkout
from arca.cli.main import cli
from arca.recovery.budgets import PhaseName
from arca.recovery.journal_entry import Entry
from arca.recovery.record import phase
from tests.arca.recovery.stage import FAR, JOURNAL, Stage, denial

WHEN = datetime(2026, 11, 28, 3, tzinfo=UTC)
Files = Callable[..., None]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    """A primary with its standby, in one emulated AWS."""
    return Stage(monkeypatch, tmp_path)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """Return what writes the files of prod, dr and dev with phases."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.setattr(checkout, "root", lambda: folder)

    def write(prod: str | None = None, dr: str = "standby") -> None:
        sections: dict[str, dict[str, str]] = {
            "prod": {"replica_region": "us-east-1", **({"phase": prod} if prod else {})},
            "dr": {"role": "secondary", "primary_stack": "prod", "phase": dr},
            "dev": {},
        }
        for name, section in sections.items():
            config = {"arca-api:stage": name, **({"arca-api:recovery": section} if section else {})}
            (folder / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": config}))

    write()
    return write


def ran(stack: str) -> Result:
    """Run the workflow's step."""
    return CliRunner().invoke(cli, ["ci", "require-no-recovery", "--stack", stack])


def refused(stack: str) -> str:
    """Return the message of a refusal, whose exit code is 6."""
    result = ran(stack)
    assert getattr(result.exception, "exit_code", None) == 6, result.output
    return str(result.exception)


def journal(stage: Stage, *done: PhaseName, kind: str = "failover", **more: Any) -> None:
    """Leave the journal of a recovery of which some phases ended well."""
    phases = [phase(name, WHEN, WHEN, outcome="OK", seen="") for name in done]
    entry = Entry.model_validate(
        {
            "kind": kind,
            "run": "1",
            "operator": "ana",
            "primary": "prod",
            "secondary": "dr",
            "declared": WHEN,
            "beat": WHEN,
            "phases": phases,
            **more,
        }
    )
    region = stage.outputs["prod"].recovery
    assert region is not None
    ssm = stage.client("ssm", region.region)
    ssm.put_parameter(Name=JOURNAL, Value=entry.text(), Type="String", Overwrite=True)


def pull(stage: Stage) -> None:
    """Pull the lever."""
    stage.client("route53").update_health_check(HealthCheckId=stage.lever, Inverted=True)


def test_a_quiet_day(stage: Stage, files: Files) -> None:
    """Both stacks, and one without a DR region, of which nothing is asked."""
    del files
    assert "prod is active, and no failover" in ran("prod").output
    assert "dr is standby, and no failover" in ran("dr").output
    stage.calls.clear()
    assert ran("dev").output == "dev has no DR stack\n"
    assert stage.calls == []


@pytest.mark.parametrize("stack", ["prod", "dr"])
def test_a_recovery_under_way(stage: Stage, files: Files, stack: str) -> None:
    """Whose, since when; even where it waits for its next phase."""
    del files
    journal(stage, "declare", "fence")
    told = refused(stack)
    assert "A failover between prod and dr is under way, by ana since 2026-11-28 03:00:00Z" in told
    journal(stage, "declare", "rebuild", kind="failback")
    assert "A failback between prod and dr is under way" in refused(stack)


def test_before_dr_is_up(stage: Stage, files: Files) -> None:
    """Prod comes up first: of dr nothing is needed but its file's name."""
    del files
    del stage.outputs["dr"]
    assert ran("prod").exit_code == 0
    journal(stage, "declare")
    refused("prod")


def test_after_a_failover(stage: Stage, files: Files) -> None:
    """The lever is pulled: main has to know it before the pipeline updates either stack."""
    pull(stage)
    stage.export("prod", phase="fenced")
    stage.export("dr", phase="active")
    assert "it is fenced, and the failover lever is pulled" in refused("prod")
    assert "wanted: active" in refused("dr")
    files(prod="fenced", dr="active")
    assert (ran("prod").exit_code, ran("dr").exit_code) == (0, 0)


def test_a_primary_that_could_not_be_fenced(stage: Stage, files: Files) -> None:
    """Its region was lost, and the pipeline may fence it; nothing else."""
    pull(stage)
    stage.export("dr", phase="active")
    assert "wanted: fenced" in refused("prod")
    files(prod="following", dr="active")
    refused("prod")
    files(prod="fenced", dr="active")
    assert ran("prod").exit_code == 0


def test_a_fail_back_that_waits_for_its_clean_up(stage: Stage, files: Files) -> None:
    """Prod serves for days before dr's data go; dr's file must not let dr serve again."""
    done: tuple[PhaseName, ...] = ("declare", "rebuild", "fence", "lag", "promote", "activate")
    stage.export("dr", phase="fenced")
    files(dr="active")
    journal(stage, *done, "smoke", "switch", kind="failback")
    refused("prod")
    journal(stage, *done, "smoke", "switch", "verify", kind="failback")
    assert ran("prod").exit_code == 0
    assert "says that it is active; it is fenced" in refused("dr")
    files(dr="fenced")
    assert ran("dr").exit_code == 0
    journal(stage, *done, "smoke", "switch", "verify", kind="failback", begun=("clean-up", WHEN))
    refused("prod")
    refused("dr")


def test_the_pipeline_promotes_nothing(stage: Stage, files: Files) -> None:
    """A phase that main alone has, such as one that was left there after a fail-back."""
    del stage
    files(dr="active")
    assert "says that it is active; it is standby, and the failover lever is not" in refused("dr")


@pytest.mark.parametrize("call", ["ssm.get_parameter", "route53.get_health_check"])
def test_what_cannot_be_asked_is_no_pass(stage: Stage, files: Files, call: str) -> None:
    """Exit code 1; the primary's region is not asked at all."""
    del files

    def deny(label: str) -> None:
        if label.endswith(call):
            raise denial(label)

    stage.before = deny
    result = ran("prod")
    assert getattr(result.exception, "exit_code", None) == 1
    assert not [one for one in stage.calls if one.startswith(FAR)]
