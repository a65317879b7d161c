"""The server: `python -m arca.emulator.ecs --host 127.0.0.1 --port 5566` serves until SIGTERM."""

import argparse
import atexit
import os
import signal
import sys

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs] # moto has none
    MotoRequestHandler,
)
from werkzeug.serving import run_simple

from arca.clock import Clock
from arca.emulator.aws_clients import share_service_models
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
    run_simple(
        arguments.host,
        arguments.port,
        ControlApi(application),
        threaded=True,
        request_handler=MotoRequestHandler,
    )


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
