"""The one kind of error that a user sees: what, where, what was wanted, what to do."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""


class ArcaError(Exception):
    """A failure that its message explains; it never needs a traceback."""

    exit_code = 1

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

    exit_code = 6
