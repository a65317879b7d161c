"""One question and its answer: a gate's, a reference's, a smoke test's."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["OK", "FAILED", "SKIPPED"]


@dataclass(frozen=True)
class Check:
    """A check's answer; `detail` is the reason, for a person."""

    name: str
    verdict: Verdict
    detail: str
    milliseconds: int = 0
    """How long it took, where that is measured."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)
