"""One question and its answer."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """A gate's, a reference's or a smoke test's answer."""

    name: str
    verdict: Literal["OK", "FAILED", "SKIPPED"]
    detail: str

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)
