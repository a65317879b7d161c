"""Records: what is refused, what passes, and each reason against it shown once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from arca.errors import ArcaError
from arca.recovery import records
from arca.recovery.budgets import BUDGETS, NEEDED, RTO_SECONDS, TO_RTO, PhaseName
from arca.recovery.databases import Row
from arca.recovery.record import Record
from arca.recovery.records import last_drill, last_restore_test
from arca.recovery.verdict import judge
from tests.arca.recovery import ledgers
from tests.arca.recovery.histories import SECOND
from tests.arca.recovery.records import DECLARED, checked, content, record, restore_test


def test_the_budgets_of_a_failover_are_less_than_the_rto() -> None:
    """And there is time to spare for what nobody thought of."""
    assert sum(BUDGETS[name].seconds for name in TO_RTO) < RTO_SECONDS
    assert all(budget.why for budget in BUDGETS.values())


def test_a_good_drill_passes() -> None:
    """With the note that the emulated cloud says nothing about AWS."""
    verdict = judge(record())
    assert (verdict.passed, verdict.reasons) == (True, ())
    assert verdict.notes == ("measured in the emulated cloud: the durations say nothing about AWS",)
    assert (record().rto_seconds, record().green_seconds, record().rpo_seconds) == (1400, 1700, 0)


def phases(**changes: Any) -> list[dict[str, Any]]:
    """Return the phases, the promotion's fields changed."""
    return [{**one, **changes} if one["name"] == "promote" else one for one in content()["phases"]]


SET: dict[str, Any] = checked().model_dump(mode="json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phases": phases()[:-1]}, "phase clean-up never began"),
        ({"phases": phases(outcome="FAILED", seen="x")}, "phase promote failed: x"),
        (
            {"phases": phases(outcome="INTERRUPTED", seen="")},
            "phase promote interrupted: no reason",
        ),
        ({"first_good_smoke": None}, "no smoke test passed"),
        ({"first_good_smoke": "2026-11-28T10:00:00Z"}, "RTO 3,600 s, allowed are less than 3,600"),
        ({"alarms_green": None}, "the alarms never became green"),
        ({"set_check": None}, "no acknowledged invoice was read afterwards"),
        ({"set_check": {**SET, "stable": 0}}, "no acknowledged invoice was read afterwards"),
        ({"set_check": {**SET, "duplicated": ["k"]}}, "1 keys with several invoices"),
        (
            {"set_check": {**SET, "never_read": ["k"]}},
            "never read after their acknowledgement: 1 (k)",
        ),
        (
            {"set_check": checked(lost_seconds=300).model_dump()},
            "RPO 300.0 s, allowed are less than",
        ),
        ({"invariants": []}, "no invariant of the domain was checked"),
        (
            {"invariants": [{"name": "n", "outcome": "FAILED", "seen": "s"}]},
            "invariant broken: n: s",
        ),
        ({"schema_after": ""}, "the schemas were not compared"),
        ({"schema_after": "77"}, "the schema changed from 5e0a to 77"),
        ({"cleaned_up": []}, "nothing proves that the drill left nothing behind"),
        (
            {"cleaned_up": [{"what": "a", "gone": False, "seen": "is there"}]},
            "left behind: a: is there",
        ),
    ],
)
def test_each_reason_alone_fails_the_record(changes: dict[str, Any], reason: str) -> None:
    """The verdict has exactly one reason."""
    verdict = judge(record(**changes))
    assert not verdict.passed
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(reason)


def test_losses_below_the_rpo_pass_and_are_told() -> None:
    """299 seconds are less than five minutes."""
    verdict = judge(record(set_check=checked(lost_seconds=299).model_dump()))
    assert verdict.passed
    assert "acknowledged and lost: 1 (k2)" in verdict.notes


STOPPED = (DECLARED - timedelta(seconds=20)).isoformat()


def compared(rows: Sequence[Row], read: Sequence[Row], **changes: Any) -> dict[str, Any]:
    """Return the facts of a drill with what the databases show, and what a read of these showed."""
    failed = datetime.fromtimestamp(ledgers.FAILED_NS / SECOND, tz=UTC).isoformat()
    return {
        "failed": failed,
        "databases": ledgers.databases(rows).model_dump(mode="json"),
        "set_check": ledgers.checked(read).model_dump(mode="json"),
        **changes,
    }


BEFORE = datetime.fromtimestamp(30, tz=UTC).isoformat()
BY_HISTORY = "recovered from the agency by the history only: k4, k5"
RECOVERED = [*ledgers.PROMOTED, ledgers.recovered(4), ledgers.recovered(5)]


