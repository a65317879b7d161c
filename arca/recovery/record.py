"""The record of a recovery or a drill: what was done when, what was seen, and what was lost.

Everything that can be computed is computed from these facts, in arca/recovery/verdict.py. The file
also holds the verdict, and a file whose verdict does not follow from its facts is refused.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from arca.history import nanoseconds
from arca.recovery.budgets import BUDGETS, RPO_SECONDS, RTO_SECONDS, Kind, PhaseName
from arca.recovery.databases import Databases
from arca.recovery.set_check import SetCheck

VERSION = 1
Environment = Literal["emulated", "aws"]
"""Where it happened; a duration in the emulated cloud says nothing about AWS."""
Outcome = Literal["OK", "FAILED", "SKIPPED"]


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() != timedelta(0):
        raise ValueError("a moment in UTC")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Part(BaseModel):
    """Base of all parts of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(Part):
    """One phase; one that was interrupted and resumed has several."""

    name: PhaseName
    began: Moment
    ended: Moment
    outcome: Literal["OK", "FAILED", "SKIPPED", "INTERRUPTED"]
    seen: str = ""
    """What the command saw, such as the lag or the ARN of the promoted instance."""
    budget_seconds: float = Field(gt=0)
    """What the phase was allowed to take on that day."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.ended < self.began:
            raise ValueError("ends before it begins")
        return self

    @property
    def seconds(self) -> float:
        """The duration of the phase."""
        return (self.ended - self.began).total_seconds()

    @property
    def in_time(self) -> bool:
        """Whether it took no longer than its budget."""
        return self.seconds <= self.budget_seconds


def phase(
    name: PhaseName,
    began: datetime,
    ended: datetime,
    *,
    outcome: Literal["OK", "FAILED", "SKIPPED", "INTERRUPTED"] = "OK",
    seen: str = "",
) -> Phase:
    """Return a phase with the budget of today."""
    return Phase(
        name=name,
        began=began,
        ended=ended,
        outcome=outcome,
        seen=seen,
        budget_seconds=BUDGETS[name].seconds,
    )


class Invariant(Part):
    """A rule of the domain that was checked afterwards, such as "no number is used twice"."""

    name: str = Field(min_length=1)
    outcome: Outcome
    seen: str


class CleanedUp(Part):
    """Something that the drill made, and whether it is gone."""

    what: str = Field(min_length=1)
    gone: bool
    seen: str
    """How that was looked up."""


class Versions(Part):
    """What ran: the commit of this repository, and the version of each program."""

    commit: str = Field(pattern=r"^[0-9a-f]{7,40}$")
    dirty: bool
    """Whether the checkout had changes that were not committed."""
    programs: Mapping[str, str]


class Verdict(Part):
    """Whether it passed, and each reason why not."""

    passed: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should know though it decides nothing, such as a phase over its budget."""


class Record(Part):
    """A recovery or a drill from its declaration to the proof of its clean-up."""

    version: Literal[1] = VERSION
    kind: Kind
    primary: str = Field(min_length=1)
    secondary: str = Field(min_length=1)
    operator: str = Field(min_length=1)
    environment: Environment
    endpoint: str | None = None
    """The URL of the emulated AWS; none on AWS."""
    declared: Moment
    failed: Moment | None = None
    """When the primary stopped: the failure itself, or the fence. The RPO ends here."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    first_good_smoke: Moment | None = None
    """The end of the first smoke test that passed after the promotion."""
    customers_served: Moment | None = None
    """When the customers' name led to the standby."""
    alarms_green: Moment | None = None
    """When the last alarm returned to OK."""
    set_check: SetCheck | None = None
    databases: Databases | None = None
    """What the data of the lost primary and the promoted database show."""
    replication_stopped: Moment | None = None
    """When the drill cut the replica off, so that invoices are lost: a planned loss."""
    invariants: tuple[Invariant, ...] = ()
    schema_before: str = ""
    """Hash of the database's schema in the primary."""
    schema_after: str = ""
    cleaned_up: tuple[CleanedUp, ...] = ()
    versions: Versions
    rto_limit_seconds: float = Field(default=RTO_SECONDS, gt=0)
    rpo_limit_seconds: float = Field(default=RPO_SECONDS, gt=0)

    @model_validator(mode="after")
    def _honest(self) -> Self:
        if (self.environment == "emulated") != (self.endpoint is not None):
            raise ValueError("an endpoint exactly where the cloud is emulated")
        order: list[str] = [*BUDGETS]
        # A resumed recovery may look at an earlier phase again, so the first of each counts.
        places = [order.index(name) for name in dict.fromkeys(one.name for one in self.phases)]
        if self.kind in ("drill", "failover") and places != sorted(places):
            raise ValueError(f"phases in this order: {', '.join(order)}")
        if self.replication_stopped is not None and not (
            self.kind == "drill" and self.failed and self.replication_stopped <= self.failed
        ):
            raise ValueError("a replica that is cut off before the failure, in a drill")
        begins = [self.declared, *(one.began for one in self.phases)]
        if begins != sorted(begins):
            raise ValueError("phases that begin one after the other, none before the declaration")
        for name in ("first_good_smoke", "customers_served", "alarms_green"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment < self.declared:
                raise ValueError(f"{name} after the declaration")
        return self

    @property
    def name(self) -> str:
        """The record's name, also of its file: its moment, its kind and its stacks."""
        return f"{self.declared:%Y-%m-%dT%H%M%SZ}-{self.kind}-{self.primary}-{self.secondary}"

    @property
    def rto_seconds(self) -> float | None:
        """From the declaration to the first smoke test that passed; None where none did."""
        return self._since_declared(self.first_good_smoke)

    @property
    def served_seconds(self) -> float | None:
        """From the declaration until customers were served; None where nobody looked."""
        return self._since_declared(self.customers_served)

    @property
    def green_seconds(self) -> float | None:
        """From the declaration until all alarms were green; None where they never were."""
        return self._since_declared(self.alarms_green)

    @property
    def rpo_seconds(self) -> float | None:
        """What was lost, in seconds; None where nothing proves it."""
        if self.set_check is None or not self.set_check.proves:
            return None
        return self.set_check.rpo_seconds

    @property
    def failed_ns(self) -> int:
        """The failure in nanoseconds since 1970; 0 where nobody knows it."""
        return 0 if self.failed is None else nanoseconds(self.failed)

    @property
    def planned_seconds(self) -> float | None:
        """For how long the replica was cut off before the failure; None for no planned loss."""
        if self.replication_stopped is None or self.failed is None:
            return None
        return (self.failed - self.replication_stopped).total_seconds()

    @property
    def ended(self) -> datetime:
        """The end of the last phase."""
        return max(one.ended for one in self.phases)

    def _since_declared(self, moment: datetime | None) -> float | None:
        return None if moment is None else (moment - self.declared).total_seconds()
