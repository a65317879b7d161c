"""Bring a stack up in the emulated cloud, end the cloud, and describe what is up."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arca import stackfile
from arca.emulator import server
from arca.emulator.ecs.clock import minute_seconds
from arca.emulator.state import CloudRecord, StackRecord, State, utc_text
from arca.errors import ArcaError

DEFAULT_PORT = 5566
ACCOUNT = "000000000000"
BESIDE = {"dr": "prod"}
"""Stacks that come up beside another one because they read its exports."""


@dataclass(frozen=True)
class UpReport:
    """A stack that came up."""

    stack: str
    endpoint: str
    seconds: float
    components: Mapping[str, Mapping[str, int]]
    exports: Mapping[str, Any]
    gone: tuple[str, ...]
    """Stacks that were up in the previous cloud and are not in this one."""


@dataclass(frozen=True)
class Progress:
    """What `up` does at the moment: a step, and the resources declared so far."""

    step: str
    done: int = 0


ProgressWatcher = Callable[[Progress], None]


def up(stack: str, *, port: int, state: State, watch: ProgressWatcher) -> UpReport:
    """Bring a stack up in a fresh cloud; `dr` comes up beside `prod`.

    A failure or an interruption leaves no server and no record behind. Raises ArcaError, and
    Refused while another process holds the state.
    """
    minute_seconds()
    with state.lock():
        before = state.read()
        chosen = _choose(stack, before)
        if before is not None and not chosen.joins:
            watch(Progress("ending the previous cloud"))
            server.stop(before)
            state.clear()
        record = before if chosen.joins else None
        try:
            if record is None:
                watch(Progress("starting the emulated AWS"))
                record = server.start(port=port, account=ACCOUNT, log=state.log)
                state.write(record)
            report: UpReport | None = None
            for name in chosen.stacks:
                report, record = _declare(name, record, state, watch, chosen.gone)
        except BaseException:
            if record is not None:
                server.stop(record)
            state.clear()
            raise
        if report is None:
            message = f"nothing to bring up for {stack}"
            raise AssertionError(message)
        return report


def down(*, state: State) -> CloudRecord | None:
    """End the server and delete its record; returns what was up."""
    with state.lock():
        try:
            record = state.read()
        except ArcaError:
            # An unreadable record names no process. The port of a server that is left is refused.
            state.clear()
            return None
        if record is not None:
            server.stop(record)
        state.clear()
        return record


def status(*, state: State) -> tuple[CloudRecord | None, bool]:
    """Return the record, and whether its server runs and answers."""
    record = state.read()
    running = record is not None and server.alive(record) and server.answers(record)
    return record, running


def plan(stack: str, *, state: State) -> tuple[str, ...]:
    """Return the steps that `up` would take; raises ArcaError where `up` would refuse."""
    minute_seconds()
    before = state.read()
    chosen = _choose(stack, before)
    ends = [f"end the cloud with {', '.join(before.stacks) or 'nothing'}"] if before else []
    first = ["join the cloud that is up"] if chosen.joins else [*ends, "start an emulated AWS"]
    return (*first, *(f"bring {name} up in it" for name in chosen.stacks))


@dataclass(frozen=True)
class _Choice:
    """The stacks that come up, and whether they join the cloud that is up."""

    stacks: tuple[str, ...]
    joins: bool
    gone: tuple[str, ...]


def _choose(stack: str, before: CloudRecord | None) -> _Choice:
    needed = BESIDE.get(stack)
    if needed is None:
        gone = tuple(name for name in before.stacks if name != stack) if before else ()
        return _Choice((stack,), joins=False, gone=gone)
    _require_beside(stack, needed, before)
    if before is not None and stack in before.stacks:
        return _Choice((needed, stack), joins=False, gone=())
    return _Choice((stack,), joins=True, gone=())


def _require_beside(stack: str, needed: str, before: CloudRecord | None) -> None:
    if before is None or needed not in before.stacks or not server.alive(before):
        raise ArcaError(
            f"The stack {stack} reads {needed}, which is not up.",
            where="the emulated cloud",
            wanted=f"{needed} in the same cloud",
            do=f"run `make up STACK={needed}` first",
        )


def _declare(
    stack: str, record: CloudRecord, state: State, watch: ProgressWatcher, gone: tuple[str, ...]
) -> tuple[UpReport, CloudRecord]:
    started = time.monotonic()
    watch(Progress(f"{stack}: loading the program"))
    # The imports take seconds, in which the server starts.
    from arca.emulator.program import engine
    from arca.emulator.provider.cloud import EmulatedCloud

    config = stackfile.stack_config(stack)
    engine.load()
    server.wait_until_ready(record, log=state.log)
    cloud = EmulatedCloud(
        record.endpoint,
        account=ACCOUNT,
        clock=state.clock,
        exports=state.exports,
        on_progress=lambda resource, done: watch(Progress(f"{stack}: {resource.urn}", done)),
    )
    exports = engine.run(
        engine.main, stack=stack, config={**config, **engine.EMULATED}, cloud=cloud
    )
    seconds = round(time.monotonic() - started, 1)
    components = {
        name: {str(outcome): number for outcome, number in counts.items()}
        for name, counts in cloud.counts.by_component.items()
    }
    state.save_exports(stack, exports)
    entry = StackRecord(
        up_at=utc_text(state.clock.now()),
        seconds=seconds,
        components=components,
    )
    record = record.model_copy(update={"stacks": {**record.stacks, stack: entry}})
    state.write(record)
    return UpReport(stack, record.endpoint, seconds, components, exports, gone), record
