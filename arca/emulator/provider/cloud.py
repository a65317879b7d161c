"""The emulated AWS and Cloudflare as a cloud: it creates each declared resource by API calls."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape
from botocore.validate import ParamValidator

from arca.clock import Clock
from arca.emulator.aws_clients import session
from arca.emulator.judges import constraints, refusals
from arca.emulator.judges.refusals import MadeCall
from arca.emulator.program.engine import Registration
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.cloudflare_api import CloudflareClient, Unanswered
from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS, RECORDED
from arca.emulator.provider.resources.definition import ApiCall, ResourceState
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.errors import ArcaError

EmulatedOutcome = Literal["created", "validated", "recorded"]


class CallRefused(ArcaError):
    """botocore's model or the emulation refused a call."""

    def __init__(
        self, urn: str, name: str, reason: str, *, by: str = "AWS's service model"
    ) -> None:
        super().__init__(
            f"{name} was refused: {reason}",
            where=urn,
            wanted=f"a call that {by} and the emulation accept",
            do="correct the resource's inputs, or its entry in arca/emulator/provider/resources",
        )


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


class EmulatedCloud:
    """Creates resources in the emulated AWS at an endpoint.

    Every call of AWS is checked against botocore's model, and one of Cloudflare by the emulated
    Cloudflare. A resource counts as created if all of its calls were carried out, as validated if
    one of them was only checked, and as recorded if it has no call.
    """

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
        self._endpoint = endpoint
        self._account = account
        self._clock = clock
        self._exports = exports
        self._on_progress = on_progress
        self._providers: dict[str, tuple[str, dict[str, str]]] = {}
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._session = session()
        self._validator = ParamValidator()
        self._cloudflare = CloudflareClient(endpoint)
        self._made: list[MadeCall] = []

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Make a resource's calls; raises CallRefused at the first refused call."""
        if not registration.custom:
            return None, {}
        if registration.type == "pulumi:providers:aws":
            self._remember(registration)
        region, default_tags = self._providers.get(
            registration.provider.rpartition("::")[0], ("us-east-1", {})
        )
        region = str(registration.inputs.get("region", region))
        resource_id, outputs = simulate_outputs(
            registration, account=self._account, region=region, clock=self._clock
        )
        if registration.type.startswith(RECORDED):
            self._finish(registration, "recorded")
            return resource_id, outputs
        if registration.type in CLOUDFLARE_CALLS:
            resource_id = self._make_at_cloudflare(registration, resource_id)
            self._finish(registration, "created")
            return resource_id, outputs
        state = {**outputs, "id": resource_id, "_urn": registration.urn, "_region": region}
        if "tags" in outputs:
            state["tags"] = {**default_tags, **outputs["tags"]}
        outcome: EmulatedOutcome = "created"
        for call in self._calls(registration):
            if call.when(state):
                state |= self._make(call, state, registration.urn)
                outcome = "validated" if call.only_validated else outcome
        self._finish(registration, outcome)
        return state["id"], {key: value for key, value in state.items() if key[0] != "_"}

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the exports of a stack that is up beside this one."""
        return self._exports(name.rpartition("/")[2])

    def _remember(self, provider: Registration) -> None:
        inputs = provider.inputs
        tags = json.loads(inputs.get("defaultTags", "{}")).get("tags", {})
        self._providers[provider.urn] = (inputs["region"], tags)

    def _make_at_cloudflare(self, registration: Registration, simulated: str) -> str:
        """Make a resource's call of Cloudflare; returns its id, or the simulated one."""
        call = CLOUDFLARE_CALLS[registration.type]
        try:
            made = self._cloudflare.make(call, registration.inputs)
        except Unanswered as refusal:
            name, by = f"cloudflare.{call.method}", "Cloudflare's types, the zone's plan"
            raise CallRefused(registration.urn, name, str(refusal), by=by) from None
        return made if call.gives_id else simulated

    def _calls(self, registration: Registration) -> tuple[ApiCall, ...]:
        calls = CALLS.get(registration.type)
        if calls is None:
            raise ArcaError(
                f"The emulator has no API calls for the resource type {registration.type}.",
                where="arca/emulator/provider/resources",
                wanted="an entry with calls for every AWS resource type of the program",
                do="add the calls that the provider makes for it",
            )
        return calls

    def _make(self, call: ApiCall, state: ResourceState, urn: str) -> Mapping[str, Any]:
        params = self._params(call, state, urn)
        region = str(params.pop("_region", state["_region"]))
        client = self._client(call.service, region)
        api_name = client.meta.method_to_api_mapping[call.operation]
        shape = client.meta.service_model.operation_model(api_name).input_shape
        params = to_api_parameters(params, shape)
        if shape is not None:
            report = self._validator.validate(params, shape)
            if report.has_errors():
                raise CallRefused(urn, call.name, report.generate_report())
        self._judge(call, MadeCall(call.name, params, region), shape, urn)
        if call.only_validated:
            return {}
        try:
            answer: Mapping[str, Any] = getattr(client, call.operation)(
                **{key: value for key, value in params.items() if key not in call.withheld}
            )
        except (ClientError, BotoCoreError) as error:
            raise CallRefused(urn, call.name, str(error)) from None
        return call.outputs(answer)

    def _judge(self, call: ApiCall, made: MadeCall, shape: Shape | None, urn: str) -> None:
        """Raise CallRefused for what AWS refuses and neither botocore's validator nor moto does."""
        for finding in constraints.judge(urn, made.params, shape):
            reason = f"ValidationException: {finding.property}: {finding.says}"
            raise CallRefused(urn, call.name, reason)
        for refusal, finding in refusals.judge(urn, made, self._made):
            if refusal.name not in refusals.TOLERATED:
                reason = f"{refusal.code}: {finding.property}: {finding.says} ({refusal.page})"
                raise CallRefused(urn, call.name, reason)
        self._made.append(made)

    def _params(self, call: ApiCall, state: ResourceState, urn: str) -> dict[str, Any]:
        try:
            return dict(call.params(state))
        except KeyError as missing:
            raise ArcaError(
                f"{call.name} needs the input {missing.args[0]}, which the program does not set.",
                where=urn,
                wanted="every input that this type's entry in arca/emulator/provider/resources "
                "reads",
                do="set the input, or let the entry read it with `.get` if AWS can do without it",
            ) from None

    def _client(self, service: str, region: str) -> BaseClient:
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(
                service,
                region_name=region,
                endpoint_url=self._endpoint,
                config=Config(
                    retries={"max_attempts": 1},
                    connect_timeout=5,
                    read_timeout=30,
                    parameter_validation=False,
                    s3={"addressing_style": "path"},
                ),
            )
        return self._clients[key]

    def _finish(self, registration: Registration, outcome: EmulatedOutcome) -> None:
        self.counts.add(registration.component, outcome)
        self._on_progress(registration, self.counts.total)
