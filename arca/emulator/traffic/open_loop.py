"""The open loop: each request is sent at its moment, whether or not earlier ones are answered.

A closed loop waits for answers, so a service that stalls gets fewer requests, and the wait of those
that were never sent is in no percentile ("coordinated omission"; Gil Tene, wrk2's README). So the
latency of a request counts from the moment at which it was due.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from arca.emulator.traffic.customers import Answered
from arca.emulator.traffic.plan import PlannedRequest


@dataclass(frozen=True)
class Sent:
    """A request that was sent, and how it ended."""

    planned: PlannedRequest
    delay: float
    """Seconds from the moment at which it was due until it was sent."""
    latency: float
    """Seconds from the moment at which it was due until the end of its last answer."""
    answered: Answered


async def send_all(
    requests: Iterable[PlannedRequest],
    run: Callable[[PlannedRequest], Awaitable[Answered]],
    *,
    monotonic: Callable[[], float],
    stop: asyncio.Event,
) -> list[Sent]:
    """Send each request at its moment, then wait for the answers.

    After `stop`, no further request is sent.
    """
    sent: list[Sent] = []
    running: set[asyncio.Task[None]] = set()
    start = monotonic()

    async def one(planned: PlannedRequest) -> None:
        due = start + planned.at
        delay = monotonic() - due
        answered = await run(planned)
        sent.append(Sent(planned, max(0.0, delay), monotonic() - due, answered))

    async with asyncio.TaskGroup() as group:
        for planned in requests:
            pause = start + planned.at - monotonic()
            if pause > 0 and await _stopped(stop, pause):
                break
            task = group.create_task(one(planned))
            running.add(task)
            task.add_done_callback(running.discard)
            # Requests that are late must not keep earlier ones from being sent.
            await asyncio.sleep(0)
            if stop.is_set():
                break
    return sent


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for some seconds, or until `stop` is set; returns whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
