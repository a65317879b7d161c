"""Sum up the mutation run of `make test-mutants`: killed of all mutants, for each module."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable

RESULTS = (sys.executable, "-m", "mutmut", "results", "--all", "true")
RESULT = re.compile(r"\s+(?P<module>[\w.]+)\.x\S+__mutmut_\d+: (?P<status>.+)")
"""A line of `mutmut results`: the mutated function, the mutant's number and how it ended."""
KILLED = ("killed", "timeout", "segfault")
"""A mutant that hangs or crashes the tests is noticed, too."""


def score(lines: Iterable[str]) -> str:
    """Return a table of killed of all mutants by module, out of the lines of `mutmut results`."""
    total, killed = Counter[str](), Counter[str]()
    for line in lines:
        if found := RESULT.fullmatch(line.rstrip()):
            total[found["module"]] += 1
            killed[found["module"]] += found["status"] in KILLED
    rows = [*sorted(total), "all"]
    total["all"], killed["all"] = total.total(), killed.total()
    return "\n".join(
        f"{row:32} {killed[row]:5} of {total[row]:5} killed, {killed[row] / total[row]:4.0%}"
        for row in rows
        if total[row]
    )


if __name__ == "__main__":
    done = subprocess.run(RESULTS, capture_output=True, text=True, check=True)  # noqa: S603 - our own tool
    sys.stdout.write(f"{score(done.stdout.splitlines())}\n")
