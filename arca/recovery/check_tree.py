"""A tree of checks: each leaf says what was seen and wanted, and a parent sums its children up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["OK", "FAILED", "SKIPPED"]


@dataclass(frozen=True)
class Check:
    """The result of a check, or of a group of checks.

    Use `ok`, `failed`, `skipped` and `group`; a check that contradicts itself is a ValueError.
    """

    name: str
    outcome: Outcome
    seen: str = ""
    """What was found; of a skipped check, why it was not made."""
    wanted: str = ""
    do: str = ""
    """What a person can do about a failed check."""
    children: tuple["Check", ...] = ()

    def __post_init__(self) -> None:
        if self.children and self.outcome != _sum(self.children):
            raise ValueError(f"{self.name}: {self.outcome} is not what its children are")
        if not self.children and not self.seen:
            raise ValueError(f"{self.name}: nothing says what was seen")
        if not self.children and self.outcome == "FAILED" and not (self.wanted and self.do):
            raise ValueError(f"{self.name}: nothing says what was wanted and what to do")

    def leaves(self) -> Iterator["Check"]:
        """Yield the checks without children, from the top."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def as_json(self) -> dict[str, Any]:
        """Return the tree as `--json` prints it."""
        content: dict[str, Any] = {"name": self.name, "outcome": self.outcome}
        if self.children:
            return {**content, "children": [child.as_json() for child in self.children]}
        return {**content, "seen": self.seen, "wanted": self.wanted, "do": self.do}

    def words(self) -> str:
        """Return the check in one line, without its children."""
        parts = [f"{self.outcome} {self.name}"]
        if self.seen:
            parts.append(f": {self.seen}")
        if self.outcome == "FAILED" and not self.children:
            parts.append(f"; wanted: {self.wanted}; do: {self.do}")
        return "".join(parts)


def ok(name: str, seen: str, wanted: str = "") -> Check:
    """Return a check that found what was wanted."""
    return Check(name, "OK", seen, wanted)


def failed(name: str, seen: str, wanted: str, do: str) -> Check:
    """Return a check that found something else."""
    return Check(name, "FAILED", seen, wanted, do)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, "SKIPPED", why)


def judged(good: bool, name: str, seen: str, wanted: str, do: str) -> Check:  # noqa: FBT001
    """Return a check by whether it found what was wanted."""
    return ok(name, seen, wanted) if good else failed(name, seen, wanted, do)


def group(name: str, *children: Check) -> Check:
    """Return a parent: FAILED with any failed child, SKIPPED where nothing was checked at all."""
    return Check(name, _sum(children), children=children)


def many(name: str, checks: Iterable[Check], none: str) -> Check:
    """Return a parent of any number of checks; `none` says why there is not one."""
    found = tuple(checks)
    return group(name, *found) if found else skipped(name, none)


def _sum(children: tuple[Check, ...]) -> Outcome:
    outcomes = {child.outcome for child in children}
    if "FAILED" in outcomes:
        return "FAILED"
    return "OK" if "OK" in outcomes else "SKIPPED"
