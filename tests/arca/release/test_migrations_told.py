"""What the migration task says, and what follows from it."""

import json
from datetime import datetime, timedelta

import pytest

from arca.release.migrations import contract_since, refusal
from arca.release.tasks import TaskResult

REFUSAL = json.dumps({"event": "migration.refused", "message": "Another runner.", "do": "Wait."})


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        (0, (), None),
        (1, (REFUSAL,), None),
        (None, (), None),
        (6, (), "ended"),
        (6, ("[6]", '{"event": "migration.refused", "message": "M."}'), "M."),
    ],
)
def test_a_refusal(code: int | None, lines: tuple[str, ...], said: str | None) -> None:
    """Exit code 6 and nothing else."""
    assert refusal(TaskResult("task", code, "ended", lines)) == said


def history(*phases: str) -> str:
    """The runner's line of what was applied, each at noon."""
    applied = [
        {"revision": f"r{number}", "phase": phase, "release": "1.2.3",
         "applied_at": "2026-10-05T12:00:00.000Z", "seconds": 0.1}
        for number, phase in enumerate(phases, 1)
    ]  # fmt: skip # one record
    return json.dumps({"event": "migration.history", "applied": applied})


NOON = datetime.fromisoformat("2026-10-05T12:00:00+00:00")
LATER = NOON + timedelta(minutes=1)


@pytest.mark.parametrize("emulated", [False, True])
@pytest.mark.parametrize(
    ("code", "lines", "moment", "said"),
    [
        (0, (history("expand"),), NOON, None),
        (0, (history("expand", "contract"),), LATER, None),
        (0, (history("expand", "contract"),), NOON, "contract r2 was applied"),
        (0, (history("contract"),), None, "when it was live is not known"),
        (1, (), LATER, "unknown: the task ended with 1"),
        (1, (history("expand"),), LATER, "unknown: the task ended with 1"),
        (None, (), LATER, "unknown: the task ended with None"),
        (0, (history("everything"),), LATER, "unknown: the task printed"),
    ],
)
def test_contracts_since(
    code: int | None,
    lines: tuple[str, ...],
    moment: datetime | None,
    said: str | None,
    *,
    emulated: bool,
) -> None:
    """What the task cannot tell closes the way back."""
    found = contract_since(TaskResult("task", code, "ended", lines), moment, emulated=emulated)
    assert found is None if said is None else said in (found or "")


@pytest.mark.parametrize("lines", [(), ("simulated", "[]"), ('{"event": "migration.done"}',)])
def test_a_task_that_prints_no_history(lines: tuple[str, ...]) -> None:
    """On AWS that is no answer; in the emulated cloud nothing was ever dropped."""
    result = TaskResult("task", 0, "ended", lines)
    said = "the applied migrations are unknown: the task printed none"
    assert contract_since(result, LATER, emulated=False) == said
    assert contract_since(result, LATER, emulated=True) is None
