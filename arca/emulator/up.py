"""Bring a stack up in the emulated cloud, end the cloud, and describe what is up.

`up` never leaves the machine without the cloud that was up before, unless a new one replaced it:

1. It runs the program once against a cloud that creates nothing (`program/preview.py`), and it
   checks the port. A bad setting, an exception of the program or a taken port ends here.
2. It starts a new server and brings the stack up in it. While the previous server holds the wanted
   port, the new one listens on another port. A failure ends the new server only.
3. It writes the record of the new cloud, ends the previous server, and tells the new one to listen
   on the wanted port too.

Every started server is in `servers.json` until it has ended. A killed `up` leaves at most one
server too many, which the next `up` or `down` ends.

`dr` joins the cloud of `prod`, because it reads prod's exports. It is the only stack that shares a
server, so a failure leaves prod as it was, with the rest of dr beside it. The record names such an
incomplete stack.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from arca import stackfile
from arca.emulator import owners_part, owners_zone, server
from arca.emulator.ecs.clock import minute_seconds
from arca.emulator.live import report as live
from arca.emulator.state import CloudRecord, StackRecord, State, utc_text
from arca.errors import ArcaError, Refused

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
    total: int = 0
    """The number of all resources; 0 in a step that declares none."""


ProgressWatcher = Callable[[Progress], None]


def up(
    stack: str, *, port: int, state: State, watch: ProgressWatcher, bare: bool = False
) -> UpReport:
    """Bring a stack up in a fresh cloud that then replaces the previous one; `dr` joins `prod`.

    With `bare` the owner's part of the first day (owners_part.py) is left out.

    A failure or an interruption leaves the previous cloud as it was. Raises ArcaError, and Refused
    while another process holds the state or if the stack `dr` is up already.
    """
    minute_seconds()
    with state.lock():
        before = state.read()
        _end_leftovers(state, before)
        joins = _joins(stack, before)
        _require_port(port, before, joins=joins)
        for step in _endings(stack, before, joins=joins):
            watch(Progress(f"this run will {step}"))
        watch(Progress(f"{stack}: checking the settings"))
        program = _Program.load(stack, state, bare=bare)
        if joins is not None:
            return _join(program, joins, state, watch)
        return _replace(program, port, before, state, watch)


def down(*, state: State) -> CloudRecord | None:
    """End all servers of the state directory and delete its record; returns what was up."""
    with state.lock():
        try:
            record = state.read()
        except ArcaError:
            # The list of servers names the process that an unreadable record does not.
            record = None
        for one in (*([record] if record else []), *state.servers()):
            server.stop(one)
        live.remove(state)
        state.clear()
        return record


def status(*, state: State) -> tuple[CloudRecord | None, bool]:
    """Return the record, and whether its server runs and answers."""
    record = state.read()
    running = record is not None and server.alive(record) and server.answers(record)
    return record, running


def plan(stack: str, *, port: int, state: State) -> tuple[str, ...]:
    """Return the steps that `up` would take; raises what `up` would raise before its first step."""
    minute_seconds()
    before = state.read()
    joins = _joins(stack, before)
    _require_port(port, before, joins=joins)
    _Program.load(stack, state, bare=False)
    first = "start an emulated AWS" if joins is None else "join the cloud that is up"
    return (first, f"bring {stack} up in it", *_endings(stack, before, joins=joins))


def _joins(stack: str, before: CloudRecord | None) -> CloudRecord | None:
    """Return the cloud that the stack joins; None if it gets a new one."""
    needed = BESIDE.get(stack)
    if needed is None:
        return None
    if before is None or needed not in before.stacks or not server.alive(before):
        raise ArcaError(
            f"The stack {stack} reads {needed}, which is not up.",
            where="the emulated cloud",
            wanted=f"{needed} in the same cloud",
            do=f"run `make up STACK={needed}` first",
        )
    if stack in before.stacks or stack in before.incomplete:
        how = "up already" if stack in before.stacks else "incomplete: an earlier run failed"
        raise Refused(
            f"The stack {stack} is {how}.",
            where=f"the emulated cloud at {before.endpoint}, beside {needed}",
            wanted=f"a cloud with {needed} and without {stack}; {needed} is never rebuilt unasked",
            do=f"run `arca local update --stack {stack}` to change it, or `make up STACK={needed}` "
            f"and then `make up STACK={stack}`: both start anew"
            if stack in before.stacks
            else f"run `make up STACK={needed}` and then `make up STACK={stack}`: both start anew",
        )
    return before


def _endings(
    stack: str, before: CloudRecord | None, *, joins: CloudRecord | None
) -> tuple[str, ...]:
    """Return what ends when the stack is up, as a step of the plan."""
    if before is None or joins is not None:
        return ()
    if not server.alive(before):
        return ("delete the record of a cloud that has ended",)
    stacks = ", ".join(sorted(before.stacks)) or "nothing"
    return (f"end the cloud that is up now, with {stacks}, once {stack} is up",)


def _require_port(port: int, before: CloudRecord | None, *, joins: CloudRecord | None) -> None:
    if joins is None and not _holds(before, port):
        server.refuse_taken(port)


def _holds(before: CloudRecord | None, port: int) -> bool:
    return before is not None and before.port == port and server.alive(before)


def _end_leftovers(state: State, recorded: CloudRecord | None) -> None:
    """End the servers of runs that were killed."""
    for one in state.servers():
        if recorded is None or (one.pid, one.born) != (recorded.pid, recorded.born):
            server.stop(one)
            state.remove_server(one)


@dataclass(frozen=True)
class _Program:
    """A stack's program, whose settings are valid."""

    stack: str
    config: Mapping[str, str]
    total: int
    """The number of resources."""
    began: float
    """When the run began, by the monotonic clock."""
    bare: bool

    @classmethod
    def load(cls, stack: str, state: State, *, bare: bool) -> "_Program":
        """Read the settings and run the program as a preview; raises what is wrong with them."""
        began = time.monotonic()
        # The imports take seconds.
        from arca.emulator.program import engine
        from arca.emulator.program.preview import preview

        config = stackfile.stack_config(stack)
        engine.load()
        total = preview(stack, config, exports=state.exports)
        return cls(stack, config, total, began, bare)

    def declare(
        self, record: CloudRecord, state: State, watch: ProgressWatcher
    ) -> tuple[StackRecord, dict[str, Any]]:
        """Bring the stack up in a server; returns its record and its exports."""
        from arca.emulator.program import engine
        from arca.emulator.provider.cloud import EmulatedCloud
        from arca.emulator.provider.ledger import keep

        cloud = EmulatedCloud(
            record.endpoint,
            account=ACCOUNT,
            clock=state.clock,
            exports=state.exports,
            on_progress=lambda resource, done: watch(
                Progress(f"{self.stack}: {resource.type} {resource.name}", done, self.total)
            ),
        )
        owners_zone.bring(record, self.config)
        exports = engine.run(engine.main, stack=self.stack, config=self.config, cloud=cloud)
        keep(cloud.made, state.resources(self.stack))
        if not self.bare:
            watch(Progress(f"{self.stack}: the owner's secrets and the first tasks"))
            owners_part.play(record.endpoint, exports, clock=state.clock)
        components = {
            name: {str(outcome): number for outcome, number in counts.items()}
            for name, counts in cloud.counts.by_component.items()
        }
        seconds = round(time.monotonic() - self.began, 1)
        moment = utc_text(state.clock.now())
        return StackRecord(up_at=moment, seconds=seconds, components=components), exports


