"""Three workarounds for slow behaviour of Pulumi's SDK; neither changes what a run declares."""

import asyncio
import gc
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Any

from pulumi.runtime import resource as pulumi_resource
from pulumi.runtime import stack as pulumi_stack
from pulumi.runtime.proto import source_pb2


@contextmanager
def without_garbage_collection() -> Generator[None]:
    """Pause the garbage collector: a run produces almost no garbage.

    The SDKs have hundreds of thousands of objects, and each full collection visits all of them.
    With the collector on, evaluating prod takes about twice as long (`make bench`).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def waiting_for_all_outputs() -> Generator[None]:
    """Let the SDK wait for all outstanding outputs at once instead of for the first of them.

    `pulumi.runtime.stack.wait_for_rpcs` waits for all of them again each time that one resolves,
    which is quadratic and took half of a run's time.
    """
    original = pulumi_stack.__dict__["asyncio"]
    pulumi_stack.__dict__["asyncio"] = _PatientAsyncio()
    try:
        yield
    finally:
        pulumi_stack.__dict__["asyncio"] = original


@contextmanager
def without_stack_traces() -> Generator[None]:
    """Let the SDK send no stack trace with a resource, which took a fifth of a run.

    The Pulumi CLI keeps it, to say where a resource was declared; nothing here reads it.
    """
    original = pulumi_resource.__dict__["_get_stack_trace"]
    pulumi_resource.__dict__["_get_stack_trace"] = source_pb2.StackTrace
    try:
        yield
    finally:
        pulumi_resource.__dict__["_get_stack_trace"] = original


class _PatientAsyncio:
    """The module asyncio with a `wait` that returns at the end or at the first failure."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def wait(
        self, tasks: Collection["asyncio.Task[Any]"], *, return_when: str
    ) -> tuple[set["asyncio.Task[Any]"], set["asyncio.Task[Any]"]]:
        """Wait for all tasks, whatever the caller asks for."""
        del return_when
        return await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
