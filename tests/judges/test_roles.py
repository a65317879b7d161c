"""What each role lacks, and what it may do and never does."""

import pytest

from tests.changes import ROUTES
from tests.judges import roles
from tests.judges.expected import unexpected
from tests.stacks import STACKS, graph


@pytest.mark.parametrize("stack", STACKS)
def test_each_role_may_do_what_it_needs_and_nothing_else(stack: str) -> None:
    """AWS's pages and our code say what is needed."""
    assert unexpected(stack, roles.judge(graph(stack)), "roles") == []


def test_the_chats_role_reads_alarms_only() -> None:
    """It is in a stack only where its owner names a channel."""
    assert unexpected("staging", roles.judge(graph("staging", ROUTES)), "roles") == []


def test_every_listed_role_exists() -> None:
    """A renamed role would be judged by nothing."""
    graphs = [*(graph(stack) for stack in STACKS), graph("staging", ROUTES)]
    names = {node.name for one in graphs for node in one.of("aws:iam/role:Role")}
    assert set(roles.NEEDS) | set(roles.CODE) == {
        name for name in names if not name.startswith(roles.PIPELINE)
    }
