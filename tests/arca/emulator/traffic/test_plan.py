"""The plan of traffic: moments and contents by a seed."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.emulator.traffic.plan import (
    KINDS,
    PlannedRequest,
    TrafficPlan,
    planned_requests,
    read_mix,
)
from arca.errors import ArcaError

PLAN: dict[str, Any] = {"rate": 50, "seconds": 4, "mix": {"issue": 70, "read": 25, "status": 5}}


def planned(seed: int = 1, **changes: Any) -> list[PlannedRequest]:
    """Return the requests of a plan."""
    given: dict[str, Any] = {**PLAN, "seed": seed, "run": "r", **changes}
    return list(planned_requests(TrafficPlan(**given)))


@given(st.integers(0, 2**32))
def test_a_seed_decides_everything(seed: int) -> None:
    """The same seed gives the same requests; another one gives others."""
    assert planned(seed) == planned(seed)
    assert planned(seed) != planned(seed + 1)


def test_another_mix_or_run_changes_no_moment() -> None:
    """Two runs with different mixes meet the same arrivals."""
    moments = [one.at for one in planned()]
    assert [one.at for one in planned(mix={"status": 1})] == moments
    others = planned(run="other")
    assert [one.at for one in others] == moments
    assert {one.key for one in others}.isdisjoint(one.key for one in planned())


def test_poisson_arrivals() -> None:
    """In order, within the time, as many as the rate says; gaps vary as an exponential's do."""
    found = planned(rate=100, seconds=100)
    moments = [one.at for one in found]
    assert moments == sorted(moments)
    assert 0 < moments[0] <= moments[-1] < 100
    assert len(found) == pytest.approx(10_000, rel=0.05)
    gaps = [b - a for a, b in pairwise(moments)]
    shorter = sum(gap < 0.01 for gap in gaps) / len(gaps)
    assert shorter == pytest.approx(0.632, abs=0.02), "1 - 1/e of the gaps are below the mean"


def test_constant_arrivals() -> None:
    """Evenly spread from the beginning on."""
    moments = [one.at for one in planned(arrivals="constant", rate=4, seconds=1)]
    assert moments == [0, 0.25, 0.5, 0.75]


def test_the_mix_divides_the_requests() -> None:
    """By its shares; a kind without a share does not occur."""
    counted = Counter(one.kind for one in planned(rate=1000, seconds=10))
    total = sum(counted.values())
    for kind, share in PLAN["mix"].items():
        assert counted[kind] / total == pytest.approx(share / 100, abs=0.02)
    assert {one.kind for one in planned(mix={"issue": 1, "read": 0})} == {"issue"}


def test_amounts_are_whole_cents() -> None:
    """The API takes amounts as text with at most two decimals, and no zero."""
    for one in planned(rate=500):
        whole, _, cents = one.net.partition(".")
        assert whole.isdecimal()
        assert len(cents) == 2
        assert float(one.net) > 0
        assert 1 <= one.point_of_sale <= 4


def test_a_mix_is_read() -> None:
    """In any order; kinds that are left out have no share."""
    assert read_mix("status=5,issue=70.5") == {"status": 5, "issue": 70.5}
    for wrong in (
        "",
        "issue",
        "issue=x",
        "issue=-1",
        "issue=0",
        "buy=1",
        "read=1,read=2",
        "read=inf",
    ):
        with pytest.raises(ArcaError, match="The mix"):
            read_mix(wrong)
    assert set(KINDS) == {"issue", "read", "status"}
