"""What keeps a run of the program fast: two habits of Pulumi's SDK, gone round."""

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Generator[None]:
    """Pause the garbage collector: next to nothing of what a run makes is garbage.

    The SDKs are hundreds of thousands of objects, and each full collection looks at them all:
    with the collector on, evaluating prod takes about twice as long (`make bench`).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Batch:
    """Lets registrations through one after the other, and their answers out together.

    Pulumi's loop looks at every unresolved output each time that something resolves: with
    single answers that is quadratic, and took most of a run's time.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._waiting = 0

    def __enter__(self) -> None:
        with self._changed:
            self._waiting += 1
        self._turn.acquire()

    def __exit__(self, *_: object) -> None:
        self._turn.release()
        with self._changed:
            self._waiting -= 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting == 0)