def test_a_planned_loss_passes_where_both_say_the_same() -> None:
    """It is labelled, and what the agency gave back is told."""
    made = record(**compared(RECOVERED, RECOVERED, replication_stopped=BEFORE))
    assert judge(made).reasons == ()
    assert "planned loss: the replica was cut off 70.0 s before the failure" in judge(made).notes
    told = "acknowledged, lost, and recovered from the agency: 2 (k4, k5)"
    assert told in judge(made).notes
    measured = records.as_json(made)["measured"]
    assert (measured["rpo_seconds"], measured["rpo_seconds_by_databases"]) == (59, 60)
    assert measured["rpo_bytes"] == 0x2000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            compared(ledgers.PROMOTED, RECOVERED),
            f"the databases and the history differ: {BY_HISTORY}",
        ),
        (
            compared(
                ledgers.PROMOTED, ledgers.PROMOTED, databases=None, replication_stopped=BEFORE
            ),
            "a loss was planned, and the databases were not compared",
        ),
        (
            {
                "databases": ledgers.databases(
                    ledgers.PRIMARY, ends=(ledgers.END, ledgers.END)
                ).model_dump(mode="json"),
                "replication_stopped": STOPPED,
            },
            "a loss was planned, and nothing was lost",
        ),
        (
            compared(
                ledgers.PROMOTED,
                ledgers.PROMOTED,
                replication_stopped=BEFORE,
                rpo_limit_seconds=59,
            ),
            "RPO 59.0 s, allowed are less than 59 s",
        ),
    ],
)
def test_a_loss_that_is_not_proved_fails(changes: dict[str, Any], reason: str) -> None:
    """Whether it was planned or not."""
    assert judge(record(**changes)).reasons == (reason,)


def test_a_failback_loses_nothing() -> None:
    """It is planned, so even one lost invoice fails it."""
    kept = [one for one in phases() if one["name"] in NEEDED["failback"]]
    own = [{**kept[-1], "name": name, "seen": ""} for name in ("compare", "rebuild", "catch-up")]
    planned = {"kind": "failback", "phases": [*kept, *own], "first_good_smoke": None}
    assert judge(record(**planned)).passed
    lost = {**planned, "set_check": checked(lost_seconds=1).model_dump()}
    (reason,) = judge(record(**lost)).reasons
    assert reason == "a planned move loses nothing, and this one lost 1 (k2)"


def test_a_phase_over_its_budget_is_a_note() -> None:
    """The RTO decides, not the budget of one phase."""
    slow = record(phases=phases(budget_seconds=10.0))
    assert judge(slow).passed
    assert "phase promote took 450 s of 10 s" in judge(slow).notes


def test_a_resumed_phase_counts_by_its_last_attempt() -> None:
    """The operator's command was killed in the middle of it."""
    (promote,) = (one for one in phases() if one["name"] == "promote")
    again = phases()
    again.insert(3, {**promote, "outcome": "INTERRUPTED"})
    assert judge(record(phases=again)).passed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"environment": "aws"}, "an endpoint exactly where the cloud is emulated"),
        ({"endpoint": None}, "an endpoint exactly where the cloud is emulated"),
        ({"operator": ""}, "operator"),
        ({"declared": "2026-11-28T06:00:00-03:00"}, "a moment in UTC"),
        ({"declared": "2026-11-28T09:00:00"}, "declared"),
        ({"phases": []}, "phases"),
        ({"phases": phases()[::-1]}, "phases in this order"),
        ({"phases": phases(name="promotion")}, "phases.3.name"),
        ({"phases": phases(ended="2026-11-28T08:00:00Z")}, "ends before it begins"),
        ({"phases": phases(began="2026-11-28T08:00:00Z")}, "phases that begin one after the other"),
        ({"first_good_smoke": "2026-11-28T08:59:59Z"}, "first_good_smoke after the declaration"),
        ({"replication_stopped": "2026-11-28T09:00:01Z"}, "cut off before the failure"),
        ({"replication_stopped": STOPPED, "kind": "failover"}, "cut off before the failure"),
        ({"more": 1}, "more"),
    ],
)
def test_a_record_that_cannot_be_true_is_refused(changes: dict[str, Any], told: str) -> None:
    """A record never pretends."""
    with pytest.raises(ValidationError) as error:
        record(**changes)
    assert told in str(error.value)


