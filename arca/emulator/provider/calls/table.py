"""What an entry of the table is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

State = Mapping[str, Any]
"""What is known of a resource: its inputs, and the outputs so far, by their wire names."""


def nothing(_answer: Mapping[str, Any]) -> dict[str, Any]:
    """Take no output from the answer."""
    return {}


def always(_state: State) -> bool:
    """Make the call for every resource of the type."""
    return True


@dataclass(frozen=True)
class Call:
    """One API call.

    `params` needs no care for the API's capitals or numbers: `fit` brings both into
    the shape of botocore's model. `only_validated` says why moto cannot carry the call out;
    it is then checked against the model and not sent. `withheld` says the same of single
    parameters: the call is checked with them and sent without.
    """

    service: str
    operation: str
    params: Callable[[State], Mapping[str, Any]]
    outputs: Callable[[Mapping[str, Any]], Mapping[str, Any]] = nothing
    when: Callable[[State], bool] = always
    only_validated: str = ""
    withheld: Mapping[str, str] = field(default_factory=dict[str, str])


def take(*names: str, **renamed: str) -> Callable[[State], dict[str, Any]]:
    """Take inputs as they are; `apiName=inputName` for those that are called otherwise."""

    def params(state: State) -> dict[str, Any]:
        plain = {name: state[name] for name in names if name in state}
        return plain | {api: state[name] for api, name in renamed.items() if name in state}

    return params


def tags(state: State) -> list[dict[str, str]]:
    """The tags as most APIs take them."""
    return [{"Key": key, "Value": value} for key, value in state.get("tags", {}).items()]


def specify(kind: str, state: State) -> list[dict[str, Any]]:
    """The tags as EC2 takes them at creation."""
    return [{"ResourceType": kind, "Tags": tags(state)}]
