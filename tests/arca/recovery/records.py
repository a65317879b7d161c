"""A record of a drill that passed, and changes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from arca.history import Stored
from arca.recovery.budgets import BUDGETS, NEEDED
from arca.recovery.record import Record, phase
from arca.recovery.set_check import SetCheck, check
from tests.arca.recovery.histories import SECOND, acknowledged, asked, found, invoice, reading

DECLARED = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def checked(*, lost_seconds: int = 0) -> SetCheck:
    """Return the check of two invoices; one is lost that many seconds before the failure."""
    lines = [asked(1, "k1"), acknowledged(2, "k1", invoice(1))]
    content = [Stored(key="k1", invoice=invoice(1))]
    if lost_seconds:
        done = (1000 - lost_seconds) * SECOND
        lines += [asked(3, "k2"), acknowledged(done, "k2", invoice(2))]
    lines += [reading(2000 * SECOND), found(2001 * SECOND, content)]
    return check(lines, failed_ns=1000 * SECOND)


def content(**changes: Any) -> dict[str, Any]:
    """Return the facts of a drill in which each phase took half of its budget."""
    began, phases = DECLARED, list[dict[str, Any]]()
    for name in NEEDED["drill"]:
        ended = began + timedelta(seconds=BUDGETS[name].seconds / 2)
        phases.append(phase(name, began, ended, seen=f"saw {name}").model_dump(mode="json"))
        began = ended
    facts: dict[str, Any] = {
        "version": 1,
        "kind": "drill",
        "primary": "prod",
        "secondary": "dr",
        "operator": "ana",
        "environment": "emulated",
        "endpoint": "http://127.0.0.1:5566",
        "declared": DECLARED.isoformat(),
        "failed": DECLARED.isoformat(),
        "phases": phases,
        "first_good_smoke": (DECLARED + timedelta(seconds=1400)).isoformat(),
        "alarms_green": (DECLARED + timedelta(seconds=1700)).isoformat(),
        "set_check": checked().model_dump(mode="json"),
        "invariants": [{"name": "no number is used twice", "outcome": "OK", "seen": "2 numbers"}],
        "schema_before": "5e0a",
        "schema_after": "5e0a",
        "cleaned_up": [{"what": "the stack dr", "gone": True, "seen": "it has no exports"}],
        "versions": {"commit": "0123abc", "dirty": False, "programs": {"pulumi": "3.272.0"}},
    }
    return {**facts, **changes}


def record(**changes: Any) -> Record:
    """Return the record of these facts."""
    return Record.model_validate(content(**changes))


def restore_test(**changes: Any) -> Record:
    """Return the record of a restore test that passed."""
    began, phases = DECLARED, list[dict[str, Any]]()
    for name in NEEDED["restore-test"]:
        ended = began + timedelta(minutes=5)
        phases.append(phase(name, began, ended).model_dump(mode="json"))
        began = ended
    facts: dict[str, Any] = {
        "kind": "restore-test",
        "secondary": "prod",
        "phases": phases,
        **dict.fromkeys(("failed", "first_good_smoke", "alarms_green", "set_check")),
    }
    return record(**{**facts, **changes})
