"""The errors that a command reports without a traceback, and the exit codes of all commands."""

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ROLLED_BACK = 3
    ROLLBACK_FAILED = 4
    UNKNOWN = 5
    REFUSED = 6
    ANOTHER_SERVES = 7
    INTERRUPTED = 130
    """128 and the number of SIGINT, as a shell reports Ctrl-C."""

    @property
    def meaning(self) -> str:
        """The meaning of the code, as `arca --help` prints it."""
        return MEANINGS[self]


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; the message says what failed, where, what was wanted and what to do",
    ExitCode.USAGE: "wrong usage: a command, an option or an argument is not valid",
    ExitCode.ROLLED_BACK: "rolled back: the previous release serves",
    ExitCode.ROLLBACK_FAILED: "the rollback failed: no release is known to serve; act now",
    ExitCode.UNKNOWN: "unknown: ECS continues on its own, or what runs was not asked for",
    ExitCode.REFUSED: "refused: another operation is under way, or a gate is closed; "
    "nothing was done",
    ExitCode.ANOTHER_SERVES: "another release serves than was asked for: a rollback or a stop came "
    "too late or was undone, or somebody else deployed; repeat it",
    ExitCode.INTERRUPTED: "interrupted; a deployment that ECS works on continues: "
    "see `arca status`",
}


class ArcaError(Exception):
    """A failure that its message explains: what failed, where, what was wanted, what to do.

    No text is empty, because programs read all four from `--json`.
    """

    exit_code = ExitCode.FAILED
    details = ""
    """What the command line prints on stderr below the message, such as a traceback."""

    def __init__(self, what: str, *, where: str, wanted: str, do: str) -> None:
        super().__init__(what)
        self.what, self.where, self.wanted, self.do = what, where, wanted, do

    def __str__(self) -> str:
        return f"{self.what}\n  where:  {self.where}\n  wanted: {self.wanted}\n  do:     {self.do}"

    def as_json(self) -> dict[str, str | int]:
        """Return the four texts and the exit code, as `--json` prints them."""
        return {
            "what": self.what,
            "where": self.where,
            "wanted": self.wanted,
            "do": self.do,
            "exit_code": int(self.exit_code),
        }


class Explained(ArcaError):
    """Many problems in one text, each with its own place: a report on settings or documents.

    The text alone is what a person reads; the other three fields say the same for programs.
    """

    def __init__(
        self,
        text: str,
        *,
        where: str = "the places that the message names",
        wanted: str = "none of the problems that the message lists",
        do: str = "correct each of them, and run this again",
    ) -> None:
        super().__init__(text, where=where, wanted=wanted, do=do)

    def __str__(self) -> str:
        return self.what


class Refused(ArcaError):
    """Another operation is under way, or a gate is closed; nothing was done."""

    exit_code = ExitCode.REFUSED
