"""Planted faults: each is found by exactly the judges that the table names."""

import pytest

from tests.judges.faults import FAULTS
from tests.judges.planted import found, names
from tests.stacks import graph


@pytest.mark.parametrize("by_cfn_lint", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_each_planted_fault_is_found(by_cfn_lint: bool) -> None:  # noqa: FBT001 - a parameter
    """A judge that finds nothing any more is a judge less."""
    said = found(graph("prod"), FAULTS, by_cfn_lint=by_cfn_lint)
    left_out = set[str]() if by_cfn_lint else {"cfn-lint"}
    assert {one.what: sorted(names(said[n])) for n, one in enumerate(FAULTS)} == {
        one.what: sorted(one.found_by - left_out) for one in FAULTS
    }


def test_each_judge_finds_something() -> None:
    """There are faults of each kind, and no judge is there for nothing."""
    assert len({fault.what for fault in FAULTS}) == len(FAULTS) >= 40
    judges = {name for fault in FAULTS for name in fault.found_by}
    assert judges == {
        *("botocore", "cfn-lint", "cloudflare", "collector", "metrics", "plan", "refusals"),
        "roles",
    }
