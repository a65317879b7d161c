"""How a release ended: one word, one exit code, and what it was judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from arca.errors import ArcaError
from arca.stack import Stack


class Verdict(StrEnum):
    """What may be said when `arca deploy` ends."""

    LIVE = "live"
    """The target revision takes all of the traffic, and nothing else runs."""
    FAILED = "failed"
    """The target is not live and what ran before was not touched, or it is live and its smoke
    tests fail; the reason says which."""
    ROLLED_BACK = "rolled back"
    """What ran before takes all of the traffic again."""
    ROLLBACK_FAILED = "rollback failed"
    """Neither is known to serve: somebody has to look now."""
    UNKNOWN = "unknown"
    """It goes on, or what runs is not what its status says."""
    REFUSED = "refused"
    """A gate is closed; nothing was done."""


EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.LIVE: 0,
    Verdict.FAILED: 1,
    Verdict.ROLLED_BACK: 3,
    Verdict.ROLLBACK_FAILED: 4,
    Verdict.UNKNOWN: 5,
    Verdict.REFUSED: 6,
}


class Interrupted(Exception):
    """A person stopped watching; the deployment goes on."""


class Lost(ArcaError):
    """The way to AWS broke while ECS works on the deployment: nobody knows how it ends."""

    exit_code = 5

    def __init__(self, cause: ArcaError, stack: Stack) -> None:
        super().__init__(
            f"{cause.what} ECS goes on by itself.",
            where=cause.where,
            wanted=cause.wanted,
            do=f"{cause.do}; then `arca deploy --resume --stack {stack.name}`",
        )


@dataclass(frozen=True)
class Outcome:
    """The verdict, and all that a person needs after it."""

    verdict: Verdict
    reason: str
    image: str
    task_definition: str | None = None
    runs: str | None = None
    """The task definition that takes production traffic now."""
    deployment: str | None = None
    """ARN of the service deployment."""
    stop_reasons: tuple[str, ...] = ()
    log_lines: tuple[str, ...] = ()
    runbook: str | None = None
    checks: tuple[Mapping[str, Any], ...] = field(default=())
    opened: Mapping[str, str] = field(default_factory=dict[str, str])
    """What was closed and opened by hand, and why."""

    @property
    def exit_code(self) -> int:
        """Of the process."""
        return EXIT_CODES[self.verdict]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.reason,
            "image": self.image,
            "task_definition": self.task_definition,
            "runs": self.runs,
            "deployment": self.deployment,
            "stop_reasons": list(self.stop_reasons),
            "log_lines": list(self.log_lines),
            "runbook": self.runbook,
            "checks": [dict(check) for check in self.checks],
            "opened": dict(self.opened),
        }
