"""The tests live in the moment that the run chose, and so do the processes that they start."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

NOW = "from datetime import UTC, datetime; print(datetime.now(UTC).isoformat())"


def test_this_process_and_its_children_agree_about_the_time() -> None:
    """A command that a test runs sees the tests' time, and not the machine's."""
    before = datetime.now(UTC)
    done = subprocess.run([sys.executable, "-c", NOW], capture_output=True, text=True, check=True)
    seen = datetime.fromisoformat(done.stdout.strip())
    assert before - timedelta(seconds=1) <= seen <= datetime.now(UTC) + timedelta(seconds=1)
