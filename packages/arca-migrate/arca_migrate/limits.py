"""How long a migration may wait, run and try again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """All in seconds but for `attempts`."""

    lock: float = 5.0
    """A statement's wait for a lock; every query on the table queues behind it meanwhile."""
    statement: float = 15 * 60.0
    runner: float = 30.0
    """The wait for another runner to end."""
    attempts: int = 6
    """Of a revision that waits for a lock in vain."""
    pause: float = 1.0
    """Before the second attempt; doubles, and varies by half so that it meets no rhythm."""
    longest_pause: float = 30.0
