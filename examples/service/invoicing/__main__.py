"""`python -m invoicing`: serve until SIGTERM, then finish what is under way."""

import argparse
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from invoicing.clock import Clock
from invoicing.logs import Events, take_over_libraries
from invoicing.service import Service
from invoicing.settings import Settings, SettingsError

KEEP_ALIVE_SECONDS = 75
"""Longer than the load balancer keeps an idle connection (60 s), or it would send into a closed
one (Elastic Load Balancing, "Troubleshoot your Application Load Balancers", HTTP 502)."""
DRAIN_SECONDS = 30
"""Of the 60 seconds that the contract gives.

A request ends within 25 s. Background work, the last metrics, the pool, traces and an upload that
hangs take at most 28 s after that.
"""


class Server(uvicorn.Server):
    """A server that exits with 0 after SIGTERM; uvicorn's own would end by the signal."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def main() -> int:
    """Serve; return 2 where the environment is wrong."""
    parser = argparse.ArgumentParser(prog="invoicing", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a task has its own address
    parser.add_argument("--port", type=int, help="instead of the variable PORT, 8080")
    asked = parser.parse_args()
    clock = Clock()
    events = Events(clock)
    take_over_libraries(events, clock)
    try:
        settings = Settings.of(os.environ)
        service = Service(settings, clock, events)
    except SettingsError as error:
        events.fail("service.start", f"The service cannot start: {error}", "SettingsError")
        return 2
    config = uvicorn.Config(
        service.app(),
        host=asked.host,
        port=asked.port or settings.port,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = Server(config)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
