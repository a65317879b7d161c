"""What an entry of the tables of changes is made of: how a type is updated and deleted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS
from arca.emulator.provider.resources.definition import ApiCall, CloudflareCall, ResourceState

Call = ApiCall | CloudflareCall
Inputs = Mapping[str, Any]


def any_change(_before: Inputs, _after: Inputs) -> bool:
    """Make the calls for every change of the inputs."""
    return True


@dataclass(frozen=True)
class Update:
    """The calls by which the provider changes some inputs of a resource in place.

    A call's state has the new inputs, also alone below `_inputs`, and below `_before` the state
    before the update.
    """

    inputs: tuple[str, ...]
    calls: tuple[Call, ...]
    gives: tuple[str, ...] = ()
    """The outputs that differ afterwards, so that a preview does not know them."""
    when: Callable[[Inputs, Inputs], bool] = any_change
    """Whether the inputs before and after can be changed in this way."""


@dataclass(frozen=True)
class Changes:
    """How the resources of a type are updated, replaced and deleted."""

    replaces: frozenset[str] = frozenset()
    """Inputs that the provider cannot change in place (its schema: ForceNew)."""
    updates: tuple[Update, ...] = ()
    deletes: tuple[Call, ...] = ()
    stays: str = ""
    """Why a deletion makes no call."""
    recorded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs whose change makes no call, and why."""
    name: str = ""
    """The input with a name that only one resource can have: it is deleted before it is replaced.

    The provider does the same (pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`).
    """
    delete_first: bool = False
    """Whether a resource is always deleted before it is replaced."""


def replaced_by(*names: str) -> frozenset[str]:
    """Return inputs that replace a resource."""
    return frozenset(names)


def again(token: str, *inputs: str, gives: tuple[str, ...] = ()) -> tuple[Update, ...]:
    """Return an update by the calls that create the type, because they also overwrite it."""
    if token in CLOUDFLARE_CALLS:
        made = CLOUDFLARE_CALLS[token]
        call = CloudflareCall(made.method, lambda s: made.params(s["_inputs"]))
        return (Update(inputs, (call,), gives),)
    return (Update(inputs, CALLS[token], gives),)


def before(state: ResourceState) -> ResourceState:
    """Return the state before the update."""
    return state["_before"]


def gone_from(state: ResourceState, name: str) -> list[Any]:
    """Return the members of a list that an update removes."""
    return [one for one in before(state).get(name, []) if one not in state.get(name, [])]


def new_in(state: ResourceState, name: str) -> list[Any]:
    """Return the members of a list that an update adds."""
    return [one for one in state.get(name, []) if one not in before(state).get(name, [])]
