"""How a person wants a release; it is kept in the journal, so that whoever resumes knows it too."""

from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True)
class Wishes:
    """How a person wants it."""

    override: tuple[str, ...] = ()
    """Gates to open though they are closed."""
    reason: str | None = None
    migrate: bool = True
    hold: bool = False
    """Leave a paused deployment to `arca promote`."""
    rollback_on_interrupt: bool = False
    timeout: timedelta = timedelta(hours=2)

    def resumed(self, now: "Wishes") -> "Wishes":
        """Those of the release that is resumed, and what whoever resumes wants besides."""
        return replace(
            now,
            override=tuple(dict.fromkeys((*self.override, *now.override))),
            reason=now.reason or self.reason,
            migrate=self.migrate and now.migrate,
            hold=self.hold or now.hold,
            rollback_on_interrupt=self.rollback_on_interrupt or now.rollback_on_interrupt,
        )
