"""The state machine of a release: its steps, what follows each, what each failure leads to.

    step        its work                                      then        after a failure
    ----------  --------------------------------------------  ----------  ---------------
    preflight   check the gates, register the revision        registered  close
    registered  run the expand and migrate migrations         migrated    close
    migrated    note which deployment is ECS's newest         updating    close
    updating    ask ECS for the revision, find its deployment following   keep
    following   follow the deployment to its end              a verdict   keep

The journal (journal.py) stores the step that a release has reached. `arca deploy --resume`
begins there, so the work of every step may be done twice; release.py does that work.

- A closed gate and a failed migration end a release before ECS is asked for anything: the
  verdict is REFUSED or FAILED, and the journal is closed.
- "close": an error or Ctrl-C closes the journal, because nothing goes on.
- "keep": ECS goes on by itself, so the journal stays for `arca deploy --resume`. Ctrl-C becomes
  `Interrupted`, or stops the deployment with --rollback-on-interrupt. A failed call to AWS
  becomes `ConnectionLost`. Only an UpdateService call that ECS refuses leads back to "migrated".
- A verdict closes the journal, but for UNKNOWN: somebody has to look, and may resume.
- A killed release leaves its journal as it is.
"""

from enum import StrEnum

from arca.errors import ArcaError, ExitCode
from arca.stack import Stack


class Step(StrEnum):
    """How far a release has come; the values are what the journal stores."""

    PREFLIGHT = "preflight"
    REGISTERED = "registered"
    MIGRATED = "migrated"
    UPDATING = "updating"
    FOLLOWING = "following"

    @property
    def next(self) -> "Step":
        """The step that follows; raises IndexError for FOLLOWING, which only a verdict ends."""
        steps = list(Step)
        return steps[steps.index(self) + 1]

    @property
    def ecs_goes_on(self) -> bool:
        """True where ECS may work on the deployment, whether or not anybody follows it."""
        return self in (Step.UPDATING, Step.FOLLOWING)


class Interrupted(Exception):
    """A person pressed Ctrl-C and stopped watching; the deployment goes on."""


class ConnectionLost(ArcaError):
    """AWS stopped answering while ECS works on the deployment, so its end is not known."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, cause: ArcaError, stack: Stack) -> None:
        super().__init__(
            f"{cause.what} ECS goes on by itself.",
            where=cause.where,
            wanted=cause.wanted,
            do=f"{cause.do}; then `arca deploy --resume --stack {stack.name}`",
        )
