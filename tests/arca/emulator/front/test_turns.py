"""Turns: exact weights, round robin, least outstanding requests."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from arca.emulator.front.actions import Forward
from arca.emulator.front.table import LEAST_OUTSTANDING, Target
from arca.emulator.front.turns import NO_CREDIT, Turns, after, next_turn
from tests.arca.emulator.front.answers import BLUE, GREEN, health, table

WEIGHTS = st.lists(st.integers(0, 20), min_size=1, max_size=5).map(
    lambda found: [(f"group-{number}", weight) for number, weight in enumerate(found)]
)
RULE = "rule"


@given(WEIGHTS, st.integers(1, 3))
def test_each_group_has_exactly_its_weight(weights: list[tuple[str, int]], rounds: int) -> None:
    """Of as many turns as the weights' sum, each group has its weight."""
    credit, counted = NO_CREDIT, Counter[str | None]()
    total = sum(weight for _, weight in weights)
    for _ in range(rounds * total):
        name, credit = next_turn(weights, credit)
        counted[name] += 1
    assert counted == Counter({name: rounds * weight for name, weight in weights if weight})
    if not total:
        assert next_turn(weights, credit) == (None, credit)


@given(st.integers(1, 99))
def test_the_smaller_share_is_spread_out(weight: int) -> None:
    """Never later than its share says by more than one turn: no burst at the end of a round."""
    weights = [("large", 100 - weight), ("small", weight)]
    credit, small = NO_CREDIT, 0
    for turn in range(1, 101):
        name, credit = next_turn(weights, credit)
        small += name == "small"
        assert abs(small - turn * weight / 100) <= 1


def test_new_weights_begin_anew() -> None:
    """After a shift, nobody is owed a turn by the old weights."""
    made, turns = table(targets={BLUE: health(p1="healthy"), GREEN: health(p2="healthy")}), Turns()
    for forward in (Forward(((BLUE, 999), (GREEN, 1))), Forward(((BLUE, 1), (GREEN, 1)))):
        found = [turns.choose(RULE, forward, made)[0] for _ in range(2)]
    names = [group.name for group in found if group]
    assert sorted(names) == ["blue", "green"]


def test_round_robin_over_the_targets_of_a_group() -> None:
    """Each target in its turn; one that joins or leaves does not begin the round anew."""
    turns, forward = Turns(), Forward(((BLUE, 1),))
    three = table(targets={BLUE: health(p1="healthy", p2="healthy", p3="healthy")})
    two = table(targets={BLUE: health(p1="healthy", p3="healthy")})
    found = [turns.choose(RULE, forward, made)[1] for made in (three, three, two, two, three)]
    assert [one.port for one in found if one] == [1, 2, 3, 1, 2]


@given(st.sets(st.integers(1, 9), min_size=1), st.integers(0, 10))
def test_after_is_a_rotation(ports: set[int], last: int) -> None:
    """All targets, and first the one after the last."""
    targets = [Target("127.0.0.1", port) for port in ports]
    found = after(targets, Target("127.0.0.1", last))
    assert sorted(found) == sorted(targets)
    later = [one for one in targets if one.port > last]
    assert found[0] == min(later or targets)


def test_least_outstanding_requests() -> None:
    """The target with the fewest requests in flight, and in turn among equals."""
    attributes = {BLUE: {"load_balancing.algorithm.type": LEAST_OUTSTANDING}}
    made = table(
        targets={BLUE: health(p1="healthy", p2="healthy", p3="healthy")}, attributes=attributes
    )
    turns, forward = Turns(), Forward(((BLUE, 1),))
    one, two, three = (Target("127.0.0.1", port) for port in (1, 2, 3))
    turns.begin(one)
    turns.begin(one)
    turns.begin(three)
    assert [turns.choose(RULE, forward, made)[1] for _ in range(2)] == [two, two]
    turns.begin(two)
    assert [turns.choose(RULE, forward, made)[1] for _ in range(3)] == [three, two, three]
    turns.end(one)
    turns.end(one)
    assert turns.choose(RULE, forward, made)[1] == one
    assert one not in turns.in_flight


def test_nobody_to_send_a_request_to() -> None:
    """A group without targets keeps its share; weights of 0 give nobody a turn."""
    made, turns = table(targets={BLUE: health(p1="healthy"), GREEN: []}), Turns()
    half = Forward(((BLUE, 1), (GREEN, 1)))
    found = {turns.choose(RULE, half, made) for _ in range(2)}
    assert {(group.name, target is None) for group, target in found if group} == {
        ("blue", False),
        ("green", True),
    }
    assert turns.choose("other", Forward(((BLUE, 0),)), made) == (None, None)
    group, target = turns.choose("third", Forward((("arn/gone/1", 1),)), made)
    assert group is not None
    assert (group.name, target) == ("gone", None)
