"""The result of a check: of a release gate, of a reference or of a smoke test."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

CheckVerdict = Literal["OK", "FAILED", "SKIPPED"]


@dataclass(frozen=True)
class Check:
    """The result of one check; `detail` gives the reason in words."""

    name: str
    verdict: CheckVerdict
    detail: str
    milliseconds: int = 0
    """The duration in milliseconds; 0 where it is not measured."""

    def as_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)
