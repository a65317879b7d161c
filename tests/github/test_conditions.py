"""The tests' evaluator of conditions is as strict as it says, and knows all of ours."""

from typing import Any

import pytest

from tests.github.conditions import FINE, filled, holds, value
from tests.github.workflows import jobs, steps

CONTEXTS: dict[str, Any] = {
    "needs": {"a-b": {"result": "skipped", "outputs": {"stacks": '["dev","dr"]'}}},
    "github": {"event": {"labels": [{"name": "x"}, {"name": "y"}]}},
    "inputs": {"drift": False, "stack": "prod"},
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("needs.a-b.result == 'skipped'", True),
        ("needs.other.result == 'success'", False),
        ("contains(fromJSON(needs.a-b.outputs.stacks), 'dr')", True),
        ("contains(fromJSON(needs.a-b.outputs.stacks), 'd')", False),
        ("contains(github.event.labels.*.name, 'y')", True),
        ("contains(github.event.none.*.name, 'y')", False),
        ("!inputs.drift && inputs.stack", "prod"),
        ("inputs.drift || (inputs.stack == 'dev' || true) && false", False),
    ],
)
def test_expressions_have_githubs_values(text: str, wanted: object) -> None:
    """Precedence, missing values and lists are GitHub's."""
    assert value(text, CONTEXTS) == wanted


def test_a_condition_requires_success_unless_it_names_a_status() -> None:
    """A job after a failed job runs only where its condition says so."""
    failed = {**FINE, "success": False, "failure": True}
    assert holds(None, {})
    assert not holds("${{ inputs.stack == 'prod' }}", CONTEXTS, failed)
    assert holds("!cancelled() && inputs.stack == 'prod'", CONTEXTS, failed)
    assert filled("${{ inputs.stack }}-${{ inputs.none }}.", CONTEXTS) == "prod-."


@pytest.mark.parametrize(
    "text", ["a.b ==", "startsWith(a, 'b')", "nowhere.x", "1 < 2", "!a == 'b'"]
)
def test_an_unknown_expression_raises(text: str) -> None:
    """No condition is false because the evaluator does not know it."""
    with pytest.raises((AssertionError, SyntaxError, TypeError, KeyError)):
        value(text, {"a": {}})


def test_every_condition_of_the_workflows_can_be_evaluated() -> None:
    """So each of them is evaluated in the other tests, instead of searched for its words."""
    contexts: dict[str, Any] = {name: {} for name in ("env", "github", "inputs", "steps")}
    contexts["needs"] = {"touched": {"outputs": {"stacks": "[]"}}}
    conditions = [job.get("if") for _, _, job in jobs()] + [step.get("if") for _, step in steps()]
    assert len([one for one in conditions if one]) > 20
    for condition in filter(None, conditions):
        assert holds(condition, contexts) in {True, False}, condition
