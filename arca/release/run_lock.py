"""Whether the process of a run still lives on this machine.

Each run holds an exclusive lock (flock(2)) on a file that carries the run's random id. The kernel
frees that lock when the process ends, however it ends. No process number and no host name is
compared, because containers repeat both. The file names the kernel that keeps its lock, because
a network file system may show the file to other machines without the lock (flock(2), "NFS").
"""

import fcntl
import os
import platform
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

_HELD: weakref.WeakValueDictionary[int, "RunLock"] = weakref.WeakValueDictionary()


def descriptors() -> tuple[int, ...]:
    """Return the descriptors of this process's locks, for a child that is part of the run.

    The lock is free when the last process with the descriptor has ended (flock(2)).
    """
    return tuple(descriptor for descriptor, lock in _HELD.items() if lock.held)


class RunLock:
    """The lock on a run's file, held until `free`, or until the process ends.

    Where the file cannot be made, as on a full disk, only the heartbeats tell that the run lives.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._close: weakref.finalize[[int], RunLock] | None = None
        with suppress(OSError):
            flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR
            descriptor = os.open(run_file(run), flags, 0o600)
            _HELD[descriptor] = self
            self._close = weakref.finalize(self, os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, _this_kernel())

    @property
    def held(self) -> bool:
        """Whether this process has not freed it."""
        return self._close is not None and self._close.alive

    def free(self) -> None:
        """Free the lock, as the end of the process does: the run has ended."""
        if self._close is not None:
            self._close()

    def forget(self) -> None:
        """Delete the file and free the lock: nobody will ask about the run again."""
        forget(self._run)
        self.free()


def run_file(run: str) -> Path:
    """Return the path of a run's file."""
    return Path(tempfile.gettempdir()) / f"arca-run-{run}"


def has_ended_here(run: str) -> bool:
    """Return whether the run's process was one of this user on this machine, and has ended.

    False where this machine cannot know it: the run may be on another one, or in a container with
    a file system of its own.
    """
    try:
        descriptor = os.open(run_file(run), os.O_NOFOLLOW | os.O_RDWR)
    except (OSError, ValueError):
        return False
    try:
        # Another user could leave such a file to have a living run taken for a dead one.
        if os.fstat(descriptor).st_uid != os.getuid():
            return False
        if os.read(descriptor, 1000) != _this_kernel():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def _this_kernel() -> bytes:
    """Return what this kernel alone says of itself: an id made anew at each start, or its name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return platform.node().encode()


def forget(run: str) -> None:
    """Delete the file of a run that has ended."""
    with suppress(OSError):
        run_file(run).unlink()
