"""Read an Alembic history as a single line of revisions with phases.

Every fault of a history is one MigrationError. The history's `env.py` is not run: the runner
connects by itself, and the same revisions are rendered without a database.
"""

import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from arca_migrate import phase
from arca_migrate.errors import MigrationError
from arca_migrate.phase import Phase


@dataclass(frozen=True)
class Revision:
    """One revision of the schema."""

    id: str
    message: str
    phase: Phase
    path: Path
    down: str | None
    """The id of the revision before it; None for the first."""
    upgrade: Callable[[], None] = field(repr=False, compare=False)


@dataclass(frozen=True)
class History:
    """All revisions, oldest first, and what Alembic needs to run them."""

    directory: Path
    revisions: tuple[Revision, ...]
    config: Config = field(repr=False, compare=False)
    script: ScriptDirectory = field(repr=False, compare=False)

    @property
    def head(self) -> str:
        """The newest revision's id."""
        return self.revisions[-1].id

    def find(self, identity: str) -> Revision | None:
        """Return the revision with an id; None where there is none."""
        return next((one for one in self.revisions if one.id == identity), None)

    def after(self, identity: str | None) -> tuple[Revision, ...]:
        """Return the revisions after one, all for None; raises MigrationError for an unknown id."""
        if identity is None:
            return self.revisions
        for number, one in enumerate(self.revisions):
            if one.id == identity:
                return self.revisions[number + 1 :]
        raise MigrationError(
            f"There is no revision {identity}.",
            where=str(self.directory),
            wanted=f"one of {', '.join(one.id for one in self.revisions)}",
            do="name a revision of this history, or take the history of the release that made it",
        )


def read(directory: Path) -> History:
    """Read the history in a directory with an alembic.ini or `versions/`; raises MigrationError."""
    directory = Path(directory)
    config = _config(directory)
    with _explained(directory), warnings.catch_warnings():
        # Alembic only warns of an id that two files have, or of one that no file declares.
        warnings.simplefilter("error", UserWarning)
        script = ScriptDirectory.from_config(config)
        heads = script.get_heads()
        found = list(script.walk_revisions())
    if not found:
        raise _fault(directory, "It holds no revision.", "at least one file in versions/")
    _linear(directory, heads, found)
    return History(directory, tuple(map(_revision, reversed(found))), config, script)


def place(error: BaseException, directory: Path) -> str:
    """Find the line in a directory that raised an error, as `file:line`; else the directory."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    root = str(directory.resolve())
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if str(Path(frame.filename).resolve()).startswith(root):
            return f"{frame.filename}:{frame.lineno}"
    return str(directory)


def _config(directory: Path) -> Config:
    ini = directory / "alembic.ini"
    if ini.is_file():
        config = Config(ini)
        named = config.get_main_option("script_location")
        location = directory / named if named else directory
    else:
        config, location = Config(), directory
    if not (location / "versions").is_dir() and not config.get_main_option("version_locations"):
        raise _fault(
            directory, "It holds no Alembic history.", f"revisions in {location / 'versions'}"
        )
    # A percent sign begins an interpolation in an INI file.
    config.set_main_option("script_location", str(location.resolve()).replace("%", "%%"))
    return config


def _linear(directory: Path, heads: list[str], found: list[Script]) -> None:
    if len(heads) > 1:
        paths = ", ".join(f"{s.revision} ({Path(s.path).name})" for s in found if s.is_head)
        raise _fault(
            directory,
            f"It has {len(heads)} heads: {paths}.",
            "one line of revisions",
            do="set the down_revision of one of them to the other",
        )
    for one in found:
        if one.is_merge_point or one.dependencies:
            raise _fault(
                Path(one.path),
                f"The revision {one.revision} joins several.",
                "one down_revision each, and no depends_on",
            )


def _revision(script: Script) -> Revision:
    path = Path(script.path)
    declared = phase.of_module(script.module, path)
    upgrade: object = getattr(script.module, "upgrade", None)
    if not callable(upgrade):
        raise _fault(path, f"The revision {script.revision} has no upgrade().", "def upgrade()")
    down = script.down_revision
    return Revision(
        id=script.revision,
        message=(script.doc or script.revision).strip().splitlines()[0].removesuffix("."),
        phase=declared,
        path=path,
        down=down if isinstance(down, str) else None,
        upgrade=script.module.upgrade,
    )


@contextmanager
def _explained(directory: Path) -> Generator[None]:
    """Turn what a revision raises as it is loaded into one error: it is the application's code."""
    try:
        yield
    except MigrationError:
        raise
    except Exception as error:
        if isinstance(error, UserWarning | CommandError):
            text = str(error)
        elif isinstance(error, KeyError):
            text = f"it names the revision {error}, which no file declares"
        else:
            text = f"{type(error).__name__}: {error}"
        raise MigrationError(
            f"The history of migrations cannot be read: {text}",
            where=place(error, directory),
            wanted="revisions that Alembic can load, each naming the one before it",
            do="correct the revision; nothing was run",
        ) from error


def _fault(
    where: Path, what: str, wanted: str, *, do: str = "correct the history"
) -> MigrationError:
    return MigrationError(
        f"The history of migrations cannot be used. {what}",
        where=str(where),
        wanted=wanted,
        do=do,
    )
