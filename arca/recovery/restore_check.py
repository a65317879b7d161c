"""Check a restored database from inside the VPC, because nothing else reaches it.

A task of the migrations' family does it: it runs beside the service, only its security group may
connect, and it has the owner's credentials already. They are those of the restored database too,
because PostgreSQL keeps its users in the data. RDS makes another password at a restore for Oracle
alone (Amazon RDS API Reference, RestoreDBInstanceFromDBSnapshot, ManageMasterUserPassword).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from arca.clock import Clock
from arca.errors import ArcaError, ExitCode
from arca.recovery.record import Invariant
from arca.release.migrations import Migrations, ending, events_of
from arca.release.service import EcsService
from arca.release.tasks import TaskResult
from arca.stack import Stack

TIMEOUT = timedelta(hours=2)
"""Every row is read once, and RDS fetches it from S3 then."""


@dataclass(frozen=True)
class RestoreCheck:
    """What the task found."""

    invariants: tuple[Invariant, ...]
    schema_of_source: str
    schema_of_copy: str

    @property
    def broken(self) -> tuple[Invariant, ...]:
        """What failed."""
        return tuple(one for one in self.invariants if one.outcome == "FAILED")


def run(
    stack: Stack,
    *,
    address: str,
    port: int,
    moment: datetime,
    clock: Clock,
    say: Callable[[str], None],
) -> RestoreCheck:
    """Check the database at an address; raises ArcaError where the task cannot tell."""
    migrations = Migrations(EcsService(stack), clock, say)
    result = migrations.check_restored(
        migrations.image(None),
        until=f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        variables={"RESTORED_ADDRESS": address, "RESTORED_PORT": str(port)},
        timeout=TIMEOUT,
    )
    return read(stack, result)


def read(stack: Stack, result: TaskResult) -> RestoreCheck:
    """Read what the task printed; raises ArcaError where it did not end with a verdict."""
    events = list(events_of(result))
    last = next((one for one in events if one["event"] == "migration.checked"), None)
    if last is None:
        raise ArcaError(
            f"The restored database was not checked: {_why(result)}",
            where=f"{stack.where}, {result.task}",
            wanted="a task that ends with the event migration.checked",
            do="see its lines above; a password that was rotated after the backup is wrong in it, "
            "so restore a later moment then: --from point-in-time",
        )
    found = (
        Invariant(name=one["name"], outcome=one["outcome"], seen=one["seen"])
        for one in events
        if one["event"] == "migration.check"
    )
    return RestoreCheck(tuple(found), last["schema_of_source"], last["schema_of_copy"])


def _why(result: TaskResult) -> str:
    if result.exit_code == ExitCode.USAGE:
        return "the image's runner does not know --check-restored; release an image with a new one"
    if result.exit_code == ExitCode.DONE:
        return "the task said nothing; in the emulated cloud, only `make demo` runs an image"
    return ending(result)
