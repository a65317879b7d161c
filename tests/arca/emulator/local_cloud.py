"""Helpers of tests that bring up a cloud on this machine."""

import socket

from arca.emulator.up import Progress


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Return whether anything accepts a connection on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def quiet(_progress: Progress) -> None:
    """Ignore the progress."""
