"""The phases of revisions, which keep the schema usable while the code of two releases runs.

An `expand` adds, so that old and new code both work. A `migrate` fills in data. A `contract`
removes what only old code used. The pattern is known as "parallel change".
"""

import ast
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from arca_migrate.errors import MigrationError


class Phase(StrEnum):
    """A revision's phase; the members stand in the order in which phases run."""

    EXPAND = "expand"
    MIGRATE = "migrate"
    CONTRACT = "contract"


ROLLING = (Phase.EXPAND, Phase.MIGRATE)
"""The phases that run before a release, while the previous one serves."""
PHASE_NAMES = ", ".join(Phase)


def of_module(module: ModuleType, path: Path) -> Phase:
    """Read the phase that a revision declares; raises MigrationError with file and line."""
    declared: object = getattr(module, "phase", None)
    if declared in tuple(Phase):
        return Phase(str(declared))
    what = "no phase" if declared is None else f"the phase {declared!r}"
    raise MigrationError(
        f"The revision {path.name} declares {what}.",
        where=f"{path}:{_line(path, 'phase') or _line(path, 'revision') or 1}",
        wanted='a line such as phase = "expand": one of ' + PHASE_NAMES,
        do="declare the phase beside the revision's id (docs/migrations.md says which)",
    )


def parse(text: str) -> tuple[Phase, ...]:
    """Read a list such as `expand,migrate` into phases, in the order in which they run.

    Raises MigrationError for anything else.
    """
    names = {name.strip() for name in text.split(",")}
    if not names <= set(Phase):
        raise MigrationError(
            f"{text!r} is no list of phases.",
            where="the phases",
            wanted=f"some of {PHASE_NAMES}, separated by commas",
            do="correct the list",
        )
    return ordered(names)


def ordered(names: Iterable[str]) -> tuple[Phase, ...]:
    """Sort phases into the order in which they run, each once."""
    chosen = set(names)
    return tuple(phase for phase in Phase if phase in chosen)


def _line(path: Path, name: str) -> int | None:
    """Find the line on which a module assigns to a name; None where it does not."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return None
