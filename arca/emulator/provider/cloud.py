"""The emulated AWS and Cloudflare as a cloud: it creates each declared resource by API calls."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from arca.clock import Clock
from arca.emulator.program.engine import Registration
from arca.emulator.provider.caller import Caller, CallRefused
from arca.emulator.provider.made import EmulatedOutcome, MadeResource, wanted
from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS, RECORDED
from arca.emulator.provider.resources.definition import ApiCall, ResourceState
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.errors import ArcaError

DEFAULT_PROVIDER_REGION = "us-east-1"


@dataclass
class ResourceCounts:
    """The number of resources by component and outcome."""

    by_component: dict[str, dict[EmulatedOutcome, int]] = field(
        default_factory=lambda: defaultdict(lambda: {"created": 0, "validated": 0, "recorded": 0})
    )

    def add(self, component: str, outcome: EmulatedOutcome) -> None:
        """Count one more resource."""
        self.by_component[component or "stack"][outcome] += 1

    @property
    def total(self) -> int:
        """The number of all resources so far."""
        return sum(sum(outcomes.values()) for outcomes in self.by_component.values())


class Providers:
    """The providers that a program declares, each with a region and default tags."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, dict[str, str]]] = {}

    def wanted(
        self, registration: Registration, inputs: Mapping[str, Any] | None = None
    ) -> MadeResource:
        """Return what a program declares, with the region and the tags of its provider.

        A provider itself is remembered.
        """
        if registration.type == "pulumi:providers:aws":
            tags = json.loads(registration.inputs.get("defaultTags", "{}")).get("tags", {})
            self._known[registration.urn] = (registration.inputs["region"], tags)
        region, tags = self._known.get(
            registration.provider.rpartition("::")[0], (DEFAULT_PROVIDER_REGION, {})
        )
        used = registration.inputs if inputs is None else inputs
        return wanted(registration, used, str(used.get("region", region)), tags)


def make(resource: MadeResource, caller: Caller, *, account: str, clock: Clock) -> MadeResource:
    """Make a resource's calls and return it as made; raises CallRefused at the first refused one.

    Every call of AWS is checked against botocore's model, and one of Cloudflare by the emulated
    Cloudflare. A resource counts as created if all of its calls were carried out, as validated if
    one of them was only checked, and as recorded if it has no call.
    """
    resource_id, outputs = simulate_outputs(
        resource.identity, account=account, region=resource.region, clock=clock
    )
    made = replace(resource, id=resource_id, outputs=outputs)
    if resource.type.startswith(RECORDED):
        return made
    if resource.type in CLOUDFLARE_CALLS:
        call = CLOUDFLARE_CALLS[resource.type]
        given = caller.make_at_cloudflare(call, resource.inputs, resource.urn)
        return replace(made, id=given if call.gives_id else resource_id, outcome="created")
    return make_calls(_calls(resource), made, made.state(), caller)


def make_calls(
    calls: tuple[ApiCall, ...], made: MadeResource, state: ResourceState, caller: Caller
) -> MadeResource:
    """Make calls one after the other, each knowing the outputs of those before it."""
    outcome: EmulatedOutcome = "created"
    known = dict(state)
    given: dict[str, Any] = {}
    for call in calls:
        if call.when(known):
            try:
                answer = caller.make(call, known, made.urn)
            except CallRefused as refusal:
                refusal.reached = known
                raise
            known |= answer
            given |= answer
            outcome = "validated" if call.only_validated else outcome
    outputs = {key: value for key, value in given.items() if key != "id" and key[0] != "_"}
    tags = {} if made.tags is None else {"tags": made.tags}
    return replace(
        made, id=known["id"], outputs={**made.outputs, **outputs, **tags}, outcome=outcome
    )


def _calls(resource: MadeResource) -> tuple[ApiCall, ...]:
    calls = CALLS.get(resource.type)
    if calls is None:
        raise ArcaError(
            f"The emulator has no API calls for the resource type {resource.type}.",
            where="arca/emulator/provider/resources",
            wanted="an entry with calls for every AWS resource type of the program",
            do="add the calls that the provider makes for it",
        )
    return calls


class EmulatedCloud:
    """Creates every resource in the emulated cloud at an endpoint."""

    def __init__(
        self,
        endpoint: str,
        *,
        account: str,
        clock: Clock,
        exports: Callable[[str], Mapping[str, Any]],
        on_progress: Callable[[Registration, int], None],
    ) -> None:
        self.counts = ResourceCounts()
        self.made: list[MadeResource] = []
        """The resources in the order in which they were made."""
        self._account = account
        self._clock = clock
        self._exports = exports
        self._on_progress = on_progress
        self._providers = Providers()
        self._caller = Caller(endpoint)

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Make a resource's calls; raises CallRefused at the first refused call."""
        if not registration.custom:
            return None, {}
        resource = self._providers.wanted(registration)
        made = make(resource, self._caller, account=self._account, clock=self._clock)
        self.made.append(made)
        self.counts.add(registration.component, made.outcome)
        self._on_progress(registration, self.counts.total)
        return made.id, dict(made.outputs)

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of a stack that is up beside this one."""
        return self._exports(name.rpartition("/")[2])
