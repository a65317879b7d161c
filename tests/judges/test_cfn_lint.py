"""CloudFormation's schemas and rules, over all resources that have a twin there."""

from collections import defaultdict

import pytest

from tests.changes import ROUTES
from tests.graph import Graph
from tests.judges import cfn_lint
from tests.judges.expected import unexpected
from tests.judges.twins import TWINS, WITHOUT_PROPERTY, WITHOUT_TWIN
from tests.stacks import STACKS, graph


def graphs() -> list[Graph]:
    """Return the graphs of all stacks, and one in which alarms take every route."""
    return [*(graph(stack) for stack in STACKS), graph("staging", ROUTES)]


def test_every_type_has_a_twin_or_a_reason() -> None:
    """A type of AWS that no judge of CloudFormation sees is listed."""
    declared = {node.type for one in graphs() for node in one.custom()}
    of_aws = {kind for kind in declared if kind.startswith("aws:")}
    assert of_aws - set(TWINS) == set(WITHOUT_TWIN)
    assert set(TWINS) - of_aws == set()


def test_no_input_is_dropped_in_silence() -> None:
    """An input that CloudFormation has no property for is listed with its reason."""
    dropped: dict[str, set[str]] = defaultdict(set)
    for one in graphs():
        for node in one.custom():
            if node.type in TWINS:
                dropped[node.type] |= set(cfn_lint.translated(one, node).unjudged)
    assert {kind: names for kind, names in dropped.items() if names} == {
        kind: set(names) for kind, names in WITHOUT_PROPERTY.items()
    }


@pytest.mark.parametrize(
    "stack",
    ["prod", "dr", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dev", "staging"))],
)
def test_cfn_lint_accepts_the_stack(stack: str) -> None:
    """AWS's schemas of the region and AWS's rules find nothing that is not expected."""
    assert unexpected(stack, cfn_lint.judge(graph(stack)), "cfn-lint") == []


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_cfn_lint_accepts_what_another_stack_has_beyond_prod(stack: str) -> None:
    """Of dev and staging, `make test` judges only what differs from prod: cfn-lint is slow."""
    mine = cfn_lint.beyond_names(graph(stack), graph("prod"))
    assert 40 < len(mine) < len(list(graph(stack).custom()))
    assert unexpected(stack, cfn_lint.judge(graph(stack), mine), "cfn-lint", some=True) == []


def test_cfn_lint_accepts_every_route_of_an_alarm() -> None:
    """Subscriptions and the chat are in a stack only where its owner names a route."""
    routed = graph("staging", ROUTES)
    kinds = ("aws:sns/topicSubscription:TopicSubscription", "aws:chatbot/slackChannelConfiguration")
    nodes = [node for node in routed.custom() if node.type.startswith(kinds)]
    assert len(nodes) > 4
    assert cfn_lint.judge(routed, nodes) == []
