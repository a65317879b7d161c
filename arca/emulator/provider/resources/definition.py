"""What an entry of the tables is made of: a resource type's outputs and its API calls."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class DeclaredResource(Protocol):
    """What outputs are computed from."""

    @property
    def urn(self) -> str:
        """The resource's URN."""
        ...

    @property
    def type(self) -> str:
        """Its type token."""
        ...

    @property
    def name(self) -> str:
        """Its logical name."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Its inputs by their wire names."""
        ...


ResourceState = Mapping[str, Any]
"""A resource's inputs and the outputs so far, by their wire names."""
ONLY_ON_CHANGE = "it matters only when the resource is changed or deleted"
PROVIDER_ONLY = "it tells the provider how to work, and AWS nothing"


@dataclass(frozen=True)
class OutputTemplates:
    """Templates of a resource's id and computed outputs.

    A template's fields are `{name}` (the physical name), `{hex}` (seventeen digits of the URN's
    hash), `{account}`, `{region}`, `{id}`, and every scalar input by its wire name;
    simulated_outputs.py lists the others.
    """

    id: str
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    name_input: str = ""
    """The input with the physical name, which is made from the logical name if it is absent."""


def no_outputs(_answer: Mapping[str, Any]) -> dict[str, Any]:
    """Take no output from the answer."""
    return {}


def always(_state: ResourceState) -> bool:
    """Make the call for each resource of the type."""
    return True


@dataclass(frozen=True)
class ApiCall:
    """An API call that creates a resource, or a part of it.

    `params` may use any capitals in keys and any type of number: `to_api_parameters` converts
    both to botocore's model. `only_validated` says why moto cannot carry out the call, which is
    then checked against the model and not sent. `withheld` says the same of single parameters:
    the call is checked with them and sent without them.
    """

    service: str
    operation: str
    params: Callable[[ResourceState], Mapping[str, Any]]
    outputs: Callable[[Mapping[str, Any]], Mapping[str, Any]] = no_outputs
    when: Callable[[ResourceState], bool] = always
    only_validated: str = ""
    withheld: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The service and the operation: `ec2.create_vpc`."""
        return f"{self.service}.{self.operation}"


def all_inputs(state: ResourceState) -> dict[str, Any]:
    """Take every input unchanged."""
    return dict(state)


@dataclass(frozen=True)
class CloudflareCall:
    """A call of Cloudflare's API that creates a resource.

    `method` is the method of the package's client, for example `dns.records.create`. `params` may
    use Pulumi's names, which cloudflare_api.py converts to the API's.
    """

    method: str
    params: Callable[[ResourceState], Mapping[str, Any]] = all_inputs
    gives_id: bool = False
    """Whether the answer's id is the resource's."""


@dataclass(frozen=True)
class Resource:
    """How the emulator creates the resources of a type."""

    templates: OutputTemplates
    compute: Callable[[DeclaredResource, datetime], Mapping[str, Any]] | None = None
    """Computes outputs that no template can express, from the inputs and the current time."""
    calls: tuple[ApiCall, ...] = ()
    """The calls of AWS in order; none for a type that is only recorded, or of Cloudflare."""
    cloudflare: CloudflareCall | None = None
    """The call of Cloudflare's API."""
    not_sent: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs that no call carries, and why."""


def arn_outputs(
    service: str, resource: str, identifier: str = "{name}", **more: str
) -> OutputTemplates:
    """Return the templates of a named resource whose ARN has a region and an account."""
    arn = f"arn:aws:{service}:{{region}}:{{account}}:{resource}"
    return OutputTemplates(identifier, {"arn": arn, **more}, name_input="name")


def take(*names: str, **renamed: str) -> Callable[[ResourceState], dict[str, Any]]:
    """Take inputs unchanged; `apiName="inputName"` takes one under another name."""

    def params(state: ResourceState) -> dict[str, Any]:
        plain = {name: state[name] for name in names if name in state}
        return plain | {api: state[name] for api, name in renamed.items() if name in state}

    return params


def take_outputs(**paths: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Take outputs from an answer; a path is dotted, as in `id="LoadBalancers.0.DNSName"`."""

    def outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _at(answer, path) for name, path in paths.items()}

    return outputs


def _at(answer: Any, path: str) -> Any:
    for step in path.split("."):
        answer = answer[int(step) if step.isdecimal() else step]
    return answer


def tags(state: ResourceState, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return the tags as a list of pairs, whose members most APIs call Key and Value."""
    return [{key: name, value: text} for name, text in state.get("tags", {}).items()]


def tag_specifications(kind: str, state: ResourceState) -> list[dict[str, Any]]:
    """Return the tags as EC2 takes them when a resource is created."""
    return [{"ResourceType": kind, "Tags": tags(state)}]


def digest(*parts: str) -> str:
    """Return 32 hexadecimal digits that depend only on the parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
