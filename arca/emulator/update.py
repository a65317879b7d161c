"""Update a stack that is up in the emulated cloud: run its program again and change what differs.

1. It runs the program once as a preview, against what the ledger of the last run says is there. A
   bad setting, a failure of the program, a change that nobody knows and a deletion of something
   protected end here: nothing has changed.
2. It ends the one operation that a killed update may have begun.
3. It runs the program again. Each resource stays, is created, updated or replaced, in the order of
   the program; what is no longer declared is deleted at the end, in the reverse order. The ledger
   has each step before the next one begins, so a killed update is repeated by the same command.

Overrides of settings last for one run, as if the stack's file had them.
"""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arca import stackfile
from arca.emulator import owners_part, server
from arca.emulator.ecs.clock import minute_seconds
from arca.emulator.overrides import apply_overrides
from arca.emulator.state import CloudRecord, State
from arca.emulator.up import ACCOUNT, Progress, ProgressWatcher
from arca.errors import ArcaError, Explained

if TYPE_CHECKING:
    from arca.emulator.provider.changes.decision import Decision

NOTHING_SET: Mapping[str, Any] = {}


@dataclass(frozen=True)
class UpdateStep:
    """What became of a resource, or what would become of it."""

    action: str
    """create, update, replace, delete or retain."""
    type: str
    name: str
    urn: str
    inputs: tuple[str, ...]
    """The inputs that an update changes, or that replace the resource."""


@dataclass(frozen=True)
class UpdateReport:
    """A stack that was updated, or that would be."""

    stack: str
    endpoint: str
    seconds: float
    counts: Mapping[str, int]
    """The number of resources by action: same, create, update, replace, delete and retain."""
    outcomes: Mapping[str, int]
    """How the changes were made: created (all calls carried out), validated or recorded only."""
    steps: tuple[UpdateStep, ...]
    exports: Mapping[str, Any]
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything differs from before."""
        return bool(self.steps)


def update(
    stack: str,
    settings: Mapping[str, Any] = NOTHING_SET,
    *,
    state: State,
    watch: ProgressWatcher,
) -> UpdateReport:
    """Update a stack to its file with some settings changed, by their dotted paths.

    Raises what the program raises; ArcaError for a change that the emulator cannot make, before
    anything has changed; Refused while another process holds the state, and where something
    protected would be deleted or replaced.
    """
    minute_seconds()
    with state.lock():
        return _Run(stack, settings, state, watch).carry_out()


def preview(
    stack: str,
    settings: Mapping[str, Any] = NOTHING_SET,
    *,
    state: State,
    watch: ProgressWatcher,
) -> UpdateReport:
    """Return what `update` would do, and change nothing; raises what it would raise before that."""
    return _Run(stack, settings, state, watch).plan()


def _record(stack: str, state: State) -> CloudRecord:
    record = state.read()
    if record is not None and stack in record.stacks and server.alive(record):
        return record
    raise ArcaError(
        f"The stack {stack} is not up.",
        where=f"the emulated cloud of {state.directory}",
        wanted="a stack that `arca local up` has brought up",
        do=f"run `make up STACK={stack}` first",
    )


class _Run:
    """One update: its settings, what is there, and where."""

    def __init__(
        self, stack: str, settings: Mapping[str, Any], state: State, watch: ProgressWatcher
    ) -> None:
        self._began = time.monotonic()
        self._stack, self._settings, self._state, self._watch = stack, settings, state, watch
        self._config = apply_overrides(stackfile.stack_config(stack), settings)
        self._record = _record(stack, state)
        self._total = 0
        watch(Progress(f"{stack}: checking the settings"))
        # The imports take seconds.
        from arca.emulator.program import engine
        from arca.emulator.provider.ledger import Ledger

        self._ledger = Ledger.read(state.resources(stack), stack=stack)
        engine.load()

    def plan(self) -> UpdateReport:
        """Return what would be done; raises what forbids it."""
        from arca.emulator.program import engine
        from arca.emulator.provider.planning import PlanningCloud
        from arca.emulator.provider.updating import counted

        cloud = PlanningCloud(self._ledger.made, self._state.exports)
        try:
            engine.run(
                engine.main, stack=self._stack, config=self._config, cloud=cloud, preview=True
            )
        except Explained as error:
            raise _with_overrides(error, self._settings) from None
        cloud.finish()
        cloud.require_deletable(self._ledger.condemned)
        self._total = cloud.total
        return UpdateReport(
            self._stack,
            self._record.endpoint,
            self._seconds,
            {str(action): n for action, n in counted(cloud.steps).items()},
            {},
            _steps(cloud.steps),
            {},
            dry_run=True,
        )

    def carry_out(self) -> UpdateReport:
        """Change what differs."""
        from arca.emulator.program import engine
        from arca.emulator.provider.updating import UpdatingCloud, counted

        self.plan()
        self._ledger.rewrite()
        cloud = UpdatingCloud(
            self._record.endpoint,
            self._ledger,
            account=ACCOUNT,
            clock=self._state.clock,
            exports=self._state.exports,
            on_progress=lambda one, done: self._watch(
                Progress(f"{self._stack}: {one.type} {one.name}", done, self._total)
            ),
            key=secrets.token_hex(8),
        )
        if self._ledger.pending is not None:
            self._watch(Progress(f"{self._stack}: ending what an earlier update began"))
            cloud.resume()
            self.plan()
        before = self._state.exports(self._stack)
        exports = engine.run(engine.main, stack=self._stack, config=self._config, cloud=cloud)
        cloud.finish()
        owners_part.fill_new_secrets(self._record.endpoint, before, exports)
        self._state.save_exports(self._stack, exports)
        self._keep_components()
        return UpdateReport(
            self._stack,
            self._record.endpoint,
            self._seconds,
            {str(action): n for action, n in counted(cloud.done).items()},
            {str(outcome): n for outcome, n in cloud.outcomes.items()},
            _steps(cloud.done),
            exports,
        )

    def _keep_components(self) -> None:
        """Let the record say what the stack consists of now."""
        from arca.emulator.provider.cloud import ResourceCounts

        counts = ResourceCounts()
        for one in self._ledger.made.values():
            counts.add(one.component, one.outcome)
        components = {
            name: {str(outcome): number for outcome, number in found.items()}
            for name, found in counts.by_component.items()
        }
        entry = self._record.stacks[self._stack].model_copy(update={"components": components})
        stacks = {**self._record.stacks, self._stack: entry}
        self._state.write(self._record.model_copy(update={"stacks": stacks}))

    @property
    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 1)


def _steps(decisions: Iterable["Decision"]) -> tuple[UpdateStep, ...]:
    return tuple(
        UpdateStep(one.action, one.resource.type, one.resource.name, one.resource.urn, one.changed)
        for one in decisions
        if one.action != "same"
    )


def _with_overrides(error: Explained, overrides: Mapping[str, Any]) -> Explained:
    """Return the report on settings, with the overrides that are not in the file it names."""
    if not overrides:
        return error
    named = ", ".join(f"{path}={value}" for path, value in overrides.items())
    return Explained(f"{error}\nThe file was read with --set {named}.")
