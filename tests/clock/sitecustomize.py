"""Moves the clock of every Python process that a test starts, as tests/conftest.py moves its own.

Python imports a module of this name when it starts (Python documentation, `site`). The tests put
this folder first on PYTHONPATH, so that a command, the emulated AWS and a stand-in for the
service all live in the same moment.
"""

import os
from datetime import UTC, datetime, timedelta

OFFSET = "ARCA_TEST_CLOCK_OFFSET"
"""Seconds between the system's clock and the tests' clock."""


def move() -> None:
    """Move this process's clock by the offset; the clock goes on from there."""
    import time_machine

    offset = timedelta(seconds=float(os.environ[OFFSET]))
    clock = time_machine.travel(datetime.now(UTC) + offset, tick=True).start()
    # On a busy machine the start itself takes seconds, by which this clock would be late.
    system = time_machine.escape_hatch.datetime.datetime
    clock.shift(system.now(UTC) + offset - datetime.now(UTC))


if __name__ == "sitecustomize" and OFFSET in os.environ:
    try:
        move()
    except ModuleNotFoundError:
        # A test's own environment without the test tools keeps the system's clock.
        del os.environ[OFFSET]
