"""The phase of a revision: what it may do while the code of two releases runs.

Expand adds, so that the old and the new code both work; migrate fills in data; contract removes
what only the old code used ("parallel change").
"""

import ast
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from arca_migrate.errors import MigrationError


class Phase(StrEnum):
    """What a revision does to the code that runs."""

    EXPAND = "expand"
    MIGRATE = "migrate"
    CONTRACT = "contract"


ROLLING = (Phase.EXPAND, Phase.MIGRATE)
"""The phases that run before a release, while the previous one serves."""
NAMES = ", ".join(Phase)


def of_module(module: ModuleType, path: Path) -> Phase:
    """The phase that a revision declares. Raises MigrationError with file and line."""
    declared: object = getattr(module, "phase", None)
    if declared in tuple(Phase):
        return Phase(str(declared))
    what = "no phase" if declared is None else f"the phase {declared!r}"
    raise MigrationError(
        f"The revision {path.name} declares {what}.",
        where=f"{path}:{_line(path, 'phase') or _line(path, 'revision') or 1}",
        wanted='a line such as phase = "expand": one of ' + NAMES,
        do="declare the phase beside the revision's id (docs/migrations.md says which)",
    )


def parse(text: str) -> tuple[Phase, ...]:
    """Phases of a list such as `expand,migrate`, in the order in which they run.

    Raises MigrationError for anything else.
    """
    names = {name.strip() for name in text.split(",")}
    if not names <= set(Phase):
        raise MigrationError(
            f"{text!r} is no list of phases.",
            where="the phases",
            wanted=f"some of {NAMES}, with commas",
            do="correct the list",
        )
    return ordered(names)


def ordered(names: Iterable[str]) -> tuple[Phase, ...]:
    """Phases in the order in which they run, each once."""
    chosen = set(names)
    return tuple(phase for phase in Phase if phase in chosen)


def _line(path: Path, name: str) -> int | None:
    """The line of a module's assignment to a name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return None
