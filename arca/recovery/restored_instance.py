"""The database instance that a restore test makes, and deletes again.

Its name is fixed, so RDS itself lets one test run at a time. Its tags say that a test made it,
which one, and until when that test may run. An instance without these tags is never touched.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.naming import PROJECT, physical, prefix
from arca.recovery.backup_point import BackupPoint, Source
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import EMULATED_LOOK_SECONDS
from arca.release.outage import outlast
from arca.release.run_lock import RunLock, forget, has_ended_here
from arca.stack import Stack

PURPOSE = {"project": PROJECT, "purpose": "restore-test"}
"""The tags by which an instance of a restore test is known; its stack's name is another one."""
LOOK_SECONDS = 15.0
SAY_EVERY = timedelta(minutes=2)
LONGEST = timedelta(hours=5)
"""After it a test has ended or is dead: two hours to restore, two to check, one to clean up."""
HOPELESS = frozenset(
    {
        *("failed", "incompatible-network", "incompatible-option-group", "incompatible-parameters"),
        *("incompatible-restore", "inaccessible-encryption-credentials", "restore-error"),
        *("storage-full", "stopped"),
    }
)
"""Statuses from which no instance becomes available by itself (Amazon RDS User Guide, "Viewing
Amazon RDS DB instance status")."""


@dataclass(frozen=True)
class Settings:
    """What a restored instance gets: isolated, small, and without anything that outlives it."""

    name: str
    instance_class: str
    subnet_group: str
    security_group: str


