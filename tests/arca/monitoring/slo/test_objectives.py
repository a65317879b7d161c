"""Objectives that CloudWatch cannot measure are refused, with the document's line."""

import re
import shutil
from pathlib import Path

import pytest

from arca.errors import Explained
from arca.monitoring.slo.documents import FOLDER
from arca.monitoring.slo.objectives import read_objectives

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
    ("alerting", "threshold: 14.4", "threshold: 0", "threshold 0: a burn rate above 0"),
    ("alerting", "alertAfter: 6h", "alertAfter: 30m", "beyond a day are published once an hour"),
    ("alerting", "Window: 3d", "Window: 45d", "alertAfter must be whole hours, 30d at most"),
    ("availability", "timeSliceWindow: 1m", "timeSliceWindow: 30m", "must be whole slices"),
    (
        "availability",
        "- op: gte\n      value: 100",
        "- value: 100",
        "with thresholdMetric, a single objective with op and value",
    ),
    ("availability", "stat: Average", "stat: p95", "stat of probe.success: Average, not p95"),
    ("availability", "stat: Average", "id: 7", "spec knows metric and stat, not id"),
    ("availability", "probe.success", "edge.health", "metric edge.health: it stands in us-east-1"),
    ("availability", "probe.success", "cache.cpu", "cache.cpu: one series for each cache node"),
    ("errors", "metric: api.requests\n", "metric: api.route-requests\n", "one series for each R"),
    (
        "errors",
        "metric: api.requests\n",
        "metric: api.requests\n              stat: Average\n",
        "stat of api.requests: Sum, not Average; ratios are never averaged",
    ),
    ("errors", "trace-filter", "trace-filtre", "annotation arca-api/trace-filtre: one of arca"),
    ("errors", "alertPolicyRef: ticket", "alertPolicyRef: outage", "outage stands there twice"),
)


@pytest.mark.parametrize(("file", "old", "new", "said"), REFUSED, ids=[r[3][:40] for r in REFUSED])
def test_refused(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    """One error names file and line, and nothing is compiled."""
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    changed = tmp_path / f"{file}.yaml"
    text = changed.read_text(encoding="utf-8")
    assert old in text
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Explained) as error:
        read_objectives(directory=tmp_path)
    assert said in str(error.value)
    assert re.search(r"^  \w+\.yaml:\d+: ", str(error.value), re.MULTILINE)
    assert "Nothing was changed" in str(error.value)
