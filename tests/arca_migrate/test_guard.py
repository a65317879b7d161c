"""Tests of the rules of contracts and rollbacks, at all moments."""

from datetime import UTC, datetime, timedelta

import pytest
from arca_migrate.applied import Applied
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.guard import WAIT, contract_allowed, rollback_allowed
from arca_migrate.phase import ROLLING, Phase
from hypothesis import given
from hypothesis import strategies as st

from tests.arca_migrate.histories import invoices

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
HISTORY = invoices()
CONTRACT = (Phase.CONTRACT,)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
WAITS = st.timedeltas(timedelta(0), timedelta(days=30))


def applied(moment: datetime, *, revision: str = "0006_drop_total") -> Applied:
    """Make the record of an applied contract."""
    return Applied(revision, Phase.CONTRACT, "1.3.0", moment, 0.1)


def allowed(live_since: datetime | None, phases: tuple[Phase, ...] = CONTRACT) -> bool:
    """Return the decision on these phases now."""
    return contract_allowed(phases, live_since=live_since, now=NOW).allowed


@given(live=MOMENTS, now=MOMENTS, wait=WAITS, later=WAITS)
def test_a_contract_waits(live: datetime, now: datetime, wait: timedelta, later: timedelta) -> None:
    """It is refused before its time and allowed from then on."""
    verdict = contract_allowed(CONTRACT, live_since=live, now=now, wait=wait)
    assert verdict.allowed == (now - live >= wait)
    assert verdict.allowed_from == (None if verdict.allowed else live + wait)
    after = contract_allowed(CONTRACT, live_since=live, now=now + later, wait=wait)
    assert after.allowed >= verdict.allowed
    longer = contract_allowed(CONTRACT, live_since=live, now=now, wait=wait + later)
    assert longer.allowed <= verdict.allowed


def test_a_contract_without_a_live_release() -> None:
    """It is refused at any time; the default wait is a day."""
    assert not allowed(None)
    assert timedelta(hours=24) == WAIT
    assert not allowed(NOW - timedelta(hours=23, minutes=59))
    assert allowed(NOW - timedelta(hours=24))


@pytest.mark.parametrize("others", [ROLLING, (Phase.EXPAND,), (Phase.MIGRATE,)])
def test_a_contract_together_with_another_phase(others: tuple[Phase, ...]) -> None:
    """No live release has used what the other phase adds, so it is refused."""
    verdict = contract_allowed((*CONTRACT, *others), live_since=NOW - timedelta(days=99), now=NOW)
    assert not verdict.allowed
    assert f"together with {' and '.join(others)} is refused" in verdict.reason


def test_what_has_no_contract_waits_for_nothing() -> None:
    """Expands and backfills run before any release."""
    assert allowed(None, ROLLING)


def test_a_refusal_says_when() -> None:
    """It also says what to do, and has an exit code of its own."""
    verdict = contract_allowed(CONTRACT, live_since=NOW - timedelta(hours=1), now=NOW)
    with pytest.raises(MigrationRefused, match=r"until 2026-10-06T11:00:00\.000Z") as raised:
        verdict.require(where="prod")
    assert raised.value.exit_code == 6
    contract_allowed(CONTRACT, live_since=NOW - WAIT, now=NOW).require(where="prod")


@given(moments=st.lists(MOMENTS, max_size=4), live=MOMENTS, later=WAITS)
def test_a_rollback_needs_what_no_contract_removed(
    moments: list[datetime], live: datetime, later: timedelta
) -> None:
    """It is refused exactly if a contract ran since; a later release is refused less often."""
    records = [applied(moment) for moment in moments]
    verdict = rollback_allowed(HISTORY, records, last_live=live)
    assert verdict.allowed == all(moment < live for moment in moments)
    assert rollback_allowed(HISTORY, records, last_live=live + later).allowed >= verdict.allowed
    assert rollback_allowed(HISTORY, records, last_live=None).allowed == (not moments)


def test_expands_never_forbid_a_rollback() -> None:
    """Old code works with what they add."""
    records = [
        Applied(one.id, one.phase, None, NOW, 0.1)
        for one in HISTORY.revisions
        if one.phase is not Phase.CONTRACT
    ]
    assert rollback_allowed(HISTORY, records, last_live=None).allowed


def test_a_refused_rollback_names_the_contract() -> None:
    """It also names a contract that this history does not know."""
    verdict = rollback_allowed(HISTORY, [applied(NOW)], last_live=NOW - WAIT)
    assert "0006_drop_total (Drop the old total" in verdict.reason
    assert "by release 1.3.0" in verdict.reason
    assert "roll forward" in verdict.do
    unknown = rollback_allowed(HISTORY, [applied(NOW, revision="0009")], last_live=None)
    assert "contract 0009 was applied" in unknown.reason


def test_moments_have_a_zone() -> None:
    """A moment without a zone is an error."""
    naive = NOW.replace(tzinfo=None)
    for call in (
        lambda: contract_allowed(CONTRACT, live_since=naive, now=NOW),
        lambda: contract_allowed(CONTRACT, live_since=None, now=naive),
        lambda: rollback_allowed(HISTORY, [], last_live=naive),
    ):
        with pytest.raises(MigrationError, match="no time zone"):
            call()


def test_a_record_survives_the_log() -> None:
    """The operator reads the same record from an event."""
    record = applied(NOW)
    assert Applied.from_json(record.as_json()) == record
    assert record.as_json()["applied_at"] == "2026-10-05T12:00:00.000Z"
