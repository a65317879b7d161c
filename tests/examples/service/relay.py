"""A TCP relay on loopback that can move to another server, as a database's name does."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 65536


@dataclass
class Relay:
    """Passes connections on to one port of this machine."""

    target: int
    listener: socket.socket
    _open: list[socket.socket] = field(default_factory=list[socket.socket])

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return int(self.listener.getsockname()[1])

    def move(self, target: int) -> None:
        """Cut all connections; new ones lead to another port."""
        self.target = target
        for made in self._open:
            with suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def accept(self) -> None:
        """Serve connections until the listener is closed."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 2)
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        source.settimeout(None)
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    for made in (source, sink):
        with suppress(OSError):
            made.shutdown(socket.SHUT_RDWR)


@contextmanager
def running(target: int) -> Generator[Relay]:
    """Run a relay until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(target, listener)
        threading.Thread(target=relay.accept, daemon=True).start()
        yield relay
        relay.move(target)
        listener.shutdown(socket.SHUT_RDWR)
