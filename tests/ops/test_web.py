"""Connections of `ops.web` to a host with several addresses."""

import socket
from typing import Any

import pytest

from ops.web import Deadline, NoAnswer, connect
from tests.ops.served import LOOPBACK, free_port

BROADCAST = "255.255.255.255"
"""No TCP connection can be made to it, and none is tried on any wire."""


@pytest.mark.parametrize(
    ("hosts", "why"),
    [
        ((BROADCAST, LOOPBACK), "refused"),
        ((LOOPBACK, BROADCAST), "refused"),
        ((BROADCAST,), "route"),
    ],
)
def test_an_address_without_a_way_says_nothing_of_the_host(
    hosts: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where there is a way to none of them there is no way."""

    def addresses(_: str, port: int, **__: Any) -> list[Any]:
        """Those."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    with pytest.raises(NoAnswer) as caught:
        connect("api.example", free_port(), Deadline.after(1))
    assert caught.value.why == why
