"""OpenSLO documents: which ones are read, and which are refused with file and line."""

import re
from pathlib import Path

import pytest

from arca.errors import Explained
from arca.monitoring.slo.documents import FOLDER, Documents
from tests.arca.monitoring.slo import openslo_shapes as shapes

HEAD = "apiVersion: openslo/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n"
SERVICE = HEAD.format(kind="Service", name="shop") + "  description: A shop.\n"
RATIO = """\
  indicator:
    metadata:
      name: codes
      displayName: Response codes
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Any, spec: {query: Any}}}
        total: {metricSource: {type: Any, spec: {query: Any}}}
"""
THRESHOLD = """\
  indicator:
    metadata: {name: time}
    spec:
      thresholdMetric: {metricSource: {metricSourceRef: source, spec: {query: SELECT 1}}}
"""
SOURCE = HEAD.format(kind="DataSource", name="source") + "  type: Any\n  connectionDetails:\n"
SLO = HEAD.format(kind="SLO", name="page") + "  service: shop\n"
BURN = """\
    - kind: AlertCondition
      metadata: {name: breach, displayName: Breach}
      spec:
        description: Burns.
        severity: page
        condition: {kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}
"""

READ = {
    "occurrences": SERVICE + "---\n" + SLO + RATIO + "  budgetingMethod: Occurrences\n"
    "  timeWindow: [{duration: 4w, isRolling: true}]\n"
    "  objectives: [{displayName: Good, target: 0.98}, {targetPercent: 99.99}]\n"
    "  alertPolicies:\n",
    "time slices": SERVICE + "---\n" + SLO + RATIO + "  budgetingMethod: Timeslices\n"
    "  timeWindow:\n  - duration: 1w\n    isRolling: false\n    calendar:\n"
    "      startTime: 2022-01-01 12:00:00\n      timeZone: America/New_York\n"
    "  objectives: [{op: gt, target: 0.9995, timeSliceTarget: 0.95, timeSliceWindow: 1m}]\n",
    "ratio of time slices": SERVICE
    + "---\n"
    + SLO
    + RATIO
    + "  budgetingMethod: RatioTimeslices\n  timeWindow: [{duration: 2w, isRolling: true}]\n"
    "  objectives: [{op: gt, timeSliceWindow: 5, target: 0.99}]\n",
    "threshold": SERVICE
    + "---\n"
    + SOURCE
    + "---\n"
    + SLO
    + THRESHOLD
    + "  objectives: [{op: lte, value: 500, target: 0.99}]\n",
    "composite": SERVICE
    + "---\n"
    + SLO
    + "  objectives:\n  - target: 0.98\n    compositeWeight: 2\n    indicator:\n"
    "      metadata: {name: time}\n"
    "      spec: {thresholdMetric: {metricSource: {type: Any, spec: {q: 1}}}}\n",
    "raw ratio": SERVICE
    + "---\n"
    + SLO
    + "  indicator:\n    metadata: {name: raw}\n    spec:\n      ratioMetric:\n"
    "        {rawType: success, raw: {metricSource: {type: Any, spec: {q: 1}}}}\n"
    "  objectives: [{target: 0.9}]\n",
    "alert policy, all inline": HEAD.format(kind="AlertPolicy", name="AlertPolicy")
    + "  alertWhenBreaching: true\n  alertWhenResolved: false\n  conditions:\n"
    + BURN
    + "  notificationTargets:\n    - kind: AlertNotificationTarget\n      metadata: {name: Mail}\n"
    "      spec: {target: email}\n",
    "notification target, by name": HEAD.format(kind="AlertPolicy", name="policy")
    + "  conditions:\n"
    + BURN
    + "  notificationTargets: [{targetRef: mail}]\n---\n"
    + HEAD.format(kind="AlertNotificationTarget", name="mail")
    + "  description: Mail.\n"
    "  target: email\n",
}

