"""The process: `python -m arca.emulator.front --endpoint URL --exports DIR --ready FILE`."""

import argparse
import asyncio
import logging
import signal
import time
from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config

from arca.emulator.aws_clients import UNCHECKED_CONFIG, session
from arca.emulator.front.dns import CACHE_SECONDS
from arca.emulator.front.front import POLL_SECONDS, Front, FrontSettings
from arca.emulator.front.reader import Client

TIMEOUTS = Config(connect_timeout=2, read_timeout=10)


def main() -> None:
    """Serve until SIGTERM or SIGINT, and finish the requests in flight."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="the URL of the emulated AWS")
    parser.add_argument("--exports", required=True, type=Path, help="the folder of the exports")
    parser.add_argument(
        "--ready", required=True, type=Path, help="the file to write once it serves"
    )
    parser.add_argument("--port", type=int, default=0, help="the customers' port; 0 for any")
    parser.add_argument(
        "--poll-seconds", type=float, default=POLL_SECONDS, help="between two readings of the API"
    )
    parser.add_argument(
        "--dns-cache-seconds", type=float, default=CACHE_SECONDS, help="that a DNS answer is kept"
    )
    given = parser.parse_args()
    settings = FrontSettings(
        exports=given.exports,
        ready=given.ready,
        port=given.port,
        poll_seconds=given.poll_seconds,
        dns_cache_seconds=given.dns_cache_seconds,
    )
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    asyncio.run(_serve(Front(settings, clients(given.endpoint), time.monotonic)))


def clients(endpoint: str) -> Client:
    """Return a function that makes one client for each service and region."""
    made, config = session(), UNCHECKED_CONFIG.merge(TIMEOUTS)

    @cache
    def client(service: str, region: str) -> Any:
        return made.client(service, region_name=region, endpoint_url=endpoint, config=config)

    return client


async def _serve(front: Front) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await front.serve(stop)


if __name__ == "__main__":
    main()
