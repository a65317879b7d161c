"""`python -m bench`: every figure is the median of five runs, every target a ratio of two."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RUNS = 5
# The floor's resources have three plain inputs; prod's alarms have a page of metric math each,
# which the SDK turns into its wire format and hands from task to task: hence a third more.
TARGETS = {
    "prod_seconds_over_floor": 1.35,
    "prod_memory_over_floor": 1.25,
    "three_times_over_once": 3.3,
    "help_over_click": 2.0,
    "up_over_evaluation": 4.0,
    "status_over_sdk": 2.5,
}


def child(*arguments: str) -> dict[str, Any]:
    """Measure one thing in a fresh process, as a user would start it."""
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bench.child", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout), "process": time.perf_counter() - started}


def up_prod() -> tuple[float, float]:
    """Seconds of `arca local up --stack prod` with what it starts, and of `arca status` then."""
    with tempfile.TemporaryDirectory() as state:
        env = {"PATH": "/usr/bin:/bin", "ARCA_STATE_DIR": state, "HOME": state}

        def arca(*words: str) -> float:
            command = [sys.executable, "-m", "arca", *words]
            started = time.perf_counter()
            subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)  # noqa: S603 - our own interpreter
            return time.perf_counter() - started

        up = arca("local", "up", "--stack", "prod", "--port", "5577", "--json")
        status = arca("status", "--stack", "prod", "--json")
        arca("local", "down")
        return up, status


def median(values: list[float]) -> float:
    """The median, rounded to milliseconds."""
    return round(statistics.median(values), 3)


def main() -> None:
    """Measure, print JSON; exit 1 when a ratio misses its target."""
    first = child("prod")
    kinds, count = json.dumps(first["kinds"]), str(first["resources"])
    runs: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("prod", "floor", "once", "thrice", "help", "click", "sdk")
    }
    ups: list[float] = []
    statuses: list[float] = []
    # Interleaved, so that a slow moment of the machine hits both sides of a ratio.
    for number in range(RUNS):
        print(f"run {number + 1} of {RUNS}", file=sys.stderr)  # noqa: T201 - progress
        runs["floor"].append(child("floor", count, kinds))
        runs["prod"].append(child("prod"))
        runs["once"].append(child("growth", "1"))
        runs["thrice"].append(child("growth", "3"))
        runs["click"].append(child("click"))
        runs["help"].append(child("help"))
        runs["sdk"].append(child("sdk"))
        up, status = up_prod()
        ups.append(up)
        statuses.append(status)
    figures = {
        "prod_seconds": median([run["process"] for run in runs["prod"]]),
        "floor_seconds": median([run["process"] for run in runs["floor"]]),
        "prod_peak_mib": median([run["peak_mib"] for run in runs["prod"]]),
        "floor_peak_mib": median([run["peak_mib"] for run in runs["floor"]]),
        "once_seconds": median([run["declared"] for run in runs["once"]]),
        "thrice_seconds": median([run["declared"] for run in runs["thrice"]]),
        "click_seconds": median([run["process"] for run in runs["click"]]),
        "help_seconds": median([run["process"] for run in runs["help"]]),
        "up_seconds": median(ups),
        "sdk_seconds": median([run["process"] for run in runs["sdk"]]),
        "status_seconds": median(statuses),
    }
    ratios = {
        "prod_seconds_over_floor": figures["prod_seconds"] / figures["floor_seconds"],
        "prod_memory_over_floor": figures["prod_peak_mib"] / figures["floor_peak_mib"],
        "three_times_over_once": figures["thrice_seconds"] / figures["once_seconds"],
        "help_over_click": figures["help_seconds"] / figures["click_seconds"],
        "up_over_evaluation": figures["up_seconds"] / figures["prod_seconds"],
        "status_over_sdk": figures["status_seconds"] / figures["sdk_seconds"],
    }
    missed = [name for name, ratio in ratios.items() if ratio > TARGETS[name]]
    report = {
        "runs": RUNS,
        "resources": first["resources"],
        "medians": figures,
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "targets": TARGETS,
        "missed": missed,
    }
    json.dump(report, sys.stdout, indent=2)
    print()  # noqa: T201 - the JSON's last line
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
