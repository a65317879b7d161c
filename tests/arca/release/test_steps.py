"""The state machine of a release: what follows each step, and what each failure leads to."""

import pytest

from arca.errors import ArcaError, ExitCode, Refused
from arca.release.steps import (
    CHECKED_AGAIN,
    TRANSITIONS,
    ConnectionLost,
    Interrupted,
    LockLost,
    Step,
    after_failure,
    ends_release,
)
from arca.release.verdict import Verdict
from tests.arca.release.stage import Stage

BEFORE_ECS = (Step.PREFLIGHT, Step.REGISTERED, Step.MIGRATED)
ECS_GOES_ON = (Step.UPDATING, Step.FOLLOWING)


def test_what_follows_what() -> None:
    """The steps stand in their order, with the values that old journals hold."""
    assert [(str(step), TRANSITIONS[step].then) for step in Step] == [
        ("preflight", "registered"),
        ("registered", "migrated"),
        ("migrated", "updating"),
        ("updating", "following"),
        ("following", None),
    ]


def test_a_rejected_call_is_made_again() -> None:
    """Only a call that ECS rejects leads back, to the step before it asked."""
    back = {step: one.rejected for step, one in TRANSITIONS.items() if one.rejected is not None}
    assert back == {Step.UPDATING: Step.MIGRATED}


def test_what_is_checked_again() -> None:
    """A resumed release checks again where it has checked before and ECS was not asked yet."""
    assert {Step.REGISTERED, Step.MIGRATED} == CHECKED_AGAIN


def test_ecs_goes_on_from_the_update_on() -> None:
    """ECS may work on the deployment from the moment it is asked."""
    assert [step for step in Step if TRANSITIONS[step].ecs_goes_on] == list(ECS_GOES_ON)


FAILURE = ArcaError("It broke.", where="here", wanted="no", do="repair it")
REFUSAL = Refused("Somebody else.", where="here", wanted="one", do="wait")
LOST = LockLost("Another run holds the lock.", where="here", wanted="one", do="look")


@pytest.mark.parametrize("step", BEFORE_ECS)
@pytest.mark.parametrize(
    "error",
    [FAILURE, REFUSAL, KeyboardInterrupt(), ValueError()],
    ids=lambda one: type(one).__name__,
)
def test_a_failure_before_ecs_is_asked(
    monkeypatch: pytest.MonkeyPatch, step: Step, error: BaseException
) -> None:
    """Nothing goes on: the journal is closed, and the operator sees the error itself."""
    found = after_failure(step, error, Stage(monkeypatch).stack)
    assert (found.error, found.closes_journal) == (error, True)


@pytest.mark.parametrize("step", ECS_GOES_ON)
@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (FAILURE, ConnectionLost),
        (REFUSAL, ConnectionLost),
        (LOST, LockLost),
        (KeyboardInterrupt(), Interrupted),
        (ValueError(), ConnectionLost),
        (SystemExit(), SystemExit),
    ],
    ids=lambda one: getattr(one, "__name__", type(one).__name__),
)
def test_a_failure_while_ecs_goes_on(
    monkeypatch: pytest.MonkeyPatch, step: Step, error: BaseException, seen: type[BaseException]
) -> None:
    """The journal stays for `arca deploy --resume`, and the operator reads that ECS goes on."""
    found = after_failure(step, error, Stage(monkeypatch).stack)
    assert (type(found.error), found.closes_journal) == (seen, False)


def test_a_lost_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection keeps the cause, and adds how the release is resumed."""
    lost = after_failure(Step.FOLLOWING, FAILURE, Stage(monkeypatch).stack).error
    assert isinstance(lost, ConnectionLost)
    assert lost.exit_code is ExitCode.UNKNOWN
    assert lost.what == "It broke. ECS goes on by itself."
    assert (lost.where, lost.wanted) == (FAILURE.where, FAILURE.wanted)
    assert lost.do == "repair it; then `arca deploy --resume --stack prod`"


def test_which_verdicts_end_a_release() -> None:
    """Every verdict but UNKNOWN closes the journal."""
    assert {verdict for verdict in Verdict if not ends_release(verdict)} == {Verdict.UNKNOWN}
