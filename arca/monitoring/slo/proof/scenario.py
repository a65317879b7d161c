"""Made-up days of a service: traffic, trouble, and telemetry that is missing or late.

Everything of a scenario comes from its seed: numpy's PCG64 gives the same numbers everywhere.
"""

from dataclasses import dataclass

import numpy as np

from arca.monitoring.slo.metric_math import Series
from arca.monitoring.slo.objective import Objective, SliceIndicator

DAY = 24 * 60
DAYS = 4
"""A day before the trouble, a day for it to begin in, and two for the alarms to forget it."""
TRAFFIC = ("even", "daily", "bursts", "weekly rest")
TROUBLE = ("none", "noise", "outage", "failures", "slow burn", "flapping", "rising", "two outages")
TELEMETRY = ("whole", "late", "gaps", "bad late")
LEAST_A_MINUTE, MOST_A_MINUTE = 0.5, 2000.0
OF_SLICES = 0.01
"""Bad minutes by chance among a probe's, of bad events by chance: one in a year at most."""
LATEST_MINUTES = 3
"""How late CloudWatch's values come at most here; most are there in two minutes."""


@dataclass(frozen=True)
class Scenario:
    """A scenario by its parts, for a report; `bad` and `total` are what truly happened."""

    seed: int
    traffic: str
    trouble: str
    telemetry: str
    mean_a_minute: float
    share: float
    """The share of events that fail while the trouble lasts."""
    begin: int
    end: int
    """Minutes of the trouble; both 0 where there is none."""
    bad: Series
    total: Series
    late_bad: int
    late_total: int
    """Minutes by which the counts arrive late."""
    gaps: Series
    """1 for each minute whose counts never arrive."""


def scenario(seed: int, objective: Objective) -> Scenario:
    """Return the scenario of a seed, in the events that the objective counts.

    Of an objective of slices each minute is one event: one metric, which is late as a whole.
    """
    random = np.random.default_rng(seed)
    minutes = np.arange(DAYS * DAY, dtype=np.float64)
    traffic, trouble = str(random.choice(TRAFFIC)), str(random.choice(TROUBLE))
    telemetry = str(random.choice(TELEMETRY))
    mean = _between(random, LEAST_A_MINUTE, MOST_A_MINUTE)
    total = random.poisson(mean * _shape(traffic, minutes, random)).astype(float)
    if isinstance(objective.indicator, SliceIndicator):
        traffic, telemetry, mean = "a probe", telemetry.removeprefix("bad "), 1.0
        total = np.ones(len(minutes))
    background = _between(random, 1e-7, 2e-4)
    if isinstance(objective.indicator, SliceIndicator):
        # Two bad minutes in an hour are a tenth of the month's budget, by chance or not.
        background *= OF_SLICES
    share, begin, end, chance = _trouble(trouble, minutes, background, random)
    bad = random.binomial(total.astype(int), np.clip(chance, 0, 1)).astype(float)
    late = int(random.integers(1, LATEST_MINUTES + 1))
    gaps = np.zeros(len(minutes))
    if telemetry == "gaps":
        gaps = (random.random(len(minutes)) < random.uniform(0.01, 0.2)).astype(float)
    return Scenario(
        seed,
        traffic,
        trouble,
        telemetry,
        round(mean, 2),
        share,
        begin,
        end,
        bad,
        total,
        late if telemetry in ("late", "bad late") else 0,
        late if telemetry == "late" else 0,
        gaps,
    )


def _between(random: np.random.Generator, least: float, most: float) -> float:
    """Return a number of any magnitude between two."""
    magnitude: float = random.uniform(float(np.log(least)), float(np.log(most)))
    return float(np.exp(magnitude))


def _shape(traffic: str, minutes: Series, random: np.random.Generator) -> Series:
    if traffic == "daily":
        night = random.uniform(0.02, 0.5)
        return night + (1 - night) * (1 + np.sin(2 * np.pi * minutes / DAY)) / 2
    if traffic == "bursts":
        every = int(random.integers(7, 240))
        return np.where(minutes % every < max(1, every // 10), 5.0, 0.5)
    if traffic == "weekly rest":
        return np.where(minutes // DAY == int(random.integers(1, 4)), 0.1, 1.0)
    return np.ones(len(minutes))


def _trouble(
    trouble: str, minutes: Series, background: float, random: np.random.Generator
) -> tuple[float, int, int, Series]:
    """Return the share, the first and the last minute, and each minute's chance to fail."""
    chance = np.full(len(minutes), background)
    if trouble == "none":
        return 0.0, 0, 0, chance
    if trouble == "noise":
        # A handful of failures, here and there: less than any budget.
        chance[random.integers(0, len(minutes), 20)] = 0.02
        return 0.0, 0, 0, chance
    begin = DAY + int(random.integers(0, DAY))
    share = _between(random, 0.01, 0.9)
    length = int(_between(random, 2, 6 * 60))
    if trouble == "slow burn":
        share = _between(random, 0.0005, 0.02)
        length = int(random.integers(4 * 60, DAY))
    elif trouble in ("outage", "two outages"):
        share, length = 1.0, int(random.integers(2, 90))
    end = begin + length
    within = (minutes >= begin) & (minutes < end)
    if trouble == "flapping":
        period = int(random.integers(4, 90))
        chance[within & ((minutes - begin) % period < period // 2)] = share
    elif trouble == "rising":
        chance[within] = share * (minutes[within] - begin + 1) / length
    elif trouble == "two outages":
        pause = int(random.integers(2, 12))
        chance[within] = share
        chance[(minutes >= end + pause) & (minutes < end + pause + length)] = share
        end = end + pause + length
    else:
        chance[within] = share
    return share, begin, end, chance
