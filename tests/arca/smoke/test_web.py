"""Connections of `arca.smoke.web` to a host with several addresses."""

import errno
import socket
from typing import Any

import pytest

from arca.smoke.web import Deadline, NoAnswer, connect
from tests.arca.smoke.served import LOOPBACK, free_port

AWAY = "2001:db8::1"
"""An address of a documentation's network; nothing is sent to it."""


@pytest.mark.parametrize(
    ("hosts", "why"),
    [
        ((AWAY, LOOPBACK), "refused"),
        ((LOOPBACK, AWAY), "refused"),
        ((AWAY,), "route"),
    ],
)
def test_an_address_without_a_way_says_nothing_of_the_host(
    hosts: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where there is a way to none of them there is no way."""

    def addresses(_: str, port: int, **__: Any) -> list[Any]:
        """Those."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    through = socket.socket.connect

    def reach(made: socket.socket, where: Any) -> None:
        """As a machine does that has no way there."""
        if where[0] == AWAY:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        through(made, where)

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    monkeypatch.setattr(socket.socket, "connect", reach)
    with pytest.raises(NoAnswer) as caught:
        connect("api.example", free_port(), Deadline.after(1))
    assert caught.value.why == why