REFUSED = {
    "unknown kind": (SERVICE.replace("Service", "Servce"), "a.yaml:2: kind: one of DataSource, "),
    "no kind": ("apiVersion: openslo/v1\n", "a.yaml:1: kind: one of DataSource"),
    "not YAML": ("a: [\n", "a.yaml:2: not YAML"),
    "bare text": ("hello\n", "a.yaml:1: the document: wanted"),
    "wrong operator": (
        SERVICE
        + "---\n"
        + SLO
        + THRESHOLD
        + "  objectives:\n  - target: 0.9\n    value: 1\n    op: eq\n",
        "a.yaml:21: spec.objectives.0.op: wanted 'lte', 'gte', 'lt' or 'gt', not",
    ),
    "wrong burn operator": (
        HEAD.format(kind="AlertPolicy", name="b")
        + "  conditions:\n"
        + BURN.replace("op: lte", "op: above")
        + "  notificationTargets: [{targetRef: mail}]\n",
        "a.yaml:12: spec.conditions.0.spec.condition.op: wanted",
    ),
    "an indicator by name": (
        SERVICE + "---\n" + SLO + "  indicatorRef: codes\n  objectives: [{target: 0.9}]\n",
        "a.yaml:14: spec.indicatorRef: not read here; write the indicator into the SLO",
    ),
    "a condition by name": (
        HEAD.format(kind="AlertPolicy", name="b")
        + "  conditions:\n  - conditionRef: breach\n  notificationTargets: [{targetRef: mail}]\n",
        "a.yaml:7: spec.conditions.0.conditionRef: not read here; write the condition into the",
    ),
    "a kind that is written inline": (
        HEAD.format(kind="SLI", name="codes") + "  ratioMetric: {}\n",
        "a.yaml:2: kind: one of DataSource, Service, SLO, AlertPolicy, AlertNotificationTarget",
    ),
    "unknown key": (SERVICE + "  owner: me\n", "a.yaml:7: spec.owner: OpenSLO v1 knows no such"),
    "wrong version": (SERVICE.replace("/v1", "/v2"), "a.yaml:1: apiVersion: wanted 'openslo/v1'"),
    "bad duration": (
        SERVICE + "---\n" + SLO + RATIO + "  timeWindow:\n  - duration: 30x\n"
        "    isRolling: true\n  objectives: [{target: 0.9}]\n",
        "a.yaml:24: spec.timeWindow.0.duration: wanted a duration such as 5m",
    ),
    "no target": (
        SERVICE + "---\n" + SLO + RATIO + "  objectives:\n  - displayName: x\n",
        "a.yaml:24: spec.objectives.0: wanted either target or targetPercent",
    ),
    "target of 1": (
        SERVICE + "---\n" + SLO + RATIO + "  objectives:\n  - target: 1\n",
        "a.yaml:24: spec.objectives.0.target: wanted less than 1, not 1",
    ),
    "rawType without raw": (
        SERVICE
        + "---\n"
        + SLO
        + RATIO.replace("counter: true", "rawType: success")
        + "  objectives: [{target: 0.9}]\n",
        "wanted raw goes with rawType and without good, bad and total",
    ),
    "no name": (
        SERVICE.replace("  name: shop", "  displayName: Shop"),
        "a.yaml:3: metadata.name: is missing; write it",
    ),
    "an unknown key with a capital": (
        SERVICE + "  Owner: me\n",
        "a.yaml:7: spec.Owner: OpenSLO v1 knows no such key",
    ),
    "slices without a window": (
        SERVICE + "---\n" + SLO + RATIO + "  budgetingMethod: Timeslices\n"
        "  objectives: [{target: 0.9, timeSliceTarget: 1}]\n",
        "wanted timeSliceWindow with budgetingMethod Timeslices",
    ),
    "good and bad": (
        SERVICE
        + "---\n"
        + SLO
        + RATIO.replace("        total", "        bad")
        + "  objectives: [{target: 0.9}]\n",
        "wanted total, with either good or bad",
    ),
    "no such service": (
        SLO + RATIO + "  objectives: [{target: 0.9}]\n",
        "a.yaml:6: no Service is called shop",
    ),
    "no such policy": (
        SERVICE + "---\n" + SLO + RATIO + "  objectives: [{target: 0.9}]\n"
        "  alertPolicies: [{alertPolicyRef: gone}]\n",
        "a.yaml:24: no AlertPolicy is called gone",
    ),
    "a key twice": (SERVICE + "  description: Mine.\n", "a.yaml:7: description stands there twice"),
    "no such day": (SERVICE + "  since: 2026-13-45\n", "a.yaml:1: not YAML: month must be in"),
    "not a number": (
        SERVICE + "---\n" + SLO + RATIO + "  objectives:\n  - target: .nan\n",
        "a.yaml:24: spec.objectives.0.target: wanted a finite number, not nan",
    ),
    "twice": (SERVICE + "---\n" + SERVICE, "a.yaml:11: Service shop stands in a.yaml:4 already"),
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_every_shape_of_the_specification_is_read(text: str, tmp_path: Path) -> None:
    """The shapes of the specification's examples, time slices included."""
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert len(Documents.read(tmp_path).placed) == text.count("apiVersion")


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    """The error names file, line and what was wanted."""
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    assert said in str(error.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """A directory, bytes and a recursive document are refused without a traceback."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "c.yaml").write_text("a: &a [*a]\n", encoding="utf-8")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    for said in ("a.yaml:1: cannot be read", "b.yaml:1: not YAML", "c.yaml:1: kind: one of"):
        assert said in str(error.value)


@pytest.mark.parametrize("text", shapes.SHAPES.values(), ids=shapes.SHAPES)
def test_the_shape_of_an_example_of_openslo_is_read(text: str, tmp_path: Path) -> None:
    """It lacks nothing but the service that it names, whose key the problem points to."""
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    assert re.findall(r"^  (.*)$", str(error.value), re.MULTILINE) == [
        "a.yaml:8: no Service is called library"
    ]
    (tmp_path / "service.yml").write_text(shapes.SERVICE, encoding="utf-8")
    assert len(Documents.read(tmp_path).slos()) == 1


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    """The error lists the problems of all files, by file and line."""
    (tmp_path / "a.yaml").write_text(SERVICE + "  owner: me\n  other: 1\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("kind: Thing\n", encoding="utf-8")
    slo = SLO + RATIO.replace("counter", "count") + "  objectives: [{target: 0.9}]\n"
    (tmp_path / "c.yaml").write_text(slo + "  alertPolicies: [{alertPolicyRef: gone}]\n", "utf-8")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    assert re.findall(r"^  (\w+\.yaml:\d+): ", str(error.value), re.MULTILINE) == [
        *("a.yaml:7", "a.yaml:8", "b.yaml:1", "c.yaml:13", "c.yaml:17"),
    ]


def test_a_document_with_a_problem_is_not_missing_too(tmp_path: Path) -> None:
    """What refers to it is not refused for that."""
    wrong = SERVICE.replace("A shop.", "[no text]")
    (tmp_path / "a.yaml").write_text(f"{wrong}---\n{SLO}{RATIO}  objectives: [{{target: 0.9}}]\n")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    assert re.findall(r"^  (\S+)", str(error.value), re.MULTILINE) == ["a.yaml:6:"]


def test_a_part_by_name_lacks_nothing_of_the_part(tmp_path: Path) -> None:
    """A reference of a wrong shape has one problem, not those of the part that it stands for."""
    text = SERVICE + "---\n" + SLO + RATIO + "  objectives: [{target: 0.9}]\n"
    given = "  alertPolicies:\n  - alertPolicyRef: [a]\n"
    (tmp_path / "a.yaml").write_text(text + given, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(REFUSED["a condition by name"][0], encoding="utf-8")
    with pytest.raises(Explained) as error:
        Documents.read(tmp_path)
    found = re.findall(r"^  (.*)$", str(error.value), re.MULTILINE)
    assert [one.split(": ")[:2] for one in found] == [
        ["a.yaml:25", "spec.alertPolicies.0.alertPolicyRef"],
        ["b.yaml:7", "spec.conditions.0.conditionRef"],
    ]


def test_our_own_documents_are_read() -> None:
    """The five objectives of the user's table, each with its target and its alert policies."""
    slos = {slo.document.metadata.name: slo for slo in Documents.read().slos()}
    targets = {name: slo.document.spec.objectives[0].share for name, slo in slos.items()}
    assert set(targets) == {"availability", "latency", "errors", "database", "arca"}
    for name, target in targets.items():
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        assert re.findall(r"\btarget: (\S+)$", text, re.MULTILINE) == [str(target)]
    policies = [one.policy.metadata.name for _, one in slos["errors"].policies]
    assert policies == ["fast-burn", "slow-burn", "slow-ticket"]
    assert [target for _, one in slos["errors"].policies for target in one.targets] == [
        *("sev2", "sev2", "sev3")
    ]


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    """A package without its data would otherwise declare no objective in silence."""
    with pytest.raises(Explained, match="no OpenSLO document") as error:
        Documents.read(tmp_path)
    assert str(tmp_path) in str(error.value)
    (tmp_path / "a.yaml").write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(Explained, match="no OpenSLO document"):
        Documents.read(tmp_path)
