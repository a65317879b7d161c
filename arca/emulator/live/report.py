"""What the living cloud says of itself: `live.json` in the state directory."""

from contextlib import suppress
from pathlib import Path

from pydantic import Field, ValidationError

from arca.emulator.live import processes
from arca.emulator.state import Frozen, ServerProcess, State
from arca.errors import ArcaError

FILE, FRONT_FILE, LOG = "live.json", "front.json", "live.log"


class LiveDatabase(Frozen):
    """A database server."""

    instance: str
    """The ARN of its instance."""
    name: str
    """Its directory below that of the living cloud."""
    region: str
    port: int
    running: bool
    standby: bool


class LiveReport(ServerProcess):
    """The living cloud after its last look at the APIs."""

    home: str
    """Where its data and logs are."""
    looks: int = 0
    """How often it has looked and done what was missing."""
    problem: str | None = None
    """Why the last look did not end; None if all is done."""
    customers: str | None = None
    """The URL for customers."""
    agency: str | None = None
    """The URL of the tax agency's double."""
    lost: tuple[str, ...] = ()
    databases: tuple[LiveDatabase, ...] = ()
    caches: dict[str, int] = Field(default_factory=dict[str, int])
    """Ports by region and group."""
    places: dict[str, str] = Field(default_factory=dict[str, str])
    """What stands behind `name:port` of the emulated cloud, as `host:port`."""


def remove(state: State) -> None:
    """Delete what a living cloud left whose process has ended."""
    with suppress(ArcaError):
        known = read(state)
        if known is not None:
            processes.remove_home(Path(known.home))
    for name in (FILE, FRONT_FILE):
        (state.directory / name).unlink(missing_ok=True)


def path(state: State) -> Path:
    """Return the report's file."""
    return state.directory / FILE


def read(state: State) -> LiveReport | None:
    """Return the report; None where no living cloud ever began."""
    try:
        return LiveReport.model_validate_json(path(state).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ArcaError(
            "The report of the living cloud cannot be read.",
            where=f"{path(state)}: {str(error).splitlines()[0]}",
            wanted="the file that `arca local live` writes",
            do="run `make down`, and then `make up` and `arca local live` again",
        ) from None
