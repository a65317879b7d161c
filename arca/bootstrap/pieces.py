"""Things of an account that are made once: looked at first, and only then changed.

Only what is missing or wrong is made, so that a second run changes nothing and an interrupted
one is continued.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from arca.clients import Account, explained

Outcome = Literal["created", "already there", "repaired", "would create", "would repair"]


@dataclass(frozen=True)
class Aspect:
    """One property of a piece: whether it is right, and how it becomes so."""

    name: str
    right: Callable[[], bool]
    mend: Callable[[], object]


@dataclass(frozen=True)
class Piece:
    """One thing of the account."""

    name: str
    exists: Callable[[], bool]
    create: Callable[[], object]
    aspects: Sequence[Aspect]


@dataclass(frozen=True)
class Done:
    """How a piece ended."""

    name: str
    outcome: Outcome
    changes: list[str]


def converge(piece: Piece, account: Account, *, dry_run: bool) -> Done:
    """Make one piece as it should be, or say what that would change."""
    with explained(account, f"The {piece.name} cannot be made"):
        existed = piece.exists()
        if not existed and dry_run:
            return Done(piece.name, "would create", [aspect.name for aspect in piece.aspects])
        if not existed:
            piece.create()
        wrong = [aspect for aspect in piece.aspects if not aspect.right()]
        for aspect in [] if dry_run else wrong:
            aspect.mend()
    changes = [aspect.name for aspect in wrong]
    if not existed:
        return Done(piece.name, "created", changes)
    if not wrong:
        return Done(piece.name, "already there", [])
    return Done(piece.name, "would repair" if dry_run else "repaired", changes)
