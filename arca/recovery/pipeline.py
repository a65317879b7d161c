"""Refuse an update by the pipeline that would disturb a failover or a fail-back.

The pipeline applies main's file. After a failover, main may still say that the lost primary serves
and that the DR stack stands by: such an update begins a second ledger. During a failover, it holds
the lock that the next phase needs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from arca import checkout, lever, stackfile
from arca.errors import Refused
from arca.recovery.journal_entry import parameter, read, waits_for_clean_up
from arca.stack import Stack


def partner(stack: str) -> str | None:
    """Return the other stack of a primary and its secondary; None for a stack without one.

    Only the files tell: a primary's exports have its secondary's region, and not its name.
    """
    named = _recovery(stack).get("primary_stack")
    if named is not None:
        return str(named)
    others = (name for name in checkout.stack_names() if name != stack)
    return next((one for one in others if _recovery(one).get("primary_stack") == stack), None)


def file_phase(stack: str) -> str:
    """Return the phase that the stack would export after an update with its file."""
    recovery = _recovery(stack)
    phase = str(recovery.get("phase", "standby"))
    return "active" if phase == "standby" and recovery.get("role") != "secondary" else phase


def _recovery(stack: str) -> Mapping[str, Any]:
    config = stackfile.read(stackfile.path_of(stack)).config
    found: Any = json.loads(config.get(f"{stackfile.PREFIX}recovery", "{}"))
    return found


def require_no_recovery(name: str, *, find: Callable[[str], Stack]) -> str:
    """Return in a line why the stack may be updated; raises Refused where it may not.

    Raises ArcaError where the exports, the journal or the lever cannot be read: that is no pass.
    """
    other = partner(name)
    if other is None:
        return f"{name} has no DR stack"
    stack = find(name)
    second = stack.outputs.role == "secondary"
    primary, secondary = (find(other), name) if second else (stack, other)
    away = primary.outputs.recovery
    if away is not None:
        # Its exports are not needed, and before its first update it has none.
        outputs = primary.outputs.model_copy(update={"stack": secondary, "region": away.region})
        _require_no_journal(Stack(secondary, outputs, primary.endpoint))
    _require_phase(stack, file_phase(name), pulled=lever.pulled(primary))
    return f"{name} is {stack.outputs.phase}, and no failover or fail-back is under way"


def _require_no_journal(secondary: Stack) -> None:
    held = read(secondary)
    if held is None or waits_for_clean_up(held.entry):
        return
    entry = held.entry
    raise Refused(
        f"A {entry.kind} between {entry.primary} and {entry.secondary} is under way, by "
        f"{entry.operator} since {entry.declared:%Y-%m-%d %H:%M:%SZ}.",
        where=f"{parameter(secondary)} in {secondary.outputs.region}",
        wanted="no update by the pipeline until it has ended",
        do="let it end, commit the phases that it left, and run the job again",
    )


def _require_phase(stack: Stack, phase: str, *, pulled: bool) -> None:
    """Require the phase that the stack has, and one that fits the lever where it is pulled."""
    deployed = stack.outputs.phase
    if not pulled:
        wanted = {deployed}
    elif stack.outputs.role == "secondary":
        wanted = {"active"}
    else:
        # A primary that could not be fenced while its region was lost is fenced by its next update.
        wanted = {"fenced", deployed} - {"active"}
    if phase in wanted:
        return
    raise Refused(
        f"The file of {stack.name} says that it is {phase}; it is {deployed}, and the failover "
        f"lever is {'' if pulled else 'not '}pulled.",
        where=f"recovery.phase in {stackfile.path_of(stack.name).name}; {stack.where}",
        wanted=" or ".join(sorted(wanted)),
        do="commit the phase that the failover or the fail-back left "
        "(docs/disaster-recovery.md); only `arca dr` or an operator's `pulumi up` changes it",
    )
