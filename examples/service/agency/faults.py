"""Faults on request: which answers come late, never, wrong or twice.

| kind | what happens |
| --- | --- |
| `slow` | the answer comes after `seconds` |
| `refused` | the connection ends before the agency does anything |
| `lost` | the agency does what was asked, and the connection ends without an answer |
| `http` | status 502 with HTML, before the agency does anything |
| `internal` | error 501 of the agency, which does nothing |
| `internal_after` | error 501 of the agency, which has done what was asked |
| `rejected` | FECAESolicitar refuses the invoice with code 10063 |
| `stale` | the answer is that of the previous call of the method |
| `twice` | the request is carried out twice, and the second answer comes |
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

KINDS = (
    *("slow", "refused", "lost", "http", "internal", "internal_after", "rejected", "stale"),
    "twice",
)


@dataclass
class Plan:
    """Faults of one method."""

    method: str
    kind: str
    times: int
    """How many calls are hit at most; negative is without end."""
    seconds: float
    probability: float

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read the JSON of a request; raises ValueError."""
        if data.get("kind") not in KINDS:
            message = f"kind is one of {', '.join(KINDS)}"
            raise ValueError(message)
        return cls(
            method=str(data.get("method", "FECAESolicitar")),
            kind=str(data["kind"]),
            times=int(data.get("times", 1)),
            seconds=float(data.get("seconds", 1)),
            probability=float(data.get("probability", 1)),
        )


class Faults:
    """The plans that wait; a seed makes their choices repeatable."""

    def __init__(self, seed: int) -> None:
        self._plans: list[Plan] = []
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._lock = threading.Lock()

    def add(self, plan: Plan) -> None:
        """Plan a fault."""
        with self._lock:
            self._plans.append(plan)

    def clear(self) -> None:
        """Forget all plans."""
        with self._lock:
            self._plans.clear()

    def next(self, method: str) -> Plan | None:
        """Return the fault of the next call of a method, and use it up."""
        with self._lock:
            for plan in self._plans:
                if plan.method == method and plan.times != 0:
                    if self._random.random() >= plan.probability:
                        continue
                    plan.times -= 1
                    return plan
        return None
