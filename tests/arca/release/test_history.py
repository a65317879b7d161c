"""What was deployed when."""

from arca.release import history
from tests.arca.release.stage import Arca, Stage, released


def test_a_release_is_replaced_when_the_next_one_begins(stage: Stage, arca: Arca) -> None:
    """A release counts as replaced from the beginning of the next deployment, not from its end."""
    latest = released(stage, arca)
    assert latest.finished is not None
    assert latest.finished > latest.created
    now, before = history.read_history(stage.service(), most=5)
    assert (now.replaced, before.replaced) == (None, latest.created)
