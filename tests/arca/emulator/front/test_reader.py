"""Readings of the API while a deployment shifts the traffic between two calls."""

from collections.abc import Sequence
from typing import Any

import pytest

from arca.emulator.front import reader
from arca.emulator.front.table import RegionAnswers
from tests.arca.emulator.front.answers import BLUE, GREEN, LISTENER, forward, health, rule

BEFORE = {"weights": (100, 0), BLUE: health(p1="healthy"), GREEN: []}
BOTH = {"weights": (100, 0), BLUE: health(p1="healthy"), GREEN: health(p2="healthy")}
SHIFTED = {**BOTH, "weights": (0, 100)}
AFTER = {"weights": (0, 100), BLUE: [], GREEN: health(p2="healthy")}
STAGES = (BEFORE, BOTH, SHIFTED, AFTER)


class Shifting:
    """An API that goes on to the next stage of a deployment at certain calls."""

    def __init__(self, moves: Sequence[int]) -> None:
        self._moves, self._calls, self._stage = moves, 0, 0

    def _now(self) -> dict[Any, Any]:
        self._calls += 1
        self._stage = min(len(STAGES) - 1, self._stage + self._moves.count(self._calls))
        return STAGES[self._stage]

    def describe_rules(self, **_: Any) -> dict[str, Any]:
        """Return the rule with the weights of this moment."""
        return {"Rules": [weighed(*self._now()["weights"])]}

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Return the targets of this moment."""
        return {"TargetHealthDescriptions": self._now()[TargetGroupArn]}


def client_of(elb: Any) -> reader.Client:
    """Return a function that makes this client, whatever is asked for."""

    def client(_service: str, _region: str) -> Any:
        return elb

    return client


def weighed(blue: int, green: int) -> dict[str, Any]:
    """Return the production rule."""
    return rule(10, Actions=[forward(blue=blue, green=green)])


@pytest.mark.parametrize(
    "moves", [(a, b, c) for a in range(1, 10) for b in range(a, 10) for c in range(b, 10)], ids=str
)
def test_no_group_has_the_traffic_without_targets(moves: Sequence[int]) -> None:
    """Whenever the stages follow each other, the group with the weight has targets."""
    elb = Shifting(moves)
    known = RegionAnswers(
        "r",
        rules={LISTENER: [weighed(100, 0), rule("default")]},
        health={BLUE: BEFORE[BLUE], GREEN: BEFORE[GREEN]},  # pyright: ignore[reportArgumentType]
    )
    for _ in range(4):
        known = reader.read_moving(client_of(elb), known)
        groups = known.rules[LISTENER][0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
        serving = [one["TargetGroupArn"] for one in groups if one["Weight"]]
        assert all(known.health[arn] for arn in serving)
    assert known.health == {BLUE: [], GREEN: AFTER[GREEN]}


def test_a_rule_that_is_gone_is_left_out() -> None:
    """Until the listener's rules are read anew."""

    class Empty(Shifting):
        def describe_rules(self, **_: Any) -> dict[str, Any]:
            return {"Rules": []}

    default = rule("default")
    known = RegionAnswers("r", rules={LISTENER: [weighed(1, 0), default]})
    assert reader.read_moving(client_of(Empty(())), known).rules == {LISTENER: [default]}
