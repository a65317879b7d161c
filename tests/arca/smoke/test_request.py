"""Tests of connections to a host with several addresses."""

import errno
import socket
from typing import Any

import pytest

from arca.smoke.request import Deadline, NoAnswer, connect
from tests.arca.smoke.served import LOOPBACK, free_port

AWAY = "2001:db8::1"
"""An address of the network for documentation (RFC 3849); nothing is sent to it."""


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        ((AWAY, LOOPBACK), "refused"),
        ((LOOPBACK, AWAY), "refused"),
        ((AWAY,), "route"),
    ],
)
def test_an_address_without_a_route_does_not_speak_for_the_host(
    hosts: tuple[str, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is `route` only where no address has a route."""

    def addresses(_: str, port: int, **__: Any) -> list[Any]:
        """Stand in for the resolver."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    through = socket.socket.connect

    def reach(made: socket.socket, where: Any) -> None:
        """Stand in for a machine that has no route to AWAY."""
        if where[0] == AWAY:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        through(made, where)

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    monkeypatch.setattr(socket.socket, "connect", reach)
    with pytest.raises(NoAnswer) as caught:
        connect("api.example", free_port(), Deadline.after(1))
    assert caught.value.reason == reason