@dataclass
class RestoredInstance:
    """The instance of one test. Use it as a context: its process is known to live in it."""

    stack: Stack
    settings: Settings
    operator: str
    clock: Clock
    say: Callable[[str], None]
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __enter__(self) -> Self:
        """Begin to be known as a living process."""
        self._process = RunLock(self.run)
        return self

    def __exit__(self, *_: object) -> None:
        """End; the file stays where the instance does, so that the next test sees its death."""
        if self.gone():
            self._process.forget()
        else:
            self._process.free()

    def require_free(self) -> Mapping[str, Any] | None:
        """Return what a dead test left; None without it.

        Raises Refused for another test that may still run, and for an instance of somebody else.
        """
        found = self._look()
        if found is None:
            return None
        tags = self._own_tags(found)
        until = datetime.fromisoformat(tags["until"])
        ending = found["DBInstanceStatus"] == "deleting"
        if not ending and not has_ended_here(tags["run"]) and self.clock.now() < until:
            raise Refused(
                f"A restore test of {self.stack.name} is under way, by {tags['operator']}.",
                where=f"the instance {self.settings.name}, {self.stack.where}",
                wanted="one restore test at a time",
                do=f"wait for it; if it was killed on another machine, run this again after "
                f"{until:%Y-%m-%d %H:%MZ}, or delete that instance",
            )
        return found

    def remove_left(self) -> bool:
        """Remove what a dead test left; returns whether there was anything."""
        found = self.require_free()
        if found is None:
            return False
        tags = self._own_tags(found)
        self.say(f"removing {self.settings.name}, which a test by {tags['operator']} left")
        self._delete(tags["run"])
        forget(tags["run"])
        return True

    def restore(self, point: BackupPoint, source: Source) -> Mapping[str, Any]:
        """Restore a backup, and return the instance when it is available.

        Raises Refused where another test was first, ArcaError where RDS gives it up.
        """
        limit = timedelta(seconds=BUDGETS["restore"].seconds)
        with explained(self.stack, f"{point} cannot be restored"):
            try:
                self._ask(point, source)
            except client(self.stack, "rds").exceptions.DBInstanceAlreadyExistsFault:
                found = self._look()
                # After a lost reply, the instance that exists is the one that was asked for.
                if found is None or self._own_tags(found)["run"] != self.run:
                    self.require_free()
                    raise
        began = told = self.clock.now()
        status = ""
        while True:
            found = outlast(self._look, self.clock)
            now = self.clock.now()
            seen = "not there yet" if found is None else str(found["DBInstanceStatus"])
            if found is not None and seen == "available":
                return found
            if seen != status or now - told >= SAY_EVERY:
                status, told = seen, now
                self.say(f"{self.settings.name} is {seen} after {(now - began).seconds // 60} min")
            if seen in HOPELESS or now - began > limit:
                raise ArcaError(
                    f"{point} was not restored: {self.settings.name} is {seen}.",
                    where=self.stack.where,
                    wanted=f"an instance that is available within {limit.seconds // 60} min",
                    do="look at its events: `aws rds describe-events --source-type db-instance "
                    f"--source-identifier {self.settings.name}`",
                )
            self._pause()

    def delete(self) -> None:
        """Delete this test's instance, if there is one, and wait until it is gone."""
        self._delete(self.run)

    def gone(self) -> bool:
        """Return whether this test has no instance; False where nobody can tell."""
        try:
            found = self._look()
        except ArcaError:
            return False
        return found is None or _tags(found).get("run") != self.run

    def _ask(self, point: BackupPoint, source: Source) -> None:
        rds, one = client(self.stack, "rds"), self.settings
        until = self.clock.now() + LONGEST
        tags = {
            **PURPOSE,
            "stack": self.stack.outputs.stack,
            "stage": self.stack.outputs.stage,
            "managed-by": "arca dr restore-test",
            "operator": self.operator,
            "restored-from": source.identifier,
            "run": self.run,
            "until": until.isoformat(timespec="seconds"),
        }
        common: dict[str, Any] = {
            "DBInstanceClass": one.instance_class,
            "DBSubnetGroupName": one.subnet_group,
            "VpcSecurityGroupIds": [one.security_group],
            "DBParameterGroupName": source.parameter_group,
            "PubliclyAccessible": False,
            "MultiAZ": False,
            "DeletionProtection": False,
            "AutoMinorVersionUpgrade": False,
            "CopyTagsToSnapshot": False,
            # No automated backups: nothing of it outlives it.
            "BackupRetentionPeriod": 0,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        if point.kind == "point-in-time":
            rds.restore_db_instance_to_point_in_time(
                SourceDBInstanceIdentifier=point.name,
                TargetDBInstanceIdentifier=one.name,
                RestoreTime=point.moment,
                **common,
            )
        else:
            rds.restore_db_instance_from_db_snapshot(
                DBSnapshotIdentifier=point.name, DBInstanceIdentifier=one.name, **common
            )

    def _look(self) -> Mapping[str, Any] | None:
        rds = client(self.stack, "rds")
        with explained(self.stack, f"The instance {self.settings.name} cannot be read"):
            try:
                found = rds.describe_db_instances(DBInstanceIdentifier=self.settings.name)
            except rds.exceptions.DBInstanceNotFoundFault:
                return None
        return found["DBInstances"][0]

    def _own_tags(self, found: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the tags of a test's instance; raises Refused for any other instance."""
        tags = _tags(found)
        wanted = {**PURPOSE, "stack": self.stack.outputs.stack}
        if not wanted.items() <= tags.items() or not {"run", "until", "operator"} <= tags.keys():
            raise Refused(
                f"There is an instance {self.settings.name} that no restore test made.",
                where=self.stack.where,
                wanted="its tags, or no instance of that name",
                do="find out whose it is; it was not touched",
            )
        return tags

    def _delete(self, run: str) -> None:
        rds, name = client(self.stack, "rds"), self.settings.name
        deadline = self.clock.now() + timedelta(seconds=BUDGETS["clean-up"].seconds)
        while True:
            found = outlast(self._look, self.clock)
            if found is None or _tags(found).get("run") != run:
                return
            self._own_tags(found)
            if found["DBInstanceStatus"] != "deleting":
                # It is not deleted in every status: a later look asks again.
                with (
                    explained(self.stack, f"The instance {name} cannot be deleted"),
                    suppress(
                        rds.exceptions.InvalidDBInstanceStateFault,
                        rds.exceptions.DBInstanceNotFoundFault,
                    ),
                ):
                    rds.delete_db_instance(
                        DBInstanceIdentifier=name,
                        SkipFinalSnapshot=True,
                        DeleteAutomatedBackups=True,
                    )
            if self.clock.now() > deadline:
                raise ArcaError(
                    f"The instance {name} is still there: {found['DBInstanceStatus']}.",
                    where=self.stack.where,
                    wanted="its deletion, because it costs by the hour",
                    do="run this again, or `aws rds delete-db-instance --skip-final-snapshot "
                    f"--db-instance-identifier {name}`",
                )
            self._pause()

    def _pause(self) -> None:
        emulated = self.stack.endpoint is not None
        self.clock.sleep(EMULATED_LOOK_SECONDS if emulated else LOOK_SECONDS)


def settings(stack: Stack) -> Settings:
    """Return what the stack declares for a restored database; raises ArcaError without it."""
    backups, group = stack.outputs.backups, stack.outputs.network.security_group_ids.get("restored")
    if (
        backups is None
        or not backups.restored_subnet_group
        or not backups.restored_class
        or not group
    ):
        raise ArcaError(
            f"The stack {stack.name} declares no place for a restored database.",
            where=stack.where,
            wanted="`backups.enabled` and `backups.restore_test`, in a stack that serves",
            do="test a stack that has them, such as prod; or set them, and update the stack",
        )
    name = physical(prefix(stack.outputs.stack), "restore-test")
    return Settings(name, backups.restored_class, backups.restored_subnet_group, group)


def _tags(found: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one.get("Value", "") for one in found.get("TagList", ())}
