"""The record of a drill in the emulated cloud."""

from collections.abc import Mapping
from typing import Any

from arca.drill.drill import PRIMARY, SECONDARY, Drilled
from arca.drill.evidence import invariants
from arca.recovery.record import Invariant, Record


def drill_record(found: Drilled, *, operator: str, versions: Mapping[str, Any]) -> Record:
    """Return the record of a drill."""
    return Record.model_validate(
        {
            "kind": "drill",
            "primary": PRIMARY,
            "secondary": SECONDARY,
            "operator": operator,
            "environment": "emulated",
            "endpoint": found.endpoint,
            "declared": found.declared,
            "failed": found.failed,
            "phases": tuple(found.phases),
            "first_good_smoke": found.first_good_smoke,
            "alarms_green": found.alarms_green,
            "set_check": found.set_check,
            "databases": found.databases,
            "replication_stopped": found.replication_stopped,
            "invariants": (
                *(invariants(found.set_check) if found.set_check else ()),
                *_asked(found),
                *_after_failback(found),
            ),
            "schema_before": found.schema_before,
            "schema_after": found.schema_after,
            "cleaned_up": tuple(found.cleaned_up),
            "versions": versions,
        }
    )


def _asked(found: Drilled) -> tuple[Invariant, ...]:
    """Return whether the failover refused a planned loss until the operator accepted it."""
    if found.refusal is None:
        return ()
    return (
        Invariant(
            name="a loss is accepted by a person first",
            outcome="OK" if found.refusal else "FAILED",
            seen=found.refusal or "the failover went on without --accept-data-loss",
        ),
    )


def _after_failback(found: Drilled) -> tuple[Invariant, ...]:
    """Return whether the fail-back lost anything that the failover had kept."""
    if found.set_check is None or found.after_failback is None:
        return ()
    lost = sorted({*found.after_failback.lost} - {*found.set_check.lost})
    return (
        Invariant(
            name="the fail-back lost nothing",
            outcome="FAILED" if lost else "OK",
            seen=", ".join(lost[:3]) or f"{found.after_failback.stable} invoices are there",
        ),
    )
