"""The one kind of error that a user sees: what, where, what was wanted, what to do."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; `arca --help` and docs/deployment-guide.md list them."""

    DONE = 0
    FAILED = 1
    """It failed; the message says what, where, what was wanted and what to do."""
    USAGE = 2
    """The command line was wrong; click's own code."""
    ROLLED_BACK = 3
    """The previous release serves."""
    ROLLBACK_FAILED = 4
    """Neither release is known to serve."""
    UNKNOWN = 5
    """ECS goes on by itself, or what runs is not what was said."""
    REFUSED = 6
    """Somebody else is at work, or a gate is closed; nothing was done."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and the number of SIGINT."""


class ArcaError(Exception):
    """A failure that its message explains; it never needs a traceback."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: str, wanted: str, do: str) -> None:
        super().__init__(what)
        self.what, self.where, self.wanted, self.do = what, where, wanted, do

    def __str__(self) -> str:
        return f"{self.what}\n  where:  {self.where}\n  wanted: {self.wanted}\n  do:     {self.do}"


class Explained(ArcaError):
    """A failure whose text says everything already: the settings' report."""

    def __init__(self, text: str) -> None:
        super().__init__(text, where="", wanted="", do="")

    def __str__(self) -> str:
        return self.what


class Refused(ArcaError):
    """Somebody else is at work, or a gate is closed; nothing was done."""

    exit_code = ExitCode.REFUSED
