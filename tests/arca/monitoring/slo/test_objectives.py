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
    ("alerting", "severity: SEV2", "severity: page", "severity page: one of SEV1, SEV2"),
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
    (
        "errors",
        "alertPolicyRef: slow-burn",
        "alertPolicyRef: fast-burn",
        "fast-burn stands there twice",
    ),
    ("latency", "threshold-ms", "threshold", "annotation arca-api/threshold: one of"),
    (
        "latency",
        "    arca-api/threshold-ms",
        "    example.com/threshold-ms",
        "threshold-ms is missing: the service counts api.requests.fast by it",
    ),
    (
        "latency",
        "arca-api/threshold-ms: ",
        "arca-api/threshold-ms: about ",
        "annotation arca-api/threshold-ms: a whole number above 0, not about",
    ),
    (
        "errors",
        "    arca-api/trace-filter",
        '    arca-api/threshold-ms: "100"\n    arca-api/trace-filter',
        "threshold-ms goes with good events of one of api.requests.fast, database.queries.fast",
    ),
    (
        "latency",
        "metric: api.requests.fast",
        "metric: database.queries.fast",
        "in database.yaml:2, not",
    ),
    ("errors", "$budget", "$threshold", "description: $threshold is no number of this document"),
    (
        "latency",
        "$threshold_seconds",
        "$seconds",
        "annotation arca-api/trace-filter: $seconds is no number of this document",
    ),
    ("errors", "$budget", "$0.1", "description: a $ begins the name of a number, such as $target"),
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


def test_a_text_takes_the_numbers_of_its_document(tmp_path: Path) -> None:
    """Target, budget and threshold stand once, and description and trace filter name them."""
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "latency.yaml"
    text = re.sub(r"target: .*", "target: 0.9925", path.read_text(encoding="utf-8"))
    text = re.sub(r"threshold-ms: .*", 'threshold-ms: "1250"', text)
    text = re.sub(r"description: .*", "description: $target, $budget, $threshold, $$5.", text)
    path.write_text(text, encoding="utf-8")
    found = {one.name: one for one in read_objectives(directory=tmp_path)}["latency"]
    assert found.description == "99.25%, 0.75%, 1250 ms, $5."
    assert found.trace_filter == "responsetime > 1.25"
    assert (found.target, found.threshold_ms, found.percentile) == (0.9925, 1250, "p99.25")
