"""Run the attack: `python -m tests.attack --seed N`; exit code 1 when it finds anything.

`--case NAME` with the same seed replays one case.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.attack import cases, processes
from tests.attack.runner import REAL, Ran, run_all

KINDS = (*cases.RUNS, *REAL)
SEED = 13
"""The seed of `make attack`; each other one is another attack."""
PROGRESS = 50
"""Cases after which a line of progress is printed on stderr."""
LAST_LINES = 5
"""Lines of a traceback that are printed; --json has all."""
SHOWN = 700
"""Characters of a finding that are printed."""


def main(arguments: Sequence[str]) -> int:
    """Run the attack; returns the exit code."""
    asked = _parser().parse_args(arguments)
    chosen = asked.case or _chosen(
        [kind for kind in asked.kind or KINDS if kind != processes.FOREIGN or asked.foreign],
        seed=asked.seed,
        most=asked.cases,
    )
    begun = time.monotonic()
    ran = list[Ran]()
    for one in run_all(chosen, seed=asked.seed, workers=asked.workers):
        ran.append(one)
        if not asked.json:
            _print_findings(one, seed=asked.seed)
        if len(ran) % PROGRESS == 0:
            sys.stderr.write(f"{len(ran)} of {len(chosen)} cases\n")
    seconds = time.monotonic() - begun
    ran.sort()
    if asked.json:
        json.dump(_as_json(ran, seed=asked.seed, seconds=seconds), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _print_counts(ran, seed=asked.seed, seconds=seconds)
    found = any(one.findings for one in ran)
    return 1 if found or len(ran) < len(chosen) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cases", type=int, help="run so many, drawn by the seed; all by default")
    parser.add_argument("--kind", action="append", choices=KINDS, help="may be repeated")
    parser.add_argument("--case", action="append", help="replay this case; may be repeated")
    parser.add_argument("--json", action="store_true", help="print JSON on stdout")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--without-foreign",
        dest="foreign",
        action="store_false",
        help="leave out awscli and ecs-deploy, where they cannot be installed",
    )
    return parser


def _chosen(kinds: Sequence[str], *, seed: int, most: int | None) -> list[str]:
    """Return the names of the cases, or a sample of them that the seed draws."""
    names = [
        name
        for kind in kinds
        for name in (processes.names(kind) if kind in REAL else cases.names(kind, seed))
    ]
    if most is None or most >= len(names):
        return names
    return sorted(Random(f"{seed}:cases").sample(names, most))


def _replay(case: str, seed: int) -> str:
    return f"python -m tests.attack --seed {seed} --case '{case}'"


def _print_findings(one: Ran, *, seed: int) -> None:
    """Print what a case found, and the command that replays it."""
    for finding in one.findings:
        lines = finding.text.splitlines()
        # Of a traceback, the first line has the command and the last ones have the error.
        short = [*lines[:1], "...", *lines[-LAST_LINES:]] if len(lines) > LAST_LINES else lines
        text = " ".join(" ".join(short).split())[:SHOWN]
        sys.stdout.write(f"{one.case}: {finding.kind}: {text}\n  {_replay(one.case, seed)}\n")
    sys.stdout.flush()


def _print_counts(ran: Sequence[Ran], *, seed: int, seconds: float) -> None:
    counted = Counter(one.case.partition("/")[0] for one in ran)
    failed = Counter(one.case.partition("/")[0] for one in ran if one.findings)
    kinds = Counter(finding.kind for one in ran for finding in one.findings)
    lines = [
        f"{len(ran)} cases in {seconds:.0f} s, seed {seed}",
        *(f"  {kind:10}{counted[kind]:6} cases, {failed[kind]} with findings" for kind in counted),
        *(f"  {number:6} x {kind}" for kind, number in kinds.most_common()),
        f"{kinds.total()} findings." if kinds else "Nothing was found.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _as_json(ran: Sequence[Ran], *, seed: int, seconds: float) -> dict[str, object]:
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "cases": Counter(one.case.partition("/")[0] for one in ran),
        "findings": [
            {
                "case": one.case,
                "kind": finding.kind,
                "text": finding.text,
                "replay": _replay(one.case, seed),
            }
            for one in ran
            for finding in one.findings
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
