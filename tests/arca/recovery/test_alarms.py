"""Which alarms say that a stack is well: each has to be there and to have looked."""

from dataclasses import replace

import pytest

from arca.recovery import alarms
from tests.arca.recovery.stage import Stage


def names(stage: Stage) -> list[str]:
    """Return the names of the standby's alarms."""
    return sorted(stage.outputs["dr"].observability.alarm_names.values())


@pytest.mark.parametrize(
    ("state", "missing", "red"),
    [
        ("OK", "breaching", False),
        ("ALARM", "missing", True),
        ("INSUFFICIENT_DATA", "missing", False),
        ("INSUFFICIENT_DATA", "ignore", False),
        ("INSUFFICIENT_DATA", "breaching", True),
        ("INSUFFICIENT_DATA", "notBreaching", True),
    ],
)
def test_a_state(stage: Stage, state: str, missing: str, *, red: bool) -> None:
    """Without data an alarm is good only where its treatment of missing data says so."""
    name = names(stage)[0]
    stage.alarm(name, state, TreatMissingData=missing)
    dr = replace(stage.find("dr"), endpoint=None)
    assert [one.split()[0] for one in alarms.look(dr).red] == [name] * red


def test_an_alarm_that_does_not_exist(stage: Stage) -> None:
    """No alarm is no good sign."""
    name = names(stage)[0]
    stage.client("cloudwatch").delete_alarms(AlarmNames=[name])
    dr = replace(stage.find("dr"), endpoint=None)
    assert alarms.look(dr).red == (f"{name} does not exist",)


def test_an_alarm_of_a_day(stage: Stage) -> None:
    """The failover does not wait for it, and the record has its name."""
    name = names(stage)[0]
    stage.alarm(name, "ALARM", Period=86400, TreatMissingData="breaching")
    assert alarms.look(stage.find("dr")) == alarms.Alarms(red=(), slow=(name,))
    assert stage.arca("--yes").exit_code == 0
    assert stage.record()["alarms_green"]
    assert f"not waited for: {name}" in stage.record()["phases"][-1]["seen"]
