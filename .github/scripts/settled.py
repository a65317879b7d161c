"""Whether a deployment that `pulumi up` began is live; an update is over before ECS is.

    before="$(settled.py latest dev)"
    pulumi up ...
    settled.py follow dev "$before"

Exit codes as those of `arca deploy`: 0 live or none begun, 3 rolled back, 4 rollback failed, 5
not known in time.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Arca = Callable[[str, str], Mapping[str, Any]]
PAUSE_SECONDS = 15
LOOKS = 90 * 60 // PAUSE_SECONDS
"""Ninety minutes: a job has two hours, and its update the rest."""
CODES = {"SUCCESSFUL": 0, "ROLLBACK_SUCCESSFUL": 3, "STOPPED": 3, "ROLLBACK_FAILED": 4}
"""Statuses that do not change any more (Amazon ECS API Reference, ServiceDeployment)."""
UNKNOWN = 5


def arca(verb: str, stack: str) -> Mapping[str, Any]:
    """What a command of the operator's says; raises CalledProcessError where it fails."""
    command = ["arca", verb, "--stack", stack, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - a fixed command
    return json.loads(done.stdout)


def latest(run: Arca, stack: str) -> str:
    """Id of the newest deployment; empty where there is none, or no stack yet."""
    try:
        found = run("status", stack)["deployment"]
    except subprocess.CalledProcessError:
        return ""
    return found["id"] if found else ""


def follow(run: Arca, stack: str, before: str, *, sleep: Callable[[float], None]) -> int:
    """Watch a later deployment than that one to its end, and answer its pause.

    The pause is for the smoke tests of a new image, which an update never brings; its tasks are
    healthy when it begins, and the alarms watch on.
    """
    for _ in range(LOOKS):
        found = run("status", stack)["deployment"]
        if not found or found["id"] == before:
            return 0
        if found["status"] in CODES:
            sys.stdout.write(f"{found['id']}: {found['status']} {found['reason']}\n")
            return CODES[found["status"]]
        if found["paused"]:
            run("promote", stack)
        sleep(PAUSE_SECONDS)
    sys.stdout.write(f"not at its end in time: look with `arca status --stack {stack}`\n")
    return UNKNOWN


def main(
    words: Sequence[str], run: Arca = arca, sleep: Callable[[float], None] = time.sleep
) -> int:
    """`latest STACK`, or `follow STACK BEFORE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("latest", "follow"):
        verbs.add_parser(verb).add_argument("stack")
    verbs.choices["follow"].add_argument("before")
    given = parser.parse_args(words)
    if given.verb == "latest":
        sys.stdout.write(f"{latest(run, given.stack)}\n")
        return 0
    return follow(run, given.stack, given.before, sleep=sleep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
