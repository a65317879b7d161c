"""How long a rollback leaves customers with the bad release, in simulated minutes."""

from typing import Any

import pytest

from components.service.deployment import exported
from components.service.spec import BlueGreenSpec, CanarySpec, LinearSpec, RollingSpec
from tests.arca.release.stage import SimulatedClock, Stage
from tests.stacks import settings_of

SPECS = {
    "rolling": RollingSpec(),
    "blue-green": BlueGreenSpec(),
    "canary": CanarySpec(),
    "linear": LinearSpec(),
}
"""Each strategy with the defaults of its settings."""
LOOK_MINUTES = 0.1
"""How often is looked at who serves."""


class WatchedClock(SimulatedClock):
    """The operator's clock; while it sleeps, it looks which revisions customers reach."""

    def __init__(self, stage: Stage, bad: str) -> None:
        super().__init__(stage.cloud)
        # As in the emulated cloud, where a simulated minute takes a second.
        self.minutes = 1.0
        self._stage, self._bad = stage, bad
        self._began = self.now()
        self.last_bad = self._began

    def sleep(self, seconds: float) -> None:
        """Let the emulated cloud go on, and look."""
        left = seconds * self.minutes
        while left > 0:
            step = min(left, LOOK_MINUTES)
            self._stage.cloud.advance(step)
            left -= step
            if self._bad in self._stage.serves()[0]:
                self.last_bad = self.now()

    @property
    def bad_minutes(self) -> float:
        """Minutes from the beginning to the last look at which the bad release served."""
        return (self.last_bad - self._began).total_seconds() / 60


def minutes_to_the_last_bad_answer(
    monkeypatch: pytest.MonkeyPatch, strategy: str, *options: str
) -> float:
    """Release image 2 to a stack of that strategy, roll it back, and return the minutes."""
    spec = settings_of("prod").service.model_copy(update={"deployment": SPECS[strategy]})
    configuration: dict[str, Any] = exported(spec, [])
    # Those of the stage exist.
    del configuration["alarms"]
    stage = Stage(monkeypatch, strategy=configuration["strategy"], configuration=configuration)
    arca = stage.commands(monkeypatch)
    stage.push("2")
    assert arca("deploy", "2").exit_code == 0
    assert stage.serves() == ({"api:2"}, {"api:2"})
    watched = WatchedClock(stage, "api:2")
    stage.clock = watched
    result = arca("rollback", *options)
    assert result.exit_code == 0, result.output
    assert stage.serves() == ({"api:1"}, {"api:1"})
    return watched.bad_minutes
