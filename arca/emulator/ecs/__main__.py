"""The server: `python -m arca.emulator.ecs --host 127.0.0.1 --port 5566` serves until SIGTERM."""

import argparse
import atexit
import os
import signal
import socket
import sys
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] # moto has none
    MotoRequestHandler,
)
from werkzeug.serving import BaseWSGIServer, make_server

from arca.clock import Clock
from arca.emulator.aws_clients import share_service_models
from arca.emulator.ecs import access
from arca.emulator.ecs.app import Application
from arca.emulator.ecs.clock import ServerClock
from arca.emulator.ecs.control_api import ControlApi
from arca.errors import ArcaError


def main() -> None:
    """Serve, and end all stand-ins at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", required=True, type=int)
    arguments = parser.parse_args()
    # What this process starts must not inherit the token.
    token = os.environ.pop(access.TOKEN_VARIABLE, "")
    share_service_models()
    # Moto writes its own address into some answers.
    os.environ.setdefault("MOTO_PORT", str(arguments.port))
    try:
        application = Application(ServerClock(Clock()))
    except ArcaError as error:
        parser.exit(error.exit_code, f"{error}\n")
    atexit.register(application.end)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    control = ControlApi(application, listen=lambda port: _serve_too(arguments.host, port, site))
    site = access.AccessGuard(control, token=token)
    bind(arguments.host, arguments.port, site).serve_forever()


def bind(host: str, port: int, site: Any) -> BaseWSGIServer:
    """Listen on a port, which is served when `serve_forever` runs; raises OSError."""
    # Werkzeug exits the process if it binds the port itself and the port is taken.
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        return make_server(
            host,
            port,
            site,
            threaded=True,
            request_handler=MotoRequestHandler,
            fd=listener.fileno(),
        )


def _serve_too(host: str, port: int, site: Any) -> None:
    Thread(target=bind(host, port, site).serve_forever, daemon=True).start()


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
