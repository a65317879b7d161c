"""The limits of botocore's models and the table of refusals, over all calls of all stacks."""

import pytest

from arca.emulator.judges.refusals import REFUSALS, TOLERATED
from tests.changes import ROUTES
from tests.judges import calls
from tests.judges.expected import EXPECTED, unexpected
from tests.stacks import STACKS, graph


@pytest.mark.parametrize("stack", STACKS)
def test_botocores_models_accept_the_stack(stack: str) -> None:
    """Patterns, enumerations and upper limits hold, which botocore's validator ignores."""
    assert calls.judge_constraints(graph(stack)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_aws_refuses_nothing_of_the_stack(stack: str) -> None:
    """No rule of the table finds anything that is not expected."""
    assert unexpected(stack, calls.judge_refusals(graph(stack)), "refusals") == []


def test_every_route_of_an_alarm_is_accepted() -> None:
    """Subscriptions and the chat are in a stack only where its owner names a route."""
    routed = graph("staging", ROUTES)
    assert calls.judge_constraints(routed) == []
    assert unexpected("staging", calls.judge_refusals(routed), "refusals") == []


def test_every_rule_is_about_a_call_that_is_made() -> None:
    """A rule about another operation would judge nothing."""
    made = {call.made.operation for stack in STACKS for call in calls.planned(graph(stack))}
    ruled = {operation for refusal in REFUSALS for operation in refusal.operations}
    assert ruled - made == set()


def test_each_tolerated_rule_is_broken_today() -> None:
    """What is mended is enforced again: delete it from TOLERATED then."""
    assert len(TOLERATED) == sum(at[0].startswith("refusals") for at in EXPECTED)
