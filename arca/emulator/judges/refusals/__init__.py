"""The table of what AWS refuses and no schema carries, a file for each group of services.

Each rule names the page of AWS's documentation that has it, and the code of AWS's error.
"""

from collections.abc import Iterator, Mapping, Sequence

from arca.emulator.judges.finding import Finding
from arca.emulator.judges.refusals import (
    balancing,
    containers,
    dashboards,
    data,
    network,
    operations,
)
from arca.emulator.judges.refusals.definition import MadeCall, Refusal

JUDGE = "refusals"
REFUSALS: tuple[Refusal, ...] = (
    *network.REFUSALS,
    *balancing.REFUSALS,
    *containers.REFUSALS,
    *data.REFUSALS,
    *operations.REFUSALS,
    *dashboards.REFUSALS,
)
TOLERATED: Mapping[str, str] = {}
"""Rules that the emulator does not enforce because the stacks break them, and what mends that."""


def judge(
    urn: str, call: MadeCall, earlier: Sequence[MadeCall]
) -> Iterator[tuple[Refusal, Finding]]:
    """Yield what the table says against a call, knowing the calls before it."""
    for refusal in REFUSALS:
        if call.operation in refusal.operations:
            for fault in refusal.find(call, earlier):
                yield refusal, Finding(f"{JUDGE} {refusal.code}", urn, fault.path, fault.says)


__all__ = ["JUDGE", "REFUSALS", "TOLERATED", "MadeCall", "Refusal", "judge"]
