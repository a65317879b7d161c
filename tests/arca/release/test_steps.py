"""The state machine of a release: what follows each step, and when ECS goes on by itself."""

import pytest

from arca.release.steps import Step


def test_what_follows_what() -> None:
    """The steps stand in their order, with the values that old journals hold."""
    assert [(str(step), str(step.next)) for step in list(Step)[:-1]] == [
        ("preflight", "registered"),
        ("registered", "migrated"),
        ("migrated", "updating"),
        ("updating", "following"),
    ]
    with pytest.raises(IndexError):
        _ = Step.FOLLOWING.next


def test_ecs_goes_on_from_the_update_on() -> None:
    """A failure keeps the journal only where ECS may work on the deployment."""
    assert {step for step in Step if step.ecs_goes_on} == {Step.UPDATING, Step.FOLLOWING}
