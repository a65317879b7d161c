"""Check the planned SQL by squawk's rules and our own, for a review or a pipeline.

Sources: squawk's documentation, "Rules"; its `--reporter Json` counts lines from 0.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arca_migrate import rules
from arca_migrate.errors import MigrationError
from arca_migrate.phase import Phase
from arca_migrate.plan import MigrationPlan, PlannedRevision
from arca_migrate.rules import Finding

SET_BY_THE_RUNNER = (
    "require-lock-timeout",
    "require-statement-timeout",
    "require-timeout-settings",
)
"""Rules that do not apply: the runner sets both timeouts on its connection."""
OF_A_CONTRACT = (
    "ban-drop-column",
    "ban-drop-table",
    "ban-drop-not-null",
    "renaming-column",
    "renaming-table",
)
"""Rules that do not apply to a contract: it removes what no code uses any more."""
SQUAWK_SECONDS = 60


def lint(plan: MigrationPlan) -> list[Finding]:
    """Find all problems of a plan, in the order of its revisions and their lines.

    Raises MigrationError where squawk does not run.
    """
    found = [finding for one in plan.revisions for finding in [*rules.breaches(one), *_squawk(one)]]
    order = {one.id: number for number, one in enumerate(plan.revisions)}
    return sorted(found, key=lambda finding: (order[finding.revision], finding.line, finding.rule))


def _squawk(planned: PlannedRevision) -> Iterator[Finding]:
    """Run squawk on a revision; the rendered BEGIN and COMMIT show it what a transaction holds."""
    excluded = [*SET_BY_THE_RUNNER, *(OF_A_CONTRACT if planned.phase is Phase.CONTRACT else ())]
    command = [_binary(), "--reporter", "Json", "--exclude", ",".join(excluded)]
    for item in _run([*command, "--stdin-filepath", planned.id], planned.sql):
        yield Finding(
            revision=planned.id,
            rule=str(item["rule_name"]),
            line=int(item["line"]) + 1,
            message=" ".join(filter(None, (item["message"], item["help"]))),
            level="warning",
        )


def _binary() -> str:
    beside = Path(sys.executable).with_name("squawk")
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if found is None:
        raise _unusable("it is not installed")
    return found


def _run(command: list[str], sql: str) -> list[dict[str, Any]]:
    try:
        done = subprocess.run(  # noqa: S603 - squawk, with arguments of our own
            command, input=sql, capture_output=True, text=True, check=False, timeout=SQUAWK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable(str(error)) from error
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        # squawk exits with 1 for findings too, so only its output shows a failure.
        raise _unusable(done.stderr.strip() or "no JSON on its stdout") from error


def _unusable(why: str) -> MigrationError:
    return MigrationError(
        f"squawk cannot check the migrations: {why}",
        where="squawk, beside Python or on PATH",
        wanted="squawk of the package squawk-cli",
        do="pip install squawk-cli",
    )
