"""Whether a deployment that `pulumi up` began is live; an update is over before ECS is.

    before="$(settled.py latest dev)"
    pulumi up ...
    settled.py follow dev "$before"

Exit codes of `follow` as those of `arca deploy`: 0 live or none begun, 3 rolled back, 4 rollback
failed, 5 not known in time. `latest` ends with 1 where it cannot tell, before anything is changed.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

Arca = Callable[[str, str], Mapping[str, Any]]
PAUSE_SECONDS = 15
LONGEST_SECONDS = 90 * 60
"""A job has two hours, and its update the rest."""
MISSES = 8
"""So many looks in a row may fail; AWS and the state's bucket have bad minutes."""
ANSWER_SECONDS = 300
CODES = {"SUCCESSFUL": 0, "ROLLBACK_SUCCESSFUL": 3, "STOPPED": 3, "ROLLBACK_FAILED": 4}
"""Statuses that do not change any more (Amazon ECS API Reference, ServiceDeployment)."""
UNKNOWN = 5
NO_STACK = "no stack named '"
"""What Pulumi says where nobody has made the stack yet; `arca` passes it on."""
OTHER_EXPORTS = "The exports are not those of this version"
"""What `arca` says of a stack that was never brought up, or last by another version."""


class Clock(Protocol):
    """What `time` has."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class NoAnswer(Exception):
    """A command of the operator's failed; the text is what it said."""


def arca(verb: str, stack: str) -> Mapping[str, Any]:
    """What a command of the operator's answers; raises NoAnswer where it fails."""
    command = ["arca", verb, "--stack", stack, "--json"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, check=True, timeout=ANSWER_SECONDS
        )
        return json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        raise NoAnswer(error.stderr.strip()) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(str(error)) from None


def latest(run: Arca, stack: str, *, clock: Clock) -> str:
    """Id of the newest deployment; empty where there is none, or no stack yet.

    Exports of another version do not say where the service is, and the update is what mends them:
    then it is the moment, `@` before it. Raises NoAnswer where nobody can tell: a deployment of
    before would be taken for this update's.
    """
    missed = 0
    while True:
        try:
            found = run("status", stack)["deployment"]
        except NoAnswer as error:
            missed += 1
            if NO_STACK in str(error):
                return ""
            if OTHER_EXPORTS in str(error):
                return f"@{datetime.now(UTC).isoformat()}"
            if missed == MISSES:
                raise
            clock.sleep(PAUSE_SECONDS)
        else:
            return found["id"] if found else ""


def later(found: Mapping[str, Any] | None, before: str) -> bool:
    """Whether it began after what `latest` saw."""
    if found is None:
        return False
    if before.startswith("@"):
        return datetime.fromisoformat(found["created"]) > datetime.fromisoformat(before[1:])
    return found["id"] != before


def follow(run: Arca, stack: str, before: str, *, clock: Clock) -> int:
    """Watch a later deployment than that one to its end, and answer its pause.

    The pause is for the smoke tests of a new image, which an update never brings; its tasks are
    healthy when it begins, and the alarms watch on. While somebody releases it may be theirs:
    their smoke tests answer it, and nobody else.
    """
    deadline = clock.monotonic() + LONGEST_SECONDS
    missed = 0
    while clock.monotonic() < deadline:
        try:
            seen = run("status", stack)
        except NoAnswer as error:
            missed += 1
            if missed == MISSES:
                return _unknown(stack, f"{MISSES} looks in a row failed, the last with: {error}")
        else:
            missed, found = 0, seen["deployment"]
            if not later(found, before):
                return 0
            if found["status"] in CODES:
                _say(f"{found['id']}: {found['status']} {found['reason']}")
                return CODES[found["status"]]
            if found["paused"]:
                _answer(run, stack, seen["release"])
        clock.sleep(PAUSE_SECONDS)
    return _unknown(stack, "it is not at its end in time")


def _answer(run: Arca, stack: str, release: str | None) -> None:
    """Let it go on, where nobody else is there to; who was refused looks again."""
    if release is not None:
        _say(f"paused; left to the release under way: {release}")
        return
    try:
        run("promote", stack)
    except NoAnswer as error:
        _say(f"paused, and could not be promoted: {error}")


def _unknown(stack: str, why: str) -> int:
    _say(f"nobody knows how it ends: {why}. Look with `arca status --stack {stack}`")
    return UNKNOWN


def _say(text: str) -> None:
    sys.stdout.write(f"{' '.join(text.split())}\n")
    sys.stdout.flush()


def main(words: Sequence[str], run: Arca = arca, clock: Clock = time) -> int:
    """`latest STACK`, or `follow STACK BEFORE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("latest", "follow"):
        verbs.add_parser(verb).add_argument("stack")
    verbs.choices["follow"].add_argument("before")
    given = parser.parse_args(words)
    if given.verb == "follow":
        return follow(run, given.stack, given.before, clock=clock)
    try:
        sys.stdout.write(f"{latest(run, given.stack, clock=clock)}\n")
    except NoAnswer as error:
        sys.stderr.write(f"Nothing was begun, for nobody can tell what runs: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
