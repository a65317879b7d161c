"""Run the tests at the moments and in the places that break careless code: `make test-clock`.

`python -m tools.clock [NAME ...]` runs all of the moments, or those that are named.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.conftest import MOMENT

PYTEST = (sys.executable, "-m", "pytest", "-m", "not slow and not engine")


@dataclass(frozen=True)
class Moment:
    """A moment that the tests begin at, with an environment of its own."""

    name: str
    at: str
    """ISO 8601, with a zone."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


MOMENTS = (
    Moment("after-midnight", "2032-03-10T00:30:00+00:00"),
    Moment("end-of-month", "2032-04-30T23:59:00+00:00"),
    Moment("end-of-year", "2031-12-31T23:59:00+00:00"),
    Moment("leap-day", "2032-02-29T12:00:00+00:00"),
    # Clocks in New York go from 02:00 to 03:00 at 07:00 UTC (IANA time zone database).
    Moment("summer-time", "2032-03-14T06:59:00+00:00", {"TZ": "America/New_York"}),
    Moment("another-locale", "2032-03-10T14:07:00+00:00", {"LC_ALL": "es_AR.UTF-8"}),
)
"""All of 2031 and 2032, which lie ahead: see tests/conftest.py."""


def main(names: Sequence[str]) -> int:
    """Run the chosen moments; return 1 if the tests of any moment fail, 2 for a wrong name."""
    known = {moment.name: moment for moment in MOMENTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"There is no moment {', '.join(unknown)}: choose {', '.join(known)}.\n")
        return 2
    missing = _missing_locales()
    if missing:
        sys.stderr.write(
            f"This machine has no locale {', '.join(missing)}.\n"
            "Generate it, on Debian and Ubuntu: "
            "sudo apt-get install -y locales && sudo localedef -i es_AR -f UTF-8 es_AR.UTF-8\n"
        )
        return 2
    failed = [moment for name in names or known if not _passes(moment := known[name])]
    for moment in failed:
        sys.stderr.write(f"The tests fail at {moment.name} ({moment.at}).\n")
    return 1 if failed else 0


def _passes(moment: Moment) -> bool:
    sys.stderr.write(f"{moment.name}: {moment.at} {dict(moment.environment)}\n")
    began = time.monotonic()
    environment = {**os.environ, **moment.environment, MOMENT: moment.at}
    done = subprocess.run(PYTEST, env=environment, check=False)  # noqa: S603 - our own tests
    sys.stderr.write(f"{moment.name}: {time.monotonic() - began:.0f} s\n")
    return done.returncode == 0


def _missing_locales() -> list[str]:
    wanted = {moment.environment["LC_ALL"] for moment in MOMENTS if "LC_ALL" in moment.environment}
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True)  # noqa: S607 - POSIX's own, wherever it is
    had = {name.lower().replace("utf8", "utf-8") for name in listed.stdout.split()}
    return sorted(name for name in wanted if name.lower() not in had)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
