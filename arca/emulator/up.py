"""Bring a stack up in the emulated cloud, take the cloud down, say what stands in it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arca.emulator import process
from arca.emulator.ecs import clock
from arca.emulator.program import stackfile
from arca.emulator.state import CloudRecord, StackRecord, State
from arca.errors import ArcaError

DEFAULT_PORT = 5566
ACCOUNT = "000000000000"
BESIDE = {"dr": "prod"}
"""Stacks that come up beside another one, whose exports they read."""


@dataclass(frozen=True)
class Report:
    """A stack that came up."""

    stack: str
    endpoint: str
    seconds: float
    components: Mapping[str, Mapping[str, int]]
    exports: Mapping[str, Any]
    gone: tuple[str, ...]
    """Stacks that stood in the cloud before, and do no longer."""


@dataclass(frozen=True)
class Progress:
    """What happens now, for whoever watches."""

    step: str
    done: int = 0


Watch = Callable[[Progress], None]


def up(stack: str, *, port: int, state: State, watch: Watch) -> Report:
    """Bring a stack up, in a fresh cloud or, for dr, beside prod.

    Whatever fails, an interruption included, leaves no server and no record behind. Raises
    ArcaError, and Refused while another process holds the state.
    """
    clock.minute_seconds()
    with state.lock():
        before = state.read()
        chosen = _choose(stack, before)
        if before is not None and not chosen.joins:
            watch(Progress("ending the cloud of before"))
            process.stop(before)
            state.clear()
        record = before if chosen.joins else None
        try:
            if record is None:
                watch(Progress("starting the emulated AWS"))
                record = process.start(port=port, account=ACCOUNT, log=state.log)
                state.write(record)
            report: Report | None = None
            for name in chosen.stacks:
                report, record = _declare(name, record, state, watch, chosen.gone)
        except BaseException:
            if record is not None:
                process.stop(record)
            state.clear()
            raise
        if report is None:
            message = f"nothing to bring up for {stack}"
            raise AssertionError(message)
        return report


def down(*, state: State) -> CloudRecord | None:
    """End the server and forget it; gives what was up."""
    with state.lock():
        try:
            record = state.read()
        except ArcaError:
            # A record that nobody can read names no process; the port will say if one is left.
            state.clear()
            return None
        if record is not None:
            process.stop(record)
        state.clear()
        return record


def status(*, state: State) -> tuple[CloudRecord | None, bool]:
    """What is recorded, and whether its server answers."""
    record = state.read()
    running = record is not None and process.alive(record) and process.answers(record)
    return record, running


def plan(stack: str, *, state: State) -> tuple[str, ...]:
    """What `up` would do, step by step; raises ArcaError where it would refuse the settings."""
    clock.minute_seconds()
    before = state.read()
    chosen = _choose(stack, before)
    ends = [f"end the cloud with {', '.join(before.stacks) or 'nothing'}"] if before else []
    first = ["join the cloud that is up"] if chosen.joins else [*ends, "start an emulated AWS"]
    return (*first, *(f"bring {name} up in it" for name in chosen.stacks))


@dataclass(frozen=True)
class _Choice:
    """Which stacks come up, and whether they join the cloud that is up."""

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
    if before is None or needed not in before.stacks or not process.alive(before):
        raise ArcaError(
            f"The stack {stack} reads {needed}, which is not up.",
            where="the emulated cloud",
            wanted=f"{needed} in the same cloud",
            do=f"run `make up STACK={needed}` first",
        )


def _declare(
    stack: str, record: CloudRecord, state: State, watch: Watch, gone: tuple[str, ...]
) -> tuple[Report, CloudRecord]:
    started = time.monotonic()
    watch(Progress(f"{stack}: loading the program"))
    # Imported while the server comes up: both take seconds.
    from arca.emulator.program import engine
    from arca.emulator.provider.cloud import EmulatedCloud

    config = stackfile.stack_config(stack)
    engine.load()
    process.wait_until_ready(record, log=state.log)
    cloud = EmulatedCloud(
        record.endpoint,
        account=ACCOUNT,
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
        up_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        seconds=seconds,
        components=components,
    )
    record = record.model_copy(update={"stacks": {**record.stacks, stack: entry}})
    state.write(record)
    return Report(stack, record.endpoint, seconds, components, exports, gone), record
