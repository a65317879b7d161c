"""The state directory: which emulated cloud is up on this machine, its exports, and a lock.

Each file is replaced as a whole, so that a reader never sees half of one.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

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


class ServerProcess(Frozen):
    """The process of a server."""

    pid: int
    born: int
    """The process's start time in clock ticks since boot (proc(5), field 22 of /proc/pid/stat).

    It tells the server from a later process with the same number.
    """


def _with_valid_port(url: str) -> str:
    """Return a URL; raises ValueError where its port is out of range."""
    _ = urlsplit(url).port
    return url


class CloudRecord(ServerProcess):
    """The server's process, and the stacks in it."""

    port: int = Field(ge=1, le=65535)
    endpoint: Annotated[str, AfterValidator(_with_valid_port)]
    stacks: dict[str, StackRecord] = Field(default_factory=dict[str, StackRecord])
    token: str = ""
    """What the server's control paths need; only the owner can read the file."""
    incomplete: tuple[str, ...] = ()
    """Stacks that joined this cloud and failed half-way: some of their resources are in it."""


EXPORTS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
"""Reads the exports of a stack: any JSON object."""
STACK_FOLDERS = ("exports", "resources")
"""Folders of the state directory with a file for each stack."""
SERVERS: TypeAdapter[list[ServerProcess]] = TypeAdapter(list[ServerProcess])
"""Reads and writes the list of started servers."""


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
        self._servers = self.directory / "servers.json"

    @property
    def log(self) -> Path:
        """The log file of the cloud's server."""
        return self.directory / "server.log"

    @property
    def starting_log(self) -> Path:
        """The log file of a server until its cloud is complete; it stays after a failure."""
        return self.directory / "starting-server.log"

    def read(self) -> CloudRecord | None:
        """Return the record, or None; raises ArcaError if the file is not one that `write` made."""
        try:
            return CloudRecord.model_validate_json(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise ArcaError(
                "The record of the emulated cloud cannot be read.",
                where=f"{self._file}: {str(error).splitlines()[0]}",
                wanted="the file that `arca local up` writes",
                do="run `arca local down`: it removes the record and ends its server",
            ) from None

    def write(self, record: CloudRecord) -> None:
        """Replace the record."""
        self._replace(self._file, record.model_dump_json(indent=1))

    def servers(self) -> list[ServerProcess]:
        """Return the servers that were started and are not known to have ended.

        An unreadable list is an empty one: the servers in it cannot be recognized.
        """
        try:
            return SERVERS.validate_json(self._servers.read_bytes())
        except (OSError, ValidationError):
            return []

    def add_server(self, server: ServerProcess) -> None:
        """Note a started server, so that a later command ends it if this one is killed."""
        self._write_servers([*self.servers(), server])

    def remove_server(self, server: ServerProcess) -> None:
        """Remove a server that has ended from the list."""
        key = (server.pid, server.born)
        self._write_servers([one for one in self.servers() if (one.pid, one.born) != key])

    def save_exports(self, stack: str, exports: Mapping[str, Any]) -> None:
        """Write a stack's exports to a file that only its owner can read: some are secret."""
        self._replace(self._exports(stack), json.dumps(exports, indent=1, sort_keys=True))

    def exports(self, stack: str) -> dict[str, Any]:
        """Return a stack's exports; raises ArcaError if it is not up."""
        path = self._exports(stack)
        try:
            return EXPORTS.validate_json(path.read_bytes())
        except FileNotFoundError:
            raise ArcaError(
                f"The stack {stack} is not up.",
                where=str(self.directory),
                wanted=f"the exports of {stack} in this emulated cloud",
                do=f"run `make up STACK={stack}` first",
            ) from None
        except (OSError, ValueError) as error:
            raise ArcaError(
                f"The exports of {stack} cannot be read.",
                where=f"{path}: {str(error).splitlines()[0]}",
                wanted="the file that `arca local up` writes",
                do=f"run `make up STACK={stack}` again",
            ) from None

    def resources(self, stack: str) -> Path:
        """Return the path of the ledger of a stack's resources (provider/ledger.py)."""
        return self.directory / "resources" / f"{stack}.jsonl"

    def keep_stacks(self, stacks: Collection[str]) -> None:
        """Delete the exports and the resources of all stacks but these."""
        for folder in STACK_FOLDERS:
            for path in (self.directory / folder).glob("*.json*"):
                if path.stem not in stacks:
                    path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete everything except the lock and the server's log; raises ArcaError."""
        for path in (self._file, self._servers):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise _unusable(error, path) from None
        for folder in STACK_FOLDERS:
            shutil.rmtree(self.directory / folder, ignore_errors=True)

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the directory's lock; raises Refused with the holder's process number.

        The kernel releases the lock when the holder ends, even after SIGKILL. Raises ArcaError if
        the directory cannot be used.
        """
        self._make(self.directory)
        path = self.directory / "lock"
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise _unusable(error, path) from None
        with file:
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
            # A full disk must not keep anybody from ending the cloud.
            with suppress(OSError):
                file.truncate(0)
                file.write(f"process {os.getpid()} since {utc_text(self.clock.now())}\n")
                file.flush()
            yield

    def _exports(self, stack: str) -> Path:
        return self.directory / "exports" / f"{stack}.json"

    def _write_servers(self, servers: list[ServerProcess]) -> None:
        # A record is a server too; only what identifies the process belongs here.
        listed = [ServerProcess(pid=one.pid, born=one.born) for one in servers]
        self._replace(self._servers, SERVERS.dump_json(listed, indent=1).decode())

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
        """Replace a file, which only its owner can read; raises ArcaError and keeps the old one."""
        self._make(path.parent)
        name: str | None = None
        try:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError as error:
            if name is not None:
                Path(name).unlink(missing_ok=True)
            raise _unusable(error, path) from None


def _unusable(error: OSError, path: Path) -> ArcaError:
    return ArcaError(
        f"The state directory cannot be used: {error.strerror}.",
        where=str(path),
        wanted="a directory with free space that this user may write to",
        do="free space, correct the permissions or move away what is no file, or set "
        "ARCA_STATE_DIR to another directory",
    )
