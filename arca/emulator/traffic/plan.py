"""What customers will ask for and when, decided before the first request: a pure function."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from arca.errors import ArcaError

Kind = Literal["issue", "read", "status"]
Arrivals = Literal["poisson", "constant"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_CENTS = 1_000_000


@dataclass(frozen=True)
class TrafficPlan:
    """How much traffic, and what the seed decides."""

    rate: float
    """Requests a second, on average."""
    seconds: float
    seed: int
    mix: Mapping[Kind, float]
    """The share of each kind of request; the shares need not add up to anything."""
    run: str
    """The first part of all idempotency keys: a second run with a seed issues invoices anew."""
    arrivals: Arrivals = "poisson"
    points_of_sale: int = 4


@dataclass(frozen=True)
class PlannedRequest:
    """A request of a customer."""

    number: int
    at: float
    """Seconds from the start."""
    kind: Kind
    key: str
    """The idempotency key."""
    point_of_sale: int
    net: str
    """The amount of the invoice, with cents."""
    choice: float
    """Which of the known invoices to read: a share of their number, below 1."""


def planned_requests(plan: TrafficPlan) -> Iterator[PlannedRequest]:
    """Yield the requests in the order of their moments; the same plan gives the same requests.

    The moments and the contents draw from generators of their own, so that another mix changes no
    moment.
    """
    moments = random.Random(f"{plan.seed} moments")  # noqa: S311 - a seed, no secret
    contents = random.Random(f"{plan.seed} contents")  # noqa: S311 - likewise
    kinds: list[Kind] = [kind for kind in KINDS if plan.mix.get(kind)]
    weights = [plan.mix[kind] for kind in kinds]
    at, number = 0.0, 0
    while True:
        constant = plan.arrivals == "constant"
        at = number / plan.rate if constant else at + moments.expovariate(plan.rate)
        if at >= plan.seconds:
            return
        (kind,) = contents.choices(kinds, weights)
        cents = contents.randint(1, MOST_CENTS)
        yield PlannedRequest(
            number=number,
            at=at,
            kind=kind,
            key=f"{plan.run}-{number}",
            point_of_sale=contents.randint(1, plan.points_of_sale),
            net=f"{cents // 100}.{cents % 100:02}",
            choice=contents.random(),
        )
        number += 1


def read_mix(text: str) -> dict[Kind, float]:
    """Read a mix such as `issue=70,read=25,status=5`; raises ArcaError."""
    found: dict[Kind, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            number = float(share)
        except ValueError:
            number = -1
        if name not in KINDS or name in found or not 0 <= number < float("inf"):
            raise _wrong_mix(text)
        found[name] = number
    if not sum(found.values()):
        raise _wrong_mix(text)
    return found


def _wrong_mix(text: str) -> ArcaError:
    return ArcaError(
        f"The mix {text!r} is not valid.",
        where="--mix",
        wanted=f"shares of {', '.join(KINDS)}, such as issue=70,read=25,status=5",
        do="correct it",
    )
