"""The rules of contracts and rollbacks: pure functions of what was applied and deployed when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from arca_migrate.applied import Applied, utc
from arca_migrate.durations import in_words
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.history import History
from arca_migrate.phase import Phase

WAIT = timedelta(hours=24)
"""How long a release must be live before a contract may remove what only older releases use."""


@dataclass(frozen=True)
class Decision:
    """Whether a step is allowed; if it is not, the reason and what to do."""

    allowed: bool
    reason: str = ""
    """Empty only where the step is allowed, as is `do`."""
    do: str = ""
    allowed_from: datetime | None = None
    """The moment from which the step is allowed; None where waiting does not help."""

    def require(self, *, where: str) -> None:
        """Raise MigrationRefused where the step is not allowed."""
        if not self.allowed:
            raise MigrationRefused(
                self.reason,
                where=where,
                wanted="a step that keeps every running and every returning release working",
                do=self.do,
            )


def contract_allowed(
    phases: Collection[Phase], *, live_since: datetime | None, now: datetime, wait: timedelta = WAIT
) -> Decision:
    """Decide whether these phases may run together now; only a contract is ever refused.

    `live_since` is the moment at which the running release became live; None where no release is
    live. Raises MigrationError for a moment without a time zone.
    """
    _aware(now, live_since)
    if Phase.CONTRACT not in phases:
        return Decision(allowed=True)
    others = [phase for phase in Phase if phase in phases and phase is not Phase.CONTRACT]
    if others:
        return Decision(
            allowed=False,
            reason=f"A contract together with {' and '.join(others)} is refused: no live release "
            f"has used what {' and '.join(others)} would make.",
            do=f"run {','.join(others)}, release, and run the contract after {in_words(wait)}",
        )
    if live_since is None:
        return Decision(
            allowed=False,
            reason="The contract is refused: it needs a release that is live by a deployment.",
            do=f"release, and run the contract after {in_words(wait)}",
        )
    due = live_since + wait
    if now < due:
        return Decision(
            allowed=False,
            reason=f"The contract is refused until {utc(due)}: the running release is live since "
            f"{utc(live_since)}, and a rollback must stay possible for {in_words(wait)}.",
            do="run it then; nothing that runs needs it earlier",
            allowed_from=due,
        )
    return Decision(allowed=True)


def rollback_allowed(
    history: History | None, applied: Iterable[Applied], *, last_live: datetime | None
) -> Decision:
    """Decide whether an earlier release may return: no contract may have run since it was live.

    `last_live` is the last moment at which that release was live; None where it never was or where
    that is not known. The history, where given, adds the revision's description to the reason.
    Raises MigrationError for a moment without a time zone.
    """
    _aware(last_live)
    since = [
        one
        for one in applied
        if one.phase is Phase.CONTRACT and (last_live is None or one.applied_at >= last_live)
    ]
    if not since:
        return Decision(allowed=True)
    first = min(since, key=lambda one: one.applied_at)
    known = history.find(first.revision) if history else None
    named = f"{first.revision} ({known.message})" if known else first.revision
    by = f" by release {first.release}" if first.release else ""
    was = f"it was last live at {utc(last_live)}" if last_live else "when it was live is not known"
    return Decision(
        allowed=False,
        reason=f"The rollback is refused: contract {named} was applied at "
        f"{utc(first.applied_at)}{by} and removed what that release uses; {was}.",
        do="roll forward: release the fix on top of the running code; or take a release that was "
        f"live after {utc(max(one.applied_at for one in since))}",
    )


def _aware(*moments: datetime | None) -> None:
    for moment in moments:
        if moment is not None and moment.tzinfo is None:
            raise MigrationError(
                f"The moment {moment.isoformat()} has no time zone.",
                where="the rules of contracts and rollbacks",
                wanted="an aware datetime",
                do="give it in UTC",
            )
