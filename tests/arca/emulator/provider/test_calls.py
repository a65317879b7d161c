"""The table of calls: nothing that a resource says is dropped unseen."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls import TABLE
from arca.emulator.provider.calls.unsent import UNSENT
from tests.stacks import STACKS, graph


class Watched(dict[str, Any]):
    """A state that remembers which of its values were asked for."""

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
        """Remember, and give."""
        self.read.add(key)
        return super().get(key, default)


def test_every_input_reaches_a_call_or_is_declared_unsent() -> None:
    """An input that the table forgot would be checked by nobody."""
    unread: dict[str, set[str]] = defaultdict(set)
    for stack in STACKS:
        for urn, node in graph(stack).nodes.items():
            if node.type in TABLE:
                drawn = {"id": "x", "_urn": urn, "_region": "x", "_ingress": [1], "_egress": [1]}
                state = Watched({**graph(stack).states[urn], **drawn})
                for call in TABLE[node.type]:
                    if call.when(state):
                        call.params(state)
                # The region is where a call goes, not what it says.
                unread[node.type] |= set(node.inputs) - state.read - {"region"}
    assert {kind: names for kind, names in unread.items() if names} == {
        kind: set(inputs) for kind, inputs in UNSENT.items()
    }


def test_the_table_holds_no_type_that_nobody_declares() -> None:
    """Entries for options that no stack switches on are named here."""
    declared = {node.type for stack in STACKS for node in graph(stack).custom()}
    assert set(TABLE) - declared == {
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
    }
