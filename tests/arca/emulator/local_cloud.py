"""Helpers of tests that bring up a cloud on this machine."""

import socket
from typing import Any, cast

import boto3

from arca.emulator.up import Progress, UpReport


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


def client(service: str, report: UpReport) -> Any:
    """Return a plain client of the emulated AWS."""
    make = cast("Any", boto3.client)
    return make(
        service,
        endpoint_url=report.endpoint,
        region_name=report.exports["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulation checks none
    )
