"""Tests of the table of resource types: every input of the program reaches an API call."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS, RECORDED, RESOURCES
from tests.arca.emulator.provider.declared import graphs


class WatchedState(dict[str, Any]):
    """A resource's state that remembers which of its values were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, and remember its key."""
        self.read.add(key)
        return super().get(key, default)


def test_every_input_reaches_a_call_or_is_declared_unsent() -> None:
    """Nothing would check an input that no call reads and no entry declares."""
    unread: dict[str, set[str]] = defaultdict(set)
    for declared in graphs():
        for urn, node in declared.nodes.items():
            if node.type in CALLS:
                drawn = {"id": "x", "_urn": urn, "_region": "x", "_ingress": [1], "_egress": [1]}
                state = WatchedState({**declared.states[urn], **drawn})
                for call in CALLS[node.type]:
                    if call.when(state):
                        call.params(state)
                # The region is where a call goes; it is no parameter.
                unread[node.type] |= set(node.inputs) - state.read - {"region"}
    assert {kind: names for kind, names in unread.items() if names} == {
        kind: set(resource.not_sent) for kind, resource in RESOURCES.items() if resource.not_sent
    }


def test_the_table_holds_no_type_that_nobody_declares() -> None:
    """The table has only types that a stack or a route declares, and those of unused options."""
    declared = {node.type for one in graphs() for node in one.custom()}
    assert set(CALLS) - declared == {
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
    }


def test_a_type_has_calls_or_is_recorded_only() -> None:
    """A type without calls that is not listed as recorded would make nothing, unnoticed."""
    called = {*CALLS, *CLOUDFLARE_CALLS}
    without_calls = {kind for kind in RESOURCES if kind not in called}
    assert without_calls == {kind for kind in RESOURCES if kind.startswith(RECORDED)}
