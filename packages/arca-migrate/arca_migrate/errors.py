"""The errors of this package: each says what happened, where, what was wanted and what to do.

The package stands alone in the application's image, so it shares no error class with `arca`.
"""


class MigrationError(Exception):
    """A failure that its message explains; it is reported without a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, where: str, wanted: str, do: str) -> None:
        super().__init__(what)
        self.what, self.where, self.wanted, self.do = what, where, wanted, do

    def __str__(self) -> str:
        return f"{self.what}\n  where:  {self.where}\n  wanted: {self.wanted}\n  do:     {self.do}"


class MigrationRefused(MigrationError):
    """Another runner is at work, or a rule forbids the step; nothing was changed."""

    exit_code = 6
