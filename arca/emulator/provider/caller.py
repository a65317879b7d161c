"""Makes calls of AWS and Cloudflare: checks them against models and rules, then sends them."""

import uuid
from collections.abc import Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape
from botocore.parsers import ResponseParserError
from botocore.validate import ParamValidator

from arca.emulator.aws_clients import ONCE_HEADER, session
from arca.emulator.judges import constraints, refusals
from arca.emulator.judges.refusals import MadeCall
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.cloudflare_api import CloudflareClient, Unanswered
from arca.emulator.provider.resources.definition import ApiCall, CloudflareCall, ResourceState
from arca.errors import ArcaError


class CallRefused(ArcaError):
    """botocore's model or the emulation refused a call, or the emulation did not answer it."""

    def __init__(
        self,
        urn: str,
        name: str,
        reason: str,
        *,
        by: str = "AWS's service model",
        code: str = "",
        answered: bool = True,
    ) -> None:
        super().__init__(
            f"{name} was refused: {reason}",
            where=urn,
            wanted=f"a call that {by} and the emulation accept",
            do="correct the resource's inputs, or its entry in arca/emulator/provider/resources",
        )
        self.code = code
        """AWS's code of the error; empty where another judge refused the call."""
        self.answered = answered
        """Whether it is known that the call changed nothing."""
        self.reached: Mapping[str, Any] = {}
        """The resource's state after the calls before this one."""


class Caller:
    """Makes the calls about resources in the emulated cloud at an endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.key = ""
        """What the server knows the next calls by; empty for calls that nobody repeats."""
        self.carried_out = 0
        """The number of calls that the server carried out."""
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._session = session()
        self._validator = ParamValidator()
        self._cloudflare = CloudflareClient(endpoint)
        self._made: list[MadeCall] = []
        self._numbers = 0

    def begin(self, key: str) -> None:
        """Let the server carry out the next calls once, however often they come with this key."""
        self.key, self._numbers = key, 0

    def make(self, call: ApiCall, state: ResourceState, urn: str) -> Mapping[str, Any]:
        """Make a call of AWS and return the outputs that it gives; raises CallRefused."""
        params = self._params(call, state, urn)
        region = str(params.pop("_region", state["_region"]))
        client = self._client(call.service, region)
        api_name = client.meta.method_to_api_mapping[call.operation]
        operation = client.meta.service_model.operation_model(api_name)
        shape = operation.input_shape
        params = to_api_parameters(params, shape)
        for token in operation.idempotent_members:
            # Botocore makes these up itself, later than we validate.
            if shape is not None and token in shape.required_members:
                params.setdefault(token, str(uuid.uuid4()))
        if shape is not None:
            report = self._validator.validate(params, shape)
            if report.has_errors():
                raise CallRefused(urn, call.name, report.generate_report())
        self._judge(call, MadeCall(call.name, params, region), shape, urn)
        if call.only_validated:
            return {}
        self._numbers += 1
        try:
            answer: Mapping[str, Any] = getattr(client, call.operation)(
                **{key: value for key, value in params.items() if key not in call.withheld}
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise CallRefused(urn, call.name, str(error), code=code) from None
        except ResponseParserError:
            # What moto cannot do ends as a page of HTML.
            raise CallRefused(urn, call.name, "moto failed; see the server's log") from None
        except BotoCoreError as error:
            raise CallRefused(urn, call.name, str(error), answered=False) from None
        self.carried_out += 1
        return call.outputs(answer)

    def make_at_cloudflare(self, call: CloudflareCall, state: ResourceState, urn: str) -> str:
        """Make a call of Cloudflare and return the id in its answer; raises CallRefused."""
        self._numbers += 1
        try:
            made = self._cloudflare.make(call, state, self._headers())
        except Unanswered as refusal:
            name, by = f"cloudflare.{call.method}", "Cloudflare's types, the zone's plan"
            raise CallRefused(
                urn, name, str(refusal), by=by, code=refusal.code, answered=refusal.answered
            ) from None
        self.carried_out += 1
        return made

    def _headers(self) -> dict[str, str]:
        return {ONCE_HEADER: f"{self.key}/{self._numbers}"} if self.key else {}

    def _mark(self, params: dict[str, Any], **_: Any) -> None:
        """Answer botocore's event before a call."""
        params["headers"].update(self._headers())

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
            client = self._session.client(
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
            client.meta.events.register("before-call", self._mark)
            self._clients[key] = client
        return self._clients[key]
