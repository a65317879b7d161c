"""Explain why a file cannot be written: before the work starts, or when the write fails."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from arca.errors import ArcaError


def check(path: Path, *, suffix: str = "") -> None:
    """Check that a file can be written, before anything is read for it.

    Raises ArcaError where its directory does not exist, where the path is a directory, where its
    name does not end with `suffix`, and where permission is denied.
    """
    if not path.parent.is_dir():
        raise ArcaError(
            f"There is no directory {path.parent}.",
            where=str(path),
            wanted="a path in a directory that exists",
            do="create it, or choose another path with --out",
        )
    if path.is_dir():
        raise _unwritable(path, "it is a directory")
    if suffix and path.suffix.lower() != suffix:
        raise ArcaError(
            f"The file cannot have the name {path.name}.",
            where=str(path),
            wanted=f"a name that ends with {suffix}",
            do="choose another path with --out",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "permission denied")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn an OSError of the operating system into an ArcaError."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> ArcaError:
    return ArcaError(
        f"The file cannot be written: {why}.",
        where=str(path),
        wanted="a file in a directory with write permission",
        do="choose another path with --out",
    )
