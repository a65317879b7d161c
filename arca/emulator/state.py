"""The state directory: which emulated cloud is up on this machine, its exports, and a lock.

Each file is replaced as a whole, so that a reader never sees half of one.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from arca import checkout
from arca.clock import Clock
from arca.errors import ArcaError, Refused


class Frozen(BaseModel):
    """What the records share: they cannot change, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StackRecord(Frozen):
    """A stack that is up."""

    up_at: str
    """When the stack came up: UTC, ISO 8601."""
    seconds: float
    """How long that took."""
    components: dict[str, dict[str, int]]


class CloudRecord(Frozen):
    """The server's process, and the stacks in it."""

    pid: int
    born: int
    """The process's start time in clock ticks since boot (proc(5), field 22 of /proc/pid/stat).

    It tells the server from a later process with the same number.
    """
    port: int
    endpoint: str
    stacks: dict[str, StackRecord] = Field(default_factory=dict[str, StackRecord])


def utc_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601 text without fractions of a second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class State:
    """The state directory: ARCA_STATE_DIR, or else `.arca/local` in the checkout."""

    def __init__(self, directory: Path | None = None, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.directory = directory or Path(
            os.environ.get("ARCA_STATE_DIR") or checkout.root() / ".arca" / "local"
        )
        self._file = self.directory / "cloud.json"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.directory / "server.log"

    def read(self) -> CloudRecord | None:
        """Return the record, or None; raises ArcaError if the file is not one that `write` made."""
        try:
            return CloudRecord.model_validate_json(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValidationError, UnicodeDecodeError) as error:
            raise ArcaError(
                "The record of the emulated cloud cannot be read.",
                where=f"{self._file}: {str(error).splitlines()[0]}",
                wanted="the file that `arca local up` writes",
                do="run `arca local down`: it removes the record and ends its server",
            ) from None

    def write(self, record: CloudRecord) -> None:
        """Replace the record."""
        self._replace(self._file, record.model_dump_json(indent=1))

    def save_exports(self, stack: str, exports: Mapping[str, Any]) -> None:
        """Write a stack's exports to a file that only its owner can read: some are secret."""
        self._replace(self._exports(stack), json.dumps(exports, indent=1, sort_keys=True))

    def exports(self, stack: str) -> dict[str, Any]:
        """Return a stack's exports; raises ArcaError if it is not up."""
        try:
            return json.loads(self._exports(stack).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArcaError(
                f"The stack {stack} is not up.",
                where=str(self.directory),
                wanted=f"the exports of {stack} in this emulated cloud",
                do=f"run `make up STACK={stack}` first",
            ) from None

    def clear(self) -> None:
        """Delete everything except the lock and the server's log."""
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self.directory / "exports", ignore_errors=True)

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the directory's lock; raises Refused with the holder's process number.

        The kernel releases the lock when the holder ends, even after SIGKILL.
        """
        self._make(self.directory)
        with (self.directory / "lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Refused(
                    "Somebody else is changing the emulated cloud.",
                    where=f"{self.directory}: held by {file.read().strip() or 'a process'}",
                    wanted="one operator at a time",
                    do="wait until that process ends, or end it, and run this again",
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} since {utc_text(self.clock.now())}\n")
            file.flush()
            yield

    def _exports(self, stack: str) -> Path:
        return self.directory / "exports" / f"{stack}.json"

    def _make(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArcaError(
                f"The state directory cannot be made: {error.strerror}.",
                where=str(directory),
                wanted="a directory that this user may write to",
                do="set ARCA_STATE_DIR to one",
            ) from None

    def _replace(self, path: Path, text: str) -> None:
        self._make(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
