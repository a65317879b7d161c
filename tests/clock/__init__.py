"""The clock that the tests live by."""

import os
from pathlib import Path

FOLDER = str(Path(__file__).parent)
"""What a process needs on PYTHONPATH to share the clock; a tree's packages may stand beside it."""
VARIABLES = ("ARCA_TEST_CLOCK_OFFSET", "PYTHONPATH")


def environment() -> dict[str, str]:
    """Return the variables that a process with an environment of its own needs to share it."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