def test_a_record_is_written_once_and_read(tmp_path: Path) -> None:
    """A second one of the same moment is refused."""
    made = record()
    path = records.write(made, tmp_path / "drills")
    assert path.name == "2026-11-28T090000Z-drill-prod-dr.json"
    assert records.read(path) == (made,)
    assert records.read(path.parent) == (made,)
    before = path.read_bytes()
    with pytest.raises(ArcaError, match="There is a record"):
        records.write(made, path.parent)
    assert path.read_bytes() == before


def test_a_directory_is_read_by_time(tmp_path: Path) -> None:
    """The oldest record comes first, whatever its name."""
    later = record(kind="drill", secondary="aa")
    earlier = record(declared=(DECLARED - timedelta(days=1)).isoformat(), secondary="zz")
    for one in (later, earlier):
        records.write(one, tmp_path)
    assert records.read(tmp_path) == (earlier, later)


def damaged(part: str, **changes: Any) -> str:
    """Return a file whose verdict or measurements somebody changed."""
    whole = records.as_json(record(schema_after="77"))
    return json.dumps({**whole, part: {**whole[part], **changes}})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "The record cannot be read"),
        ("{", "The record is not JSON"),
        ("[]", "The record is not a JSON object"),
        ("{}", "The record has version None"),
        (json.dumps({**content(), "version": 2}), "The record has version 2"),
        (json.dumps({**content(), "kind": "exercise"}), "The record is damaged: kind"),
        (json.dumps(content()), "under `measured` does not follow"),
        (damaged("verdict", passed=True), "under `verdict` does not follow"),
        (damaged("measured", rto_seconds=1), "under `measured` does not follow"),
    ],
)
def test_a_file_that_is_no_record_is_one_clear_error(
    tmp_path: Path, text: str | None, told: str
) -> None:
    """Also one whose verdict was changed by hand."""
    path = tmp_path / "record.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArcaError) as error:
        records.read(path)
    assert told in error.value.what
    assert error.value.where == str(path)


def test_an_empty_directory_is_one_clear_error(tmp_path: Path) -> None:
    """It says what to do first."""
    with pytest.raises(ArcaError, match="There is no record in the directory"):
        records.read(tmp_path)


FAILED = record(schema_after="77")
ON_AWS = record(environment="aws", endpoint=None)


@pytest.mark.parametrize(
    ("known", "environment", "days", "overdue", "is_known"),
    [
        ((record(),), "emulated", 92, False, True),
        ((record(),), "emulated", 92.01, True, True),
        ((record(),), "aws", 1, True, False),
        ((ON_AWS,), "aws", 92, False, True),
        ((ON_AWS,), "emulated", 1, False, True),
        ((FAILED,), "emulated", 1, True, False),
        ((record(primary="staging"),), "emulated", 1, True, False),
        ((), "emulated", 1, True, False),
    ],
)
def test_a_drill_is_overdue_after_92_days(
    known: tuple[Record, ...], environment: Any, days: float, *, overdue: bool, is_known: bool
) -> None:
    """Only one that passed counts, of this primary, and on AWS only one on AWS."""
    found = last_drill(
        known, primary="prod", environment=environment, now=DECLARED + timedelta(days=days)
    )
    assert (found.overdue, found.record is not None) == (overdue, is_known)


def test_every_phase_has_a_budget() -> None:
    """The names of a record are those of the table."""
    assert set(BUDGETS) == {name for names in NEEDED.values() for name in names}
    assert tuple(PhaseName.__args__) == tuple(BUDGETS)


@pytest.mark.parametrize(("days", "overdue"), [(35, False), (36, True)])
def test_a_restore_test_is_overdue_after_a_month(*, days: int, overdue: bool) -> None:
    """A drill does not count as one, nor one as a drill."""
    now = DECLARED + timedelta(days=days)
    asked: Any = {"primary": "prod", "environment": "emulated", "now": now}
    assert last_restore_test([record(), restore_test()], **asked).overdue == overdue
    assert last_restore_test([record()], **asked).record is None
    assert last_drill([restore_test()], **asked).record is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cleaned_up": []}, "nothing proves"),
        ({"invariants": []}, "no invariant"),
        ({"schema_after": "7"}, None),
    ],
)
def test_a_restore_test_is_judged(changes: dict[str, Any], said: str | None) -> None:
    """Its task judges the schema, which a migration since the backup may have changed."""
    reasons = judge(restore_test(**changes)).reasons
    assert len(reasons) == (said is not None)
    assert all(said in one for one in reasons if said)
