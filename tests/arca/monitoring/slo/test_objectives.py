"""Objectives that CloudWatch cannot measure are refused, with the document's line."""

import re
import shutil
from pathlib import Path

import pytest

from arca.errors import Explained
from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.documents import FOLDER
from arca.monitoring.slo.objective import EventIndicator
from arca.monitoring.slo.objectives import read_objectives
from tests.arca.monitoring.slo import openslo_shapes as shapes

REFUSED = (
    ("errors", "Occurrences", "RatioTimeslices", "timeSliceWindow with budgetingMethod"),
    ("errors", "[api.requests,", "[api.reqs,", "total: the catalogue has no metric api.reqs"),
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
        "wanted op and value with thresholdMetric",
    ),
    ("availability", "stat: Average", "stat: p95", "stat of probe.success: Average, not p95"),
    ("availability", "stat: Average", "id: 7", "spec knows metric and stat, not id"),
    ("availability", "probe.success", "edge.health", "metric edge.health: it stands in us-east-1"),
    ("availability", "probe.success", "cache.cpu", "cache.cpu: one series for each cache node"),
    (
        "errors",
        "[api.requests,",
        "[api.route-requests,",
        "api.route-requests: one series for each R",
    ),
    (
        "errors",
        "metric: [api.requests, edge.server-errors]\n",
        "metric: [api.requests, edge.server-errors]\n              stat: Average\n",
        "total: stat of api.requests, edge.server-errors: Sum, not Average; ratios are never",
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
        "in database.yaml:10, not",
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


POLICY = "  alertWhenBreaching: true\n  alertWhenResolved: true\n"
NOT_OBEYED = {
    "alertWhenBreaching: false": (
        *("alerting", "alertWhenBreaching: true", "alertWhenBreaching: false"),
        "alert policy fast-burn: alertWhenBreaching must be true",
    ),
    "alertWhenResolved: false": (
        *("alerting", "alertWhenResolved: true", "alertWhenResolved: false"),
        "alert policy fast-burn: alertWhenResolved must be true",
    ),
    "alertWhenNoData: true": (
        *("alerting", POLICY, POLICY + "  alertWhenNoData: true\n"),
        "alert policy fast-burn: alertWhenNoData must be false",
    ),
    "- targetRef: sev3": (
        *("alerting", "    - targetRef: sev2", "    - targetRef: sev3"),
        "alert policy fast-burn: it notifies sev3, and SEV2 notifies sev2",
    ),
    "type: Prometheus": (
        *("service", "type: CloudWatch", "type: Prometheus"),
        "data source cloudwatch: type must be CloudWatch, not Prometheus",
    ),
    "region: eu-west-1": (
        *("service", "    catalogue: ", "    region: eu-west-1\n    catalogue: "),
        "connectionDetails may say catalogue: arca/monitoring/catalogue.py",
    ),
    "type: Datadog": (
        *(
            "errors",
            "          metricSource:\n",
            "          metricSource:\n            type: Datadog\n",
        ),
        "errors: bad: metricSource.type must be CloudWatch, not Datadog",
    ),
    "counter: false": (
        *("errors", "counter: true", "counter: false"),
        "errors: counter must be true",
    ),
    "op: gt": (
        *("errors", "- target: 0.999", "- target: 0.999\n      op: gt"),
        "errors: op goes with a thresholdMetric",
    ),
    "value: 3": (
        *("errors", "- target: 0.999", "- target: 0.999\n      value: 3"),
        "errors: value goes with a thresholdMetric",
    ),
    "timeSliceTarget: 0.9": (
        *("errors", "- target: 0.999", "- target: 0.999\n      timeSliceTarget: 0.9"),
        "errors: timeSliceTarget goes with Timeslices",
    ),
    "timeSliceWindow: 1m": (
        *("errors", "- target: 0.999", "- target: 0.999\n      timeSliceWindow: 1m"),
        "errors: timeSliceWindow goes with Timeslices",
    ),
    "compositeWeight: 2": (
        *("errors", "- target: 0.999", "- target: 0.999\n      compositeWeight: 2"),
        "errors: compositeWeight weighs several objectives",
    ),
    "metric: [api.requests, api.requests]": (
        *("latency", "metric: api.requests\n", "metric: [api.requests, api.requests]\n"),
        "latency: total: metric api.requests stands there twice",
    ),
    "metric: [probe.success, api.requests]": (
        *("availability", "metric: probe.success", "metric: [probe.success, api.requests]"),
        "availability: thresholdMetric: 2 metrics, and a slice is read from one",
    ),
    "total:": (
        *("errors", "[api.requests, edge.server-errors]", "edge.server-errors"),
        "errors: total: needs a metric that bad has not",
    ),
}
"""What was accepted and ignored, by the line of its key: the file, the change and the problem."""


def changed(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """Copy our own documents with one change, and return the changed one."""
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    path = tmp_path / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def problems(folder: Path) -> list[tuple[str, str]]:
    """Return the line of each problem's key, and the problem."""
    with pytest.raises(Explained) as error:
        read_objectives(directory=folder)
    found = re.findall(r"^  ([\w.]+):(\d+): (.*)$", str(error.value), re.MULTILINE)
    assert f"have {len(found)} problem" in str(error.value)
    return [
        ((folder / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].strip(), text)
        for file, line, text in found
    ]


@pytest.mark.parametrize("key", NOT_OBEYED)
def test_what_cannot_be_obeyed_is_refused_at_its_key(key: str, tmp_path: Path) -> None:
    """Nothing is accepted and ignored, and each problem is said once, however many name it."""
    file, old, new, said = NOT_OBEYED[key]
    changed(tmp_path, file, old, new)
    ((line, text),) = problems(tmp_path)
    assert line == key
    assert text.startswith(said) or said in text


def test_an_objective_has_one_page_alarm_of_one_severity(tmp_path: Path) -> None:
    """A SEV1 policy beside one of SEV2 would make both notify as SEV1: refused at its name."""
    path = changed(tmp_path, "alerting", "severity: SEV2", "severity: SEV1")
    path.write_text(path.read_text("utf-8").replace("- targetRef: sev2", "- targetRef: sev1", 1))
    found = problems(tmp_path)
    assert [line for line, _ in found] == ["- alertPolicyRef: slow-burn"] * 5
    assert "slow-burn: SEV2, and fast-burn is SEV1; an SLO has one page alarm" in found[0][1]


def test_problems_of_all_documents_are_said_at_once(tmp_path: Path) -> None:
    """A missing service, an unknown key, a policy and a metric do not hide one another."""
    path = changed(tmp_path, "errors", "service: api", "service: shop\n  owner: me")
    text = path.read_text(encoding="utf-8").replace("[api.requests,", "[api.reqs,")
    path.write_text(text.replace("30d", "28d"), encoding="utf-8")
    policy = tmp_path / "alerting.yaml"
    policy.write_text(policy.read_text("utf-8").replace("op: gt", "op: lt", 1), encoding="utf-8")
    assert [line for line, _ in problems(tmp_path)] == [
        "op: gt".replace("gt", "lt"),
        "service: shop",
        "owner: me",
        "metric: [api.reqs, edge.server-errors]",
        "- duration: 28d",
    ]


def test_a_problem_of_two_objectives_is_said_once(tmp_path: Path) -> None:
    """A composite names its method once, whichever of its indicators cannot be measured by it."""
    part = shapes.OCCURRENCES.split("spec:\n", 1)[1].split("  timeWindow", 1)[0]
    metric = "    " + part.split("service: library\n")[1].replace("\n", "\n    ").rstrip() + "\n"
    one = "    - target: 0.9\n" + metric
    head = shapes.OCCURRENCES.split("  indicator:", 1)[0]
    text = f"{head}  budgetingMethod: Occurrences\n  objectives:\n{one}{one}"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    said = [text for _, text in problems(tmp_path) if "Occurrences need" in text]
    assert len(said) == 1


NO_SERVICE = ("service: library", "no Service is called library")
NO_RUNBOOK = ("metadata:", "annotation arca-api/runbook: one of")
NOT_30_DAYS = "timeWindow must be one rolling window of 30d"
NO_OP = ("op: gt", "op goes with a thresholdMetric, and this is a ratio; leave it out")
NO_SLICES = ("budgetingMethod: Timeslices", "Timeslices need a thresholdMetric here")


def unmeasured(role: str) -> list[tuple[str, str]]:
    """Return the problems of a metric of an example: it reads anything from anywhere."""
    return [
        ("type: Any", f"{role}: metricSource.type must be CloudWatch, not Any"),
        ("spec:", f"{role}: metricSource.spec.metric is missing; give an id of the catalogue"),
        ("query: Any", f"{role}: metricSource.spec knows metric and stat, not query"),
    ]


def allowing(share: str) -> tuple[str, str]:
    """Return the problem of a slice that may be partly bad."""
    return f"timeSliceTarget: {share}", "timeSliceTarget must be 1"


RATIO = [NO_RUNBOOK, NO_SERVICE, *unmeasured("good"), *unmeasured("total")]
FOUND = {
    "occurrences of a threshold metric": [
        *(NO_RUNBOOK, NO_SERVICE, *unmeasured("thresholdMetric")),
        ("- duration: 2w", NOT_30_DAYS),
        ("budgetingMethod: Occurrences", "Occurrences need a ratioMetric"),
    ],
    "ratio of time slices": [
        *RATIO,
        ("- duration: 2w", NOT_30_DAYS),
        ("budgetingMethod: RatioTimeslices", "RatioTimeslices averages ratios; use Occurrences"),
        NO_OP,
    ],
    "time slices of a calendar's month, two objectives": [
        *(*RATIO, ("- duration: 1m", NOT_30_DAYS), NO_SLICES, NO_OP, allowing("0.97")),
        ("- displayName: The contract's", "a single objective can be compiled; write one"),
        allowing("0.97"),
    ],
    "time slices of a calendar's week at low traffic": [
        *(*RATIO, ("- duration: 1w", NOT_30_DAYS), NO_SLICES, NO_OP, allowing("0.9")),
    ],
}


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_the_shape_of_an_example_of_openslo_is_explained(shape: str, tmp_path: Path) -> None:
    """Alone, without its service, every problem is said: at its key, once, with its metric."""
    (tmp_path / "a.yaml").write_text(shapes.SHAPES[shape], encoding="utf-8")
    found = problems(tmp_path)
    assert [line for line, _ in found] == [line for line, _ in FOUND[shape]]
    for (_, text), (_, said) in zip(found, FOUND[shape], strict=True):
        assert said in text


def test_a_metric_is_one_id_or_several_that_are_summed(tmp_path: Path) -> None:
    """The load balancer's own 5xx are bad events and events; a task did not see them."""
    errors = next(one for one in read_objectives() if one.name == "errors")
    assert errors.indicator == EventIndicator(
        "bad",
        (Reading("api.requests.failed", "Sum"), Reading("edge.server-errors", "Sum")),
        (Reading("api.requests", "Sum"), Reading("edge.server-errors", "Sum")),
    )
    many = [name for name in CATALOGUE if name.startswith(("api.", "arca."))]
    fine = [name for name in many if not CATALOGUE[name].splits][:10]
    changed(tmp_path, "errors", "[api.requests,", f"[{', '.join(fine)},")
    ((_, said),) = problems(tmp_path)
    assert "bad and total have 11 metrics, and an alarm reads 10 at most" in said


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
