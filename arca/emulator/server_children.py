"""Processes that a server started: marked in their environment, found again and ended.

A process number alone identifies nothing, because the kernel reuses it. All that a server starts
inherits its mark. A process is held by a descriptor (pidfd_open(2)) before its mark is read, so
that the process that is read is the one that is ended.
"""

import os
import select
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

MARK_VARIABLE = "ARCA_LOCAL_SERVER"
KILL_AFTER_SECONDS = 2.0
"""Seconds from SIGTERM to SIGKILL."""


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot (proc(5)); None if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    # A zombie has ended, although its parent has not read its exit code yet.
    return None if state == "Z" else int(fields[18])


@cache
def environment_mark() -> Mapping[str, str]:
    """Return the variable that this process sets in the environment of all that it starts."""
    pid = os.getpid()
    return {MARK_VARIABLE: f"{pid}.{start_ticks(pid)}"}


def end_children(*, server: int, born: int) -> None:
    """End all processes that a server started, with SIGTERM and then with SIGKILL.

    `server` and `born` are the server's process number and its `start_ticks`.
    """
    end_marked(MARK_VARIABLE, f"{server}.{born}")


def end_marked(variable: str, value: str) -> None:
    """End all processes with this variable, with SIGTERM and then with SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        with marked(variable, value) as found:
            for descriptor in found:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
        while _any_marked(variable, value) and time.monotonic() < deadline:
            time.sleep(0.02)


def kill_tree(leader: int) -> None:
    """Kill a process and all below it with SIGKILL; returns when they have ended.

    A process group is not enough: PostgreSQL's processes lead sessions of their own.
    """
    # A stopped leader starts nothing, and reaps nothing: the numbers of its children stay theirs.
    with suppress(ProcessLookupError):
        os.kill(leader, signal.SIGSTOP)
    with ExitStack() as held:
        ends = select.poll()
        waiting = 0
        for pid in (leader, *_below(leader)):
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                held.callback(os.close, descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                ends.register(descriptor, select.POLLIN)
                waiting += 1
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        while waiting and time.monotonic() < deadline:
            for descriptor, _ in ends.poll(20):
                ends.unregister(descriptor)
                waiting -= 1


def _below(leader: int) -> list[int]:
    """Return the children of a process, their children and so on."""
    children: dict[int, list[int]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (directory / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(directory.name))
    found = [leader]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found[1:]


def _any_marked(variable: str, value: str) -> bool:
    with marked(variable, value) as found:
        return bool(found)


@contextmanager
def marked(variable: str, value: str) -> Generator[list[int]]:
    """Give descriptors of the processes with this variable; other users' cannot be read."""
    wanted = f"{variable}={value}".encode()
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
