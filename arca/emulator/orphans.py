"""Processes that a killed server left: known by a mark in their environment, and ended.

A number alone is no proof: the kernel gives it to somebody else later. Whatever a server starts
inherits its mark, wherever it goes, and a process is held by its descriptor (pidfd_open(2)) before
its mark is read, so that the one that is read is the one that is ended.
"""

import os
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

NAME = "ARCA_LOCAL_SERVER"
END_SECONDS = 2.0
"""From SIGTERM to SIGKILL."""


def born(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5)); None where it runs no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    # A zombie has ended; only its parent has not looked yet.
    return None if state == "Z" else int(fields[18])


@cache
def mark() -> Mapping[str, str]:
    """What this process writes into the environment of all that it starts."""
    pid = os.getpid()
    return {NAME: f"{pid}.{born(pid)}"}


def end(*, server: int, born: int) -> None:
    """End all that a server started and that lives on: politely, then for certain."""
    wanted = f"{NAME}={server}.{born}".encode()
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + END_SECONDS
        with _marked(wanted) as found:
            for descriptor in found:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
        while _any(wanted) and time.monotonic() < deadline:
            time.sleep(0.02)


def _any(wanted: bytes) -> bool:
    with _marked(wanted) as found:
        return bool(found)


@contextmanager
def _marked(wanted: bytes) -> Generator[list[int]]:
    """Descriptors of the processes that carry a mark; what belongs to others cannot be read."""
    with ExitStack() as held:
        found: list[int] = []
        for directory in Path("/proc").glob("[0-9]*"):
            with suppress(OSError), ExitStack() as kept:
                descriptor = os.pidfd_open(int(directory.name))
                kept.callback(os.close, descriptor)
                if wanted in (directory / "environ").read_bytes().split(b"\0"):
                    found.append(descriptor)
                    held.push(kept.pop_all())
        yield found
