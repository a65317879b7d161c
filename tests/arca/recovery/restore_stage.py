"""A primary with its backups in an emulated AWS in this process, and an operator's restore tests.

    stage = RestoreStage(monkeypatch, tmp_path)
    result = stage.arca("--yes")

The task of the check is a process that prints what a test wants. A second of a command's sleep is a
simulated minute, as in stage.py.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from moto.backends import get_backend

from arca.cli.main import cli
from arca.outputs import Outputs
from arca.recovery import restored_instance
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, GROUP, REGION, SERVICE
from tests.arca.recovery.stage import IMAGE, OPERATOR, Stage
from tests.stacks import graph

NAME = "arca-prod-restore-test"
PRIMARY = "arca-prod"
SNAPSHOTS = (
    ("rds:arca-prod-1", "automated"),
    ("rds:arca-prod-2", "automated"),
    ("awsbackup:job-1", "awsbackup"),
    ("mine", "manual"),
)
GOOD = (("every table can be read", "OK"), ("numbers without gaps", "OK"))
PRINTS = "import sys; sys.stdout.write(sys.argv[1]); sys.exit(int(sys.argv[2]))"


class RestoreStage(Stage):
    """A primary whose database has backups of every kind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: Path) -> None:
        super().__init__(monkeypatch, records)
        # Looks of a simulated minute: a restore may take two hours.
        monkeypatch.setattr(restored_instance, "EMULATED_LOOK_SECONDS", 1.0)
        self.checks(GOOD)

    def arca(self, *words: str, answer: str | None = None) -> Result:
        """Run `arca dr restore-test` with more words."""
        records = ("--records", str(self.records), "--operator", OPERATOR)
        return CliRunner().invoke(
            cli,
            ["dr", "restore-test", *records, *words],
            input=answer,
            obj=self.clock,
            standalone_mode=False,
        )

    def checks(
        self, found: tuple[tuple[str, str], ...], code: int | None = None, *, done: bool = True
    ) -> None:
        """Choose what the task of the check prints, and its exit code."""
        failed = any(outcome == "FAILED" for _, outcome in found)
        lines = [
            {"event": "migration.check", "name": name, "outcome": outcome, "seen": f"saw {name}"}
            for name, outcome in found
        ]
        hashes = {"schema_of_source": "5e0a", "schema_of_copy": "5e0a"}
        if done:
            lines.append({"event": "migration.checked", "message": "Done.", **hashes})
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        words = [sys.executable, "-c", PRINTS, text, str(int(failed) if code is None else code)]
        self.cloud.control("PUT", "/arca/images", {"image": IMAGE, "command": words})

    def instances(self) -> dict[str, dict[str, Any]]:
        """Return all instances in the region."""
        found = self.client("rds").describe_db_instances()["DBInstances"]
        return {one["DBInstanceIdentifier"]: one for one in found}

    def tag(self, **changes: str) -> None:
        """Change tags of the restored instance."""
        self.client("rds").add_tags_to_resource(
            ResourceName=self.instances()[NAME]["DBInstanceArn"],
            Tags=[{"Key": key, "Value": value} for key, value in changes.items()],
        )

    def tags(self) -> dict[str, str]:
        """Return the tags of the restored instance."""
        return {one["Key"]: one["Value"] for one in self.instances()[NAME]["TagList"]}

    @staticmethod
    def age_snapshots(by: timedelta) -> None:
        """Let the snapshots be older."""
        backends: Any = get_backend
        for one in next(iter(backends("rds").values()))[REGION].database_snapshots.values():
            one.original_snapshot_create_time -= by
            one.created -= by

    def _make(self) -> None:
        backends: Any = get_backend
        for account in backends("rds").values():
            account.reset()
        self.cloud.create_service(strategy="BLUE_GREEN", desired=1, image=IMAGE)
        self.cloud.register(IMAGE, family="migrations", command=["/app/migrate"])
        rds = self.client("rds")
        rds.create_db_instance(
            DBInstanceIdentifier=PRIMARY,
            DBInstanceClass="db.m7g.large",
            Engine="postgres",
            MasterUsername="arca",
            MasterUserPassword="not-a-secret",
            AllocatedStorage=20,
            DeletionProtection=True,
            MultiAZ=True,
            Tags=[{"Key": "backup", "Value": "daily"}],
        )
        ec2 = self.client("ec2")
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
        rds.create_db_subnet_group(
            DBSubnetGroupName="restored", DBSubnetGroupDescription="d", SubnetIds=subnets
        )
        self._group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        account: Any = next(iter(backends("rds").values()))
        for name, kind in SNAPSHOTS:
            account[REGION].create_db_snapshot(PRIMARY, name, kind)
        self.lever = ""
        self.cloud.advance(5)

    def _primary(self) -> Outputs:
        found: dict[str, Any] = json.loads(json.dumps(graph("prod").outputs))
        found["region"], found["phase"] = REGION, "active"
        found["database"]["identifier"] = PRIMARY
        found["backups"]["restored_subnet_group"] = "restored"
        found["network"]["security_group_ids"]["restored"] = self._group
        network = self.cloud.network["awsvpcConfiguration"]
        found["network"]["private_subnet_ids"] = network["subnets"]
        found["network"]["job_security_group_id"] = network["securityGroups"][0]
        found["service"] |= {
            "cluster": CLUSTER,
            "name": SERVICE,
            "task_family": "api",
            "migration_family": "migrations",
            "log_group": GROUP,
        }
        return Outputs.model_validate(found)
