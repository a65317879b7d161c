"""What CloudWatch cannot do is refused, with the document's line."""

import re
import shutil
from pathlib import Path

import pytest

from errors import Explained
from slo.documents import HERE
from telemetry.objectives import goals

REFUSED = (
    ("errors", "Occurrences", "RatioTimeslices", "timeSliceWindow with budgetingMethod"),
    ("errors", "metric: api.requests\n", "metric: api.reqs\n", "catalogue has no metric api.reqs"),
    ("errors", "duration: 30d", "duration: 28d", "timeWindow must be one rolling window of 30d"),
    ("errors", "runbook: arca-api-down", "runbook: gone", "annotation arca-api/runbook: one of"),
    ("errors", 'events: "10"', 'events: "few"', "minimum-bad-events: a whole number above 0"),
    ("errors", "target: 0.999", "target: 0.9", "14.4 times the budget is more than everything"),
    ("errors", "    - target: 0.999", "    - target: 0.999\n    - target: 0.99", "a single"),
    ("availability", "timeSliceTarget: 1", "timeSliceTarget: 0.9", "timeSliceTarget must be 1"),
    ("availability", "timeSliceWindow: 1m", "timeSliceWindow: 2h", "an hour at most"),
    ("availability", "Timeslices", "Occurrences", "Occurrences need a ratioMetric"),
    ("alerting", "severity: SEV1", "severity: page", "severity page: one of SEV1, SEV2"),
    ("alerting", "op: gt", "op: lte", "op lte: a burn alerts above its rate"),
    ("alerting", "alertAfter: 5m", "alertAfter: 2h", "alertAfter must be the shorter window"),
    ("alerting", "alertAfter: 5m", "alertAfter: soon", "alertAfter soon: the short window"),
)


@pytest.mark.parametrize(("file", "old", "new", "said"), REFUSED, ids=[r[3][:40] for r in REFUSED])
def test_refused(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    """One error with file and line, and nothing compiled."""
    for path in HERE.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    changed = tmp_path / f"{file}.yaml"
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Explained) as error:
        goals(directory=tmp_path)
    assert said in str(error.value)
    assert re.search(r"^  \w+\.yaml:\d+: ", str(error.value), re.MULTILINE)
    assert "Nothing was changed" in str(error.value)
