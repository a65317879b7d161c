"""Standard output and error that drop what cannot be written, so that no reader ends the work."""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class DroppingFile(io.FileIO):
    """A file whose writes never fail: bytes that cannot be written are dropped.

    The reader of a pipe may have left (EPIPE), the disk may be full (ENOSPC), or the pipe may take
    no more without waiting.
    """

    def write(self, b: "ReadableBuffer", /) -> int:
        """Write the bytes; returns their number also where they are dropped."""
        size = memoryview(b).nbytes
        try:
            written = super().write(b)
        except OSError:
            return size
        # FileIO returns None, against its type, where a pipe without waiting is full.
        return size if written is None else written  # pyright: ignore[reportUnnecessaryComparison]


def drop_failed_writes() -> None:
    """Let the process's standard output and error drop what cannot be written."""
    sys.stdout = _dropping(sys.stdout)
    sys.stderr = _dropping(sys.stderr)


def _dropping(stream: TextIO | None) -> TextIO:
    """Return a stream on the same file; one that is no file stays as it is."""
    if stream is None:
        # Python has no stream where the shell closed it (`>&-`).
        return Path(os.devnull).open("w", encoding="utf-8")
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(DroppingFile(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or stream is sys.stderr,
    )
