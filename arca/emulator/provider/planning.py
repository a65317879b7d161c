"""Plans an update: what becomes of each resource, without any call.

What only the update will know is unknown here, as in `pulumi preview`: the outputs of a resource
that is new, and those that an update changes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from arca.emulator.program import engine
from arca.emulator.program.engine import Registration
from arca.emulator.provider.changes.decision import (
    Decision,
    decide,
    deletion,
    kept_inputs,
    require_deletable,
)
from arca.emulator.provider.cloud import Providers
from arca.emulator.provider.made import MadeResource


class Declared:
    """The resources that a run declares, beside those that are there."""

    def __init__(self, made: Mapping[str, MadeResource]) -> None:
        self._made = made
        self._providers = Providers()
        self.seen: dict[str, str] = {}
        """The URNs in the order of the run, each with the URN that the resource had before."""

    def decide(self, registration: Registration) -> Decision:
        """Return what becomes of a declared resource; raises what `decide` raises."""
        before = self._made.get(self._former_urn(registration))
        self.seen[registration.urn] = before.urn if before else ""
        inputs = kept_inputs(registration, before)
        resource = self._providers.wanted(registration, inputs)
        return decide(resource, before, delete_first=registration.delete_before_replace)

    def gone(self) -> list[MadeResource]:
        """Return what the program no longer declares, in the order in which it is deleted."""
        known = set(self.seen) | set(self.seen.values())
        return [one for urn, one in reversed(list(self._made.items())) if urn not in known]

    def _former_urn(self, registration: Registration) -> str:
        """Return the URN under which a resource is there, which an alias may name."""
        if registration.urn in self._made:
            return registration.urn
        beginning = registration.urn.rpartition("::")[0]
        for alias in registration.aliases:
            urn = alias if alias.startswith("urn:") else f"{beginning}::{alias}"
            if urn in self._made:
                return urn
        return registration.urn


class PlanningCloud:
    """A cloud that changes nothing and keeps what an update would do."""

    def __init__(
        self,
        made: Mapping[str, MadeResource],
        exports: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self.steps: list[Decision] = []
        self.total = 0
        self._declared = Declared(made)
        self._exports = exports

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Return what a preview knows; raises what the update would refuse."""
        if not registration.custom:
            return None, {}
        self.total += 1
        decision = self._declared.decide(registration)
        self.steps.append(decision)
        before = decision.before
        if before is None or decision.action == "replace":
            return None, dict(registration.inputs)
        given = {name: engine.UNKNOWN for update in decision.updates for name in update.gives}
        return before.id, {**former_outputs(before), **decision.resource.inputs, **given}

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of a stack that is up beside this one."""
        return self._exports(name.rpartition("/")[2])

    def finish(self) -> None:
        """Plan the deletions; raises what the update would refuse."""
        for one in self._declared.gone():
            self.steps.append(deletion(one))

    def require_deletable(self, condemned: Mapping[int, MadeResource]) -> None:
        """Raise ArcaError for what an earlier run replaced and nobody can delete."""
        for one in condemned.values():
            require_deletable(one)


def former_outputs(before: MadeResource) -> dict[str, Any]:
    """Return the outputs that are no inputs."""
    return {name: value for name, value in before.outputs.items() if name not in before.inputs}
