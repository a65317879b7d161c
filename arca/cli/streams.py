"""Standard output and error that drop what cannot be written, so that no reader ends the work."""

import io
import os
import sys
from pathlib import Path
from typing import TextIO


class DroppingText(io.TextIOWrapper):
    """A text stream whose writes never fail: from the first failure on, its file is /dev/null.

    The reader of a pipe may have left (EPIPE), the disk may be full (ENOSPC), or the pipe may take
    no more without waiting. The writes themselves stay with Python's own classes: a signal between
    a write and the note of it would have the same text written again.
    """

    def write(self, s: str, /) -> int:
        """Write the text; returns its length also where it is dropped."""
        try:
            return super().write(s)
        except OSError:
            self._drop()
            return len(s)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            super().flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        # What is buffered would be written again, and fail again.
        super().flush()


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
    return DroppingText(
        io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or stream is sys.stderr,
    )
