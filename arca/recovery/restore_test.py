"""A restore test: restore a backup beside the database, check it, and delete it again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.recovery import backup_point, restore_check, restored_instance
from arca.recovery.backup_point import BackupKind, BackupPoint, Source
from arca.recovery.budgets import PhaseName
from arca.recovery.record import CleanedUp, Invariant, Phase, Record, phase
from arca.recovery.restore_check import RestoreCheck
from arca.recovery.restored_instance import RestoredInstance, Settings
from arca.recovery.timeline import duration
from arca.stack import Stack


@dataclass(frozen=True)
class Planned:
    """What a restore test would do."""

    source: Source
    point: BackupPoint
    settings: Settings

    @property
    def sentence(self) -> str:
        """What is made of what, for a person."""
        one = self.settings
        return (
            f"restore {self.point} to {one.name}, one {one.instance_class} with "
            f"{self.source.gib} GiB in {one.subnet_group}"
        )


def plan(stack: Stack, kind: BackupKind) -> Planned:
    """Return what a test would do; raises ArcaError where it cannot be done."""
    settings = restored_instance.settings(stack)
    return Planned(backup_point.source(stack), backup_point.newest(stack, kind), settings)


@dataclass
class RestoreTest:
    """One test, and what is known of it so far; `record` is its record, however it ended."""

    stack: Stack
    planned: Planned
    instance: RestoredInstance
    clock: Clock
    say: Callable[[str], None]
    declared: datetime = field(init=False)
    phases: list[Phase] = field(default_factory=list[Phase])
    found: RestoreCheck | None = None

    def run(self) -> None:
        """Restore, check and clean up.

        Raises what ended it early, when its instance is gone; Refused where nothing was begun.
        """
        self.instance.remove_left()
        self.declared = self.clock.now()
        try:
            restored = self._restored()
            self._phase("validate", lambda: self._validate(restored))
        finally:
            if self.phases:
                self._phase("clean-up", self._clean_up)

    def record(self, *, operator: str, versions: Mapping[str, Any]) -> Record:
        """Return the record."""
        gone = self.instance.gone()
        name = self.planned.settings.name
        return Record.model_validate(
            {
                "kind": "restore-test",
                "primary": self.stack.name.rpartition("/")[2],
                "secondary": self.stack.name.rpartition("/")[2],
                "operator": operator,
                "environment": "emulated" if self.stack.endpoint else "aws",
                "endpoint": self.stack.endpoint,
                "declared": self.declared,
                "phases": tuple(self.phases),
                "invariants": (self._age(), *(self.found.invariants if self.found else ())),
                "schema_before": self.found.schema_of_source if self.found else "",
                "schema_after": self.found.schema_of_copy if self.found else "",
                "cleaned_up": (
                    CleanedUp(
                        what=f"the instance {name}",
                        gone=gone,
                        seen="RDS does not know it" if gone else "RDS lists it, or did not answer",
                    ),
                ),
                "versions": versions,
            }
        )

    def _age(self) -> Invariant:
        """Return how much was lost if the database had gone when the test began."""
        point = self.planned.point
        age, most = point.age(self.declared), point.most_age
        return Invariant(
            name="the newest backup is new enough",
            outcome="OK" if age <= most else "FAILED",
            seen=f"{duration(age)} old, allowed are {duration(most)}",
        )

    def _restored(self) -> Mapping[str, Any]:
        try:
            return self._phase("restore", self._restore)
        except Refused:
            # Somebody else's test was first: this one has not begun.
            self.phases.clear()
            raise

    def _restore(self) -> tuple[Mapping[str, Any], str]:
        restored = self.instance.restore(self.planned.point, self.planned.source)
        return restored, f"{self.planned.point}, to {self.planned.settings.name}"

    def _validate(self, restored: Mapping[str, Any]) -> tuple[None, str]:
        at = restored["Endpoint"]
        self.found = restore_check.run(
            self.stack,
            address=str(at["Address"]),
            port=int(at["Port"]),
            moment=self.planned.point.moment,
            clock=self.clock,
            say=self.say,
        )
        broken = ", ".join(one.name for one in self.found.broken)
        return None, f"broken: {broken}" if broken else f"{len(self.found.invariants)} checks"

    def _clean_up(self) -> tuple[None, str]:
        self.instance.delete()
        return None, f"{self.planned.settings.name} is deleted"

    def _phase(self, name: PhaseName, work: Callable[[], tuple[Any, str]]) -> Any:
        began = self.clock.now()
        try:
            result, seen = work()
        except BaseException as error:
            told = error.what if isinstance(error, ArcaError) else type(error).__name__
            ended = "FAILED" if isinstance(error, Exception) else "INTERRUPTED"
            self.phases.append(phase(name, began, self.clock.now(), outcome=ended, seen=told))
            self.say(f"{name}: {ended}: {told}")
            raise
        self.phases.append(phase(name, began, self.clock.now(), seen=seen))
        self.say(f"{name}: OK, {duration(self.phases[-1].seconds)}: {seen}")
        return result
