"""The clock that the tests live by."""

import os
from datetime import UTC, datetime
from pathlib import Path

from tests.clock.sitecustomize import OFFSET

FOLDER = str(Path(__file__).parent)
"""What a process needs on PYTHONPATH to share the clock; a tree's packages may stand beside it."""
VARIABLES = (OFFSET, "PYTHONPATH")


def environment(*, at: datetime | None = None) -> dict[str, str]:
    """Return the variables that a process with an environment of its own needs to share it.

    With `at`, that process lives from another moment on.
    """
    found = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    if at is not None:
        later = (at - datetime.now(UTC)).total_seconds()
        found[OFFSET] = str(float(found[OFFSET]) + later)
    return found
