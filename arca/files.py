"""Where a command writes a file: refused before the work, or explained after it."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from arca.errors import ArcaError


def check(path: Path, *, suffix: str = "") -> None:
    """Refuse a path that cannot be written, before anything is read for it.

    Raises ArcaError where there is no directory, where it is one, or where its end is another.
    """
    if not path.parent.is_dir():
        raise ArcaError(
            f"There is no directory {path.parent}.",
            where=str(path),
            wanted="a path in a directory that exists",
            do="make it, or name another with --out",
        )
    if path.is_dir():
        raise _unwritable(path, "it is a directory")
    if suffix and path.suffix.lower() != suffix:
        raise ArcaError(
            f"The file is not written as {path.name}.",
            where=str(path),
            wanted=f"a name that ends with {suffix}",
            do="name another with --out",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "permission denied")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn what the system says of a file into one clear error."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> ArcaError:
    return ArcaError(
        f"The file cannot be written: {why}.",
        where=str(path),
        wanted="a file in a directory that may be written",
        do="name another with --out",
    )
