"""Run cases in processes, and return what each one found."""

import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from random import Random
from typing import NamedTuple

from tests.attack import cases, processes
from tests.attack.oracle import Finding

REAL = (processes.PROCESS, processes.FOREIGN)
"""Kinds that need a server."""


class Ran(NamedTuple):
    """A case that ran."""

    case: str
    seconds: float
    findings: list[Finding]


def run_here(case: str, seed: int) -> Ran:
    """Run a case in this process; what the harness itself raises is a finding too."""
    begun = time.monotonic()
    try:
        found = cases.run(case, seed)
    except Exception:  # noqa: BLE001 - one case must not end the others
        found = [Finding("harness", traceback.format_exc())]
    return Ran(case, time.monotonic() - begun, found)


def run_on_server(chosen: Sequence[str], seed: int) -> list[Ran]:
    """Run cases on one emulated server; where it fails, that is a finding of the case."""
    ran = list[Ran]()
    begun = time.monotonic()
    try:
        for case, found in processes.run(chosen, seed):
            now = time.monotonic()
            ran.append(Ran(case, now - begun, found))
            begun = now
    except Exception:  # noqa: BLE001 - the other cases count
        ran.append(Ran(chosen[len(ran)], 0.0, [Finding("harness", traceback.format_exc())]))
    return ran


def run_all(chosen: Sequence[str], *, seed: int, workers: int) -> Iterator[Ran]:
    """Run the cases in processes; those with a server wait most of the time, and come on top."""
    real = [[case for case in chosen if case.startswith(f"{kind}/")] for kind in REAL]
    servers = [some for some in real if some]
    here = [case for case in chosen if not case.startswith(tuple(f"{kind}/" for kind in REAL))]
    # Kinds differ in length: mixed, none of them is left over for the end.
    Random(seed).shuffle(here)
    if len(here) == len(chosen) == 1:
        yield run_here(here[0], seed)
        return
    with ProcessPoolExecutor(workers + len(servers), mp_context=get_context("spawn")) as pool:
        waiting: list[Future[Ran] | Future[list[Ran]]] = [
            *(pool.submit(run_on_server, some, seed) for some in servers),
            *(pool.submit(run_here, case, seed) for case in here),
        ]
        for one in as_completed(waiting):
            result = one.result()
            yield from [result] if isinstance(result, Ran) else result
