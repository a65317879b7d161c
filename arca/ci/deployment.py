"""Follows the deployment that `pulumi up` began: an update returns before ECS has finished.

The pipeline asks for the newest deployment before an update, and follows a later one after it.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from arca.clock import Clock
from arca.errors import ArcaError, ExitCode

ArcaCommand = Callable[[str, str], Mapping[str, Any]]
"""A function like `run_arca` below: a command and a stack; returns the command's JSON."""
DEPLOYMENT_POLL_SECONDS = 15
LONGEST = timedelta(minutes=90)
"""A job may take two hours, and its update needs the rest."""
MAX_FAILURES = 8
"""So many calls in a row may fail: AWS and the state's bucket have bad minutes."""
COMMAND_TIMEOUT_SECONDS = 300
STATUS_EXIT_CODES = {
    "SUCCESSFUL": ExitCode.DONE,
    "ROLLBACK_SUCCESSFUL": ExitCode.ROLLED_BACK,
    "STOPPED": ExitCode.ROLLED_BACK,
    "ROLLBACK_FAILED": ExitCode.ROLLBACK_FAILED,
}
"""Final statuses (Amazon ECS API Reference, ServiceDeployment), and what each means for the job."""
NO_STACK = "no stack named '"
"""Pulumi's words where the stack does not exist yet; `arca` passes them on."""
OTHER_EXPORTS = "The exports are not those of this version"
"""What `arca` says of a stack that was never brought up, or last by another version."""


class CommandFailed(Exception):
    """A command of `arca` failed; the text is what it printed on stderr."""


def run_arca(command: str, stack: str) -> Mapping[str, Any]:
    """Run a command of `arca` with --json and return its JSON; raises CommandFailed.

    A process of its own can be ended after COMMAND_TIMEOUT_SECONDS, whatever it waits for.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            ["arca", command, "--stack", stack, "--json"],  # noqa: S607 - the job's own, on PATH
            capture_output=True,
            text=True,
            check=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
        )
        return json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        raise CommandFailed(error.stderr.strip()) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(str(error)) from None


def latest(run: ArcaCommand, stack: str, *, clock: Clock) -> str:
    """Return a reference to the newest deployment, for `follow` to compare with.

    It is the deployment's id, or empty where there is no deployment or no stack yet. Where the
    exports are another version's, the update will correct them: the reference is then `@` and the
    current time. Raises ArcaError where the newest deployment stays unknown, because `follow`
    would take an earlier deployment for this update's.
    """
    failures = 0
    while True:
        try:
            found = run("status", stack)["deployment"]
        except CommandFailed as error:
            failures += 1
            if NO_STACK in str(error):
                return ""
            if OTHER_EXPORTS in str(error):
                return f"@{clock.now().isoformat()}"
            if failures == MAX_FAILURES:
                raise ArcaError(
                    f"The newest deployment is unknown, so nothing was begun: {error}",
                    where=f"arca status --stack {stack}",
                    wanted="the newest deployment of the stack's service",
                    do="run that command to see what it says, then run the job again",
                ) from None
            clock.sleep(DEPLOYMENT_POLL_SECONDS)
        else:
            return found["id"] if found else ""


def is_later(deployment: Mapping[str, Any] | None, reference: str) -> bool:
    """Return whether the deployment began after `latest` returned this reference."""
    if deployment is None:
        return False
    if reference.startswith("@"):
        created = datetime.fromisoformat(deployment["created"])
        return created > datetime.fromisoformat(reference[1:])
    return deployment["id"] != reference


def follow(
    run: ArcaCommand, stack: str, after: str, *, clock: Clock, say: Callable[[str], None]
) -> ExitCode:
    """Follow a deployment later than the reference `after` to its end; returns its exit code.

    The code is DONE where no such deployment began, and UNKNOWN where it does not end in time or
    cannot be read. A pause before production traffic is promoted: it is there for the smoke tests
    of a new image, which an update never brings. While a release is under way the pause is left
    to that release.
    """
    deadline = clock.now() + LONGEST
    failures = 0
    while clock.now() < deadline:
        try:
            status = run("status", stack)
        except CommandFailed as error:
            failures += 1
            if failures == MAX_FAILURES:
                reason = f"{MAX_FAILURES} calls of `arca status` in a row failed: {error}"
                return _unknown(stack, reason, say)
        else:
            failures, deployment = 0, status["deployment"]
            if not is_later(deployment, after):
                return ExitCode.DONE
            if deployment["status"] in STATUS_EXIT_CODES:
                say(f"{deployment['id']}: {deployment['status']} {deployment['reason']}")
                return STATUS_EXIT_CODES[deployment["status"]]
            if deployment["paused"]:
                _answer_pause(run, stack, status["release"], say)
        clock.sleep(DEPLOYMENT_POLL_SECONDS)
    minutes = LONGEST // timedelta(minutes=1)
    return _unknown(stack, f"the deployment did not end within {minutes} minutes", say)


def _answer_pause(
    run: ArcaCommand, stack: str, release: str | None, say: Callable[[str], None]
) -> None:
    if release is not None:
        say(f"The deployment is paused; the release under way answers it: {release}")
        return
    try:
        run("promote", stack)
    except CommandFailed as error:
        # The next look tells whether somebody else answered, or the pause was over.
        say(f"The deployment is paused and could not be promoted: {error}")


def _unknown(stack: str, reason: str, say: Callable[[str], None]) -> ExitCode:
    say(f"The end of the deployment is unknown: {reason}. Run `arca status --stack {stack}`.")
    return ExitCode.UNKNOWN
