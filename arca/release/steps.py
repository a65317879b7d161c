"""The state machine of a release: its steps, what follows each, what each failure leads to.

The journal (journal.py) stores the step that a release has reached. `arca deploy --resume` begins
there, so the work of every step may be done twice. release.py does the work, in this order, and
asks this module what comes next:

- Work that succeeds leads to the next step, or after the last one to a verdict (verdict.py).
- A closed gate and a failed migration are a verdict too: REFUSED or FAILED, before ECS is asked.
- An error or Ctrl-C leads where `after_failure` says.
- A killed process leaves the journal as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from arca.errors import ArcaError, ExitCode
from arca.release.verdict import Verdict
from arca.stack import Stack


class Step(StrEnum):
    """How far a release has come; the values are what the journal stores."""

    PREFLIGHT = "preflight"
    """To do: check the gates, and register the revision."""
    REGISTERED = "registered"
    """To do: run the expand and migrate migrations."""
    MIGRATED = "migrated"
    """To do: note ECS's newest deployment, to recognize the release's own, and the first tasks."""
    UPDATING = "updating"
    """To do: ask ECS for the revision, and find the deployment that it begins."""
    FOLLOWING = "following"
    """To do: follow the deployment to its end, and judge what runs then."""


@dataclass(frozen=True)
class Transition:
    """Where a step leads."""

    then: Step | None
    """The next step; None where a verdict ends the release."""
    ecs_goes_on: bool = False
    """True where ECS may work on the deployment, whether or not anybody follows it."""
    rejected: Step | None = None
    """The step to return to where ECS rejects the call, because nothing has begun."""


TRANSITIONS: Mapping[Step, Transition] = {
    Step.PREFLIGHT: Transition(then=Step.REGISTERED),
    Step.REGISTERED: Transition(then=Step.MIGRATED),
    Step.MIGRATED: Transition(then=Step.UPDATING),
    Step.UPDATING: Transition(then=Step.FOLLOWING, ecs_goes_on=True, rejected=Step.MIGRATED),
    Step.FOLLOWING: Transition(then=None, ecs_goes_on=True),
}
CHECKED_AGAIN = frozenset({Step.REGISTERED, Step.MIGRATED})
"""Steps at which a resumed release checks again before it asks ECS: much may have happened."""


class Interrupted(Exception):
    """A person pressed Ctrl-C and stopped watching; the deployment goes on."""


class ConnectionLost(ArcaError):
    """AWS does not answer while ECS works on the deployment, or may do so: the end is not known."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, cause: ArcaError, stack: Stack, *, seen: bool = True) -> None:
        """Name the cause; `seen` is False where nobody could read yet how far the release is."""
        ecs = "ECS goes on by itself." if seen else "Whether ECS works on a release is not known."
        super().__init__(
            f"{cause.what} {ecs}",
            where=cause.where,
            wanted=cause.wanted,
            do=f"{cause.do}; then `arca deploy --resume --stack {stack.name}`",
        )


class LockLost(ArcaError):
    """Somebody else took or freed this run's lock: what it began goes on, and nobody follows it."""

    exit_code = ExitCode.UNKNOWN


@dataclass(frozen=True)
class AfterFailure:
    """What an error or Ctrl-C leads to."""

    error: BaseException
    """What the operator sees."""
    closes_journal: bool
    """False where the release stays for `arca deploy --resume`."""


def after_failure(step: Step, error: BaseException, stack: Stack) -> AfterFailure:
    """Return what an error or Ctrl-C at a step leads to.

    Before ECS is asked, nothing goes on, and the release is over. Afterwards ECS goes on by
    itself, so the release can be resumed. With --rollback-on-interrupt, Ctrl-C first has ECS roll
    the deployment back, which is followed to its verdict.
    """
    if not TRANSITIONS[step].ecs_goes_on:
        return AfterFailure(error, closes_journal=True)
    match error:
        case KeyboardInterrupt():
            seen: BaseException = Interrupted()
        case LockLost():
            # The connection is not the problem.
            seen = error
        case ArcaError():
            seen = ConnectionLost(error, stack)
        case Exception():
            seen = ConnectionLost(_unforeseen(error, stack), stack)
        case _:
            seen = error
    return AfterFailure(seen, closes_journal=False)


def _unforeseen(error: Exception, stack: Stack) -> ArcaError:
    """Return an error of ours in the form of the others: the deployment matters more now."""
    return ArcaError(
        f"arca failed while ECS worked on the deployment: {type(error).__name__}: {error}.",
        where=stack.where,
        wanted="the verdict on the deployment",
        do="report this",
    )


def ends_release(verdict: Verdict) -> bool:
    """Tell whether a verdict closes the journal; after UNKNOWN somebody looks, and may resume."""
    return verdict is not Verdict.UNKNOWN
