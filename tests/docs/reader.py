"""A reader who follows a page in a plain shell, in a copy of the repository."""

from pathlib import Path
from subprocess import Popen

from tests import clock
from tests.arca.emulator.local_cloud import free_port
from tests.docs.shown import plain
from tools import tree

SHOWN_PORT = "127.0.0.1:5566"
MINUTE = "0.4"
"""Seconds of a simulated minute: the pause leaves twelve to look and to stop."""


class Reader:
    """Somebody who follows the guide in a plain shell, on a machine whose ports may be taken."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.before: list[str] = []
        """What was done in the shell that a command runs in."""
        self.port = free_port()
        self.environment = {
            **clock.environment(),
            "ARCA_LOCAL_MINUTE": MINUTE,
            "PORT": str(self.port),
            # On a terminal, lines of both streams appear in their order.
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code, and what it prints on both streams."""
        done = tree.shell(self.directory, self._script(command), self.environment)
        return done.returncode, done.stdout

    def start(self, command: str, until: str) -> tuple[Popen[str], str]:
        """Start a command, and read on until it prints that line; leaves it running."""
        process = tree.start(self.directory, self._script(command), self.environment)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if plain(line) == plain(until):
                break
        return process, printed

    def _script(self, command: str) -> str:
        here = command.replace(SHOWN_PORT, f"127.0.0.1:{self.port}")
        return "\n".join([*self.before, here])
