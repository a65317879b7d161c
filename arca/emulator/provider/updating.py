"""The emulated cloud during an update: it changes what differs, and keeps each step in a ledger."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from arca.clock import Clock
from arca.emulator.program.engine import Registration
from arca.emulator.provider import cloud
from arca.emulator.provider.caller import Caller, CallRefused
from arca.emulator.provider.changes import CHANGES
from arca.emulator.provider.changes.decision import Decision, StepAction, deletion
from arca.emulator.provider.changes.definition import Call
from arca.emulator.provider.ledger import Ledger, Line
from arca.emulator.provider.made import EmulatedOutcome, MadeResource, Operation
from arca.emulator.provider.planning import Declared, former_outputs
from arca.emulator.provider.resources.definition import CloudflareCall
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.errors import ArcaError

GONE_CODES = ("NotFound", "NoSuch", "NotExist", "404")
"""Parts of the codes with which AWS and Cloudflare say that something is not there."""


class UpdatingCloud:
    """Creates, updates, replaces and deletes resources in the emulated cloud at an endpoint.

    Resources are created and updated in the order of the program, and deleted at the end in the
    reverse order, so that nothing is deleted that something else needs.
    """

    def __init__(
        self,
        endpoint: str,
        ledger: Ledger,
        *,
        account: str,
        clock: Clock,
        exports: Callable[[str], Mapping[str, Any]],
        on_progress: Callable[[MadeResource, int], None],
        key: str,
    ) -> None:
        self.done: list[Decision] = []
        self.outcomes: Counter[EmulatedOutcome] = Counter()
        """How the resources that changed were changed."""
        self._ledger = ledger
        self._account = account
        self._clock = clock
        self._exports = exports
        self._on_progress = on_progress
        self._key = key
        self._numbers = 0
        self._outcome: EmulatedOutcome = "recorded"
        """How the present resource is changed."""
        self._declared = Declared(ledger.made)
        self._caller = Caller(endpoint)

    def resume(self) -> None:
        """End the operation that an earlier run began, with the calls that it began."""
        if self._ledger.pending is not None:
            self._carry_out(self._ledger.pending)

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Bring a resource to what is declared; raises CallRefused at the first refused call."""
        if not registration.custom:
            return None, {}
        decision = self._declared.decide(registration)
        before, resource = decision.before, decision.resource
        self._outcome = "recorded"
        if decision.action == "create":
            made = self._make(resource, None)
        elif before is None or decision.action == "same":
            made = (before or resource).with_flags(resource)
            self._keep(made, before)
        elif decision.action == "replace":
            made = self._replace(resource, before, first=decision.delete_first)
        else:
            made = self._update(decision, before)
        self._note(decision, made)
        return made.id, dict(made.outputs)

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of a stack that is up beside this one."""
        return self._exports(name.rpartition("/")[2])

    def finish(self) -> None:
        """Delete what was replaced and what is no longer declared, the newest first."""
        for number in sorted(self._ledger.condemned, reverse=True):
            one = self._ledger.condemned[number]
            self._carry_out(Operation("delete", self._new_key(), one, condemned=number))
        for one in self._declared.gone():
            decision = deletion(one)
            self._outcome = "recorded"
            if decision.action == "retain":
                self._ledger.add(Line(gone=one.urn))
            else:
                self._carry_out(Operation("delete", self._new_key(), one))
            self._note(decision, one)
        self._ledger.rewrite(self._declared.seen)

    def _make(self, resource: MadeResource, replaced: MadeResource | None) -> MadeResource:
        return self._carry_out(Operation("create", self._new_key(), resource, replaced))

    def _replace(
        self, resource: MadeResource, before: MadeResource, *, first: bool
    ) -> MadeResource:
        resource = replace(resource, generation=before.generation + 1)
        if first and not before.retain:
            self._carry_out(Operation("delete", self._new_key(), before))
            return self._make(resource, None)
        return self._make(resource, before)

    def _update(self, decision: Decision, before: MadeResource) -> MadeResource:
        """Make the calls of each update; each is kept on its own, so that a repeat goes on."""
        made = before
        for update in decision.updates:
            changed = tuple(name for name in decision.changed if name in update.inputs)
            operation = Operation("update", self._new_key(), decision.resource, made, changed)
            made = self._carry_out(operation)
        # What is left makes no call.
        made = _with_inputs(made, decision.resource, decision.changed).with_flags(decision.resource)
        made = self._with_computed(made, before)
        self._keep(made, before)
        return made

    def _keep(self, made: MadeResource, before: MadeResource | None) -> None:
        """Add a line where anything differs from what the ledger has."""
        if self._ledger.made.get(made.urn) != made:
            moved = before.urn if before is not None and before.urn != made.urn else ""
            self._ledger.add(Line(made=made, gone=moved))

    def _carry_out(self, operation: Operation) -> MadeResource:
        """Make an operation's calls between two lines of the ledger."""
        if self._ledger.pending != operation:
            self._ledger.add(Line(begun=operation))
        self._caller.begin(operation.key)
        carried_out = self._caller.carried_out
        try:
            line = self._perform(operation)
        except ArcaError as error:
            if not isinstance(error, CallRefused) or error.answered:
                self._abandon(operation, error, begun=self._caller.carried_out > carried_out)
            raise
        self._ledger.add(line)
        return line.made or operation.wanted

    def _perform(self, operation: Operation) -> Line:
        resource, before = operation.wanted, operation.before
        if operation.action == "delete":
            self._delete(resource)
            if operation.condemned:
                return Line(ended=operation.condemned)
            return Line(gone=resource.urn)
        if operation.action == "update" and before is not None:
            return Line(made=self._change(resource, before, operation.inputs))
        made = cloud.make(resource, self._caller, account=self._account, clock=self._clock)
        self._outcome = made.outcome
        if before is None or before.retain:
            return Line(made=made, gone=_moved(before, made))
        number = self._ledger.next_number
        return Line(made=made, gone=_moved(before, made), condemned=before, number=number)

    def _change(
        self, resource: MadeResource, before: MadeResource, names: tuple[str, ...]
    ) -> MadeResource:
        changed = _with_inputs(before, resource, names)
        state = {**changed.state(), "_inputs": changed.inputs, "_before": before.state()}
        made = changed
        for update in CHANGES[resource.type].updates:
            if set(names) & set(update.inputs) and update.when(before.inputs, resource.inputs):
                made = self._call(update.calls, made, state)
        return replace(made, id=made.id or before.id, outcome=before.outcome)

    def _delete(self, resource: MadeResource, reached: Mapping[str, Any] | None = None) -> None:
        """Make the calls of a deletion; what is not there any more is deleted."""
        changes = CHANGES.get(resource.type)
        state = {**resource.state(), **(reached or {})}
        for call in changes.deletes if changes is not None else ():
            try:
                if isinstance(call, CloudflareCall):
                    self._caller.make_at_cloudflare(call, state, resource.urn)
                elif call.when(state):
                    state |= self._caller.make(call, state, resource.urn)
            except CallRefused as refusal:
                if not any(part in refusal.code for part in GONE_CODES):
                    raise
            else:
                self._count(call)

    def _count(self, call: Call) -> None:
        only_checked = not isinstance(call, CloudflareCall) and bool(call.only_validated)
        if self._outcome != "validated":
            self._outcome = "validated" if only_checked else "created"

    def _call(
        self, calls: tuple[Call, ...], made: MadeResource, state: Mapping[str, Any]
    ) -> MadeResource:
        for call in calls:
            if isinstance(call, CloudflareCall):
                self._caller.make_at_cloudflare(call, state, made.urn)
        api_calls = tuple(call for call in calls if not isinstance(call, CloudflareCall))
        changed = cloud.make_calls(api_calls, made, state, self._caller)
        if self._outcome != "validated":
            self._outcome = changed.outcome
        return changed

    def _abandon(self, operation: Operation, refusal: ArcaError, *, begun: bool) -> None:
        """Forget an operation that was refused; half of a new resource is deleted again."""
        if operation.action == "create" and begun and isinstance(refusal, CallRefused):
            with suppress(CallRefused):
                self._caller.begin("")
                self._delete(operation.wanted, refusal.reached)
        self._ledger.add(Line())

    def _with_computed(self, made: MadeResource, before: MadeResource) -> MadeResource:
        """Return the resource with the simulated outputs that its new inputs change."""
        computed = [
            simulate_outputs(one, account=self._account, region=one.region, clock=self._clock)[1]
            for one in (before.identity, made.identity)
        ]
        differ = {
            name: value
            for name, value in computed[1].items()
            if name not in made.inputs
            and computed[0].get(name) != value
            and made.outputs.get(name) == before.outputs.get(name)
        }
        return replace(made, outputs={**made.outputs, **differ})

    def _note(self, decision: Decision, made: MadeResource) -> None:
        self.done.append(decision)
        if decision.action not in ("same", "retain"):
            self.outcomes[self._outcome] += 1
        self._on_progress(made, len(self._declared.seen))

    def _new_key(self) -> str:
        self._numbers += 1
        return f"{self._key}/{self._numbers}"


def counted(decisions: list[Decision]) -> dict[StepAction, int]:
    """Return the number of resources by what became of them."""
    found = Counter(decision.action for decision in decisions)
    actions: tuple[StepAction, ...] = ("same", "create", "update", "replace", "delete", "retain")
    return {action: found[action] for action in actions}


def _with_inputs(
    made: MadeResource, resource: MadeResource, names: tuple[str, ...]
) -> MadeResource:
    """Return a resource with some of its inputs as they are wanted, and the same in its outputs."""
    inputs = {name: value for name, value in made.inputs.items() if name not in names}
    inputs |= {name: resource.inputs[name] for name in names if name in resource.inputs}
    tags = resource.tags if "tags" in names else made.tags
    shown = {} if tags is None else {"tags": tags}
    return replace(
        made, inputs=inputs, tags=tags, outputs={**former_outputs(made), **inputs, **shown}
    )


def _moved(before: MadeResource | None, made: MadeResource) -> str:
    return before.urn if before is not None and before.urn != made.urn else ""
