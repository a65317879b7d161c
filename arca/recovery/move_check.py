"""Whether a failover or a fail-back was left unfinished: until it ends, nobody can take over."""

from datetime import datetime, timedelta

from arca.recovery.budgets import FAILBACK, TO_RTO
from arca.recovery.check_tree import Check, judged, ok
from arca.recovery.journal_entry import Entry, resume_command
from arca.recovery.limits import Limits


def move_check(entry: Entry | None, now: datetime, limits: Limits) -> Check:
    """Return the check of the move that a journal tells of; None where there is no journal."""
    name, wanted = "move", f"none, or one that ends within {limits.move_hours:g} hours"
    if entry is None:
        return ok(name, "no failover and no fail-back is under way", wanted)
    phases = FAILBACK if entry.kind == "failback" else TO_RTO
    left = next((one for one in phases if not entry.done(one)), "its record")
    seen = (
        f"{entry.kind} by {entry.operator} since {entry.declared:%Y-%m-%d %H:%M} UTC; left: {left}"
    )
    return judged(
        now - entry.declared <= timedelta(hours=limits.move_hours),
        name,
        seen,
        wanted,
        f"end it: `{resume_command(entry)}`; until then no other region can take over",
    )
