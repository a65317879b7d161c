"""A look at the data of a lost primary: a copy is started, which takes no write.

PostgreSQL starts the copy as a standby that follows nobody: it replays the log that is on the disk
and stops there, so that its end is the end of what the primary had. Source: PostgreSQL
documentation, "Standby Server Operation".
"""

import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from arca.emulator.live.postgres import Postgres
from arca.emulator.live.processes import unprivileged
from arca.errors import ArcaError


@contextmanager
def opened(home: Path, name: str, environment: Mapping[str, str]) -> Generator[Postgres]:
    """Run a copy of a killed server's data until the end of the block.

    `environment` has the marks by which the processes are found and ended where this one is killed.
    The lost server's own data stay as they are. Raises ArcaError where the copy does not start.
    """
    copy = Postgres(f"{name}-evidence", home, environment)
    data = home / copy.name / "data"
    copy.drop()
    try:
        _copy(home / name, home / copy.name)
        # It names the process that was killed, whose number may be another's by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write("primary_conninfo = ''\n")
        signal = data / "standby.signal"
        signal.touch()
        if (user := unprivileged()) is not None:
            shutil.chown(signal, user)
        copy.resume()
        yield copy
    finally:
        copy.drop()


def _copy(source: Path, target: Path) -> None:
    """Copy a directory with its owners, as shutil does not."""
    done = subprocess.run(  # noqa: S603 - no shell, and our own words
        ["cp", "-a", source, target],  # noqa: S607 - of PATH
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ArcaError(
            f"The lost primary's data cannot be copied: {done.stderr.strip().splitlines()[-1]}",
            where=str(source),
            wanted="the directory of a server that was killed",
            do="look at the disk's free space, and repeat the drill",
        )