def _join(program: _Program, record: CloudRecord, state: State, watch: ProgressWatcher) -> UpReport:
    """Bring a stack up beside those of a cloud."""
    stack = program.stack
    state.write(record.model_copy(update={"incomplete": (*record.incomplete, stack)}))
    entry, exports = program.declare(record, state, watch)
    state.save_exports(stack, exports)
    state.write(record.model_copy(update={"stacks": {**record.stacks, stack: entry}}))
    return UpReport(stack, record.endpoint, entry.seconds, entry.components, exports, ())


def _replace(
    program: _Program,
    port: int,
    before: CloudRecord | None,
    state: State,
    watch: ProgressWatcher,
) -> UpReport:
    """Bring a stack up in a new server, which then replaces the previous one."""
    stack, held = program.stack, _holds(before, port)
    watch(Progress("starting the emulated AWS"))
    record = server.start(
        port=server.free_port() if held else port,
        public_port=port,
        account=ACCOUNT,
        log=state.starting_log,
    )
    try:
        state.add_server(record)
        # The import takes a second, and so does the server.
        from arca.emulator.provider import cloudflare_api
        from arca.emulator.provider.resources import CLOUDFLARE_CALLS

        cloudflare_api.load(call.method for call in CLOUDFLARE_CALLS.values())
        server.wait_until_ready(record, log=state.starting_log)
        entry, exports = program.declare(record, state, watch)
        record = record.model_copy(update={"stacks": {stack: entry}})
        state.save_exports(stack, exports)
        state.write(record)
    except BaseException:
        server.stop(record)
        state.remove_server(record)
        raise
    # From here on the new cloud is the one that is up.
    with suppress(OSError):
        state.starting_log.replace(state.log)
    if before is not None:
        watch(Progress("ending the previous cloud"))
        server.stop(before)
        state.remove_server(before)
        live.remove(state)
    if held:
        record = _move(record, port, state)
    state.keep_stacks(record.stacks)
    gone = tuple(name for name in before.stacks if name != stack) if before else ()
    return UpReport(stack, record.endpoint, entry.seconds, entry.components, exports, gone)


def _move(record: CloudRecord, port: int, state: State) -> CloudRecord:
    """Let the server of a cloud listen on the wanted port too, and record that endpoint."""
    from arca.emulator.client import EmulatorClient

    try:
        EmulatorClient(state).listen(port)
    except ArcaError as error:
        raise ArcaError(
            f"The stack is up, but not at port {port}: {error.what}",
            where=record.endpoint,
            wanted=f"{server.endpoint(port)}, which the previous server had",
            do=f"use {record.endpoint}, or end what listens on {port} and run this again",
        ) from None
    moved = record.model_copy(update={"port": port, "endpoint": server.endpoint(port)})
    state.write(moved)
    return moved
