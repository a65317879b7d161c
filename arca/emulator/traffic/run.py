"""Runs a plan of traffic against a URL."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from arca.clock import Clock
from arca.emulator.traffic.customers import Customers, CustomerSettings
from arca.emulator.traffic.history import HistoryWriter
from arca.emulator.traffic.open_loop import send_all
from arca.emulator.traffic.plan import TrafficPlan, planned_requests
from arca.emulator.traffic.report import Report
from arca.errors import ArcaError


async def run_traffic(
    plan: TrafficPlan,
    settings: CustomerSettings,
    *,
    clock: Clock,
    monotonic: Callable[[], float],
    history: Path | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Send the planned traffic, and count what customers saw; raises ArcaError.

    Each customer opens a connection of its own, as strangers do. So no request meets a connection
    that was just closed.
    """
    async with ClientSession(
        connector=TCPConnector(limit=0, force_close=True), cookie_jar=DummyCookieJar()
    ) as session:
        with ExitStack() as files:
            writer = (
                HistoryWriter(files.enter_context(_opened(history)), clock) if history else None
            )
            customers = Customers(settings, session, history=writer)
            if plan.mix.get("issue") or plan.mix.get("read"):
                await customers.authenticate()
            began = monotonic()
            sent = await send_all(
                planned_requests(plan),
                customers.run,
                monotonic=monotonic,
                stop=stop or asyncio.Event(),
            )
            return Report(sent, dict(customers.statuses), monotonic() - began)


def run_until_signal(
    plan: TrafficPlan,
    settings: CustomerSettings,
    *,
    clock: Clock,
    monotonic: Callable[[], float],
    history: Path | None,
) -> tuple[Report, bool]:
    """Send the traffic; SIGINT or SIGTERM ends it early, after the answers under way.

    Returns what customers saw, and whether a signal ended it.
    """

    async def run() -> tuple[Report, bool]:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        report = await run_traffic(
            plan, settings, clock=clock, monotonic=monotonic, history=history, stop=stop
        )
        return report, stop.is_set()

    return asyncio.run(run())


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise ArcaError(
            f"The history cannot be written: {error.strerror}.",
            where=str(path),
            wanted="a file that this user may write to",
            do="name another file with --history",
        ) from None
