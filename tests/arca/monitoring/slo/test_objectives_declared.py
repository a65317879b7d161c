"""Adding, deleting or changing an OpenSLO document changes what is its own, without Python."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from arca import stackfile
from arca.errors import Explained
from arca.monitoring.dashboards import P95
from arca.monitoring.slo import documents
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.objectives import read_objectives
from tests import ROOT, clock
from tests.graph import Graph, declare
from tests.sources import SOURCES, house
from tests.stacks import graph
from tools import generate, tree

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


def latency() -> Objective:
    """Return the objective about a request's time, from the documents that are read now."""
    return next(one for one in read_objectives() if one.name == "latency")


@pytest.fixture
def own_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the program read a copy of the OpenSLO documents."""
    for path in documents.FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    graph("prod")
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    return tmp_path


def names_and_inputs(declared: Graph) -> dict[str, Any]:
    """Return each resource's inputs by URN, without certificates, which differ in each run."""
    return {
        urn: node.inputs
        for urn, node in declared.nodes.items()
        if "BEGIN CERTIFICATE" not in json.dumps(node.inputs) and not node.type.startswith("tls:")
    }


SHARED = {
    "aws:s3/bucketObjectv2:BucketObjectv2 observability-publisher",
    "aws:cloudwatch/dashboard:Dashboard observability-system-overview",
    "aws:cloudwatch/dashboard:Dashboard observability-api-service",
}
"""Resources that list the objectives of a service: the publisher's code and dashboards."""


def difference(before: Graph, after: Graph) -> tuple[set[str], set[str], set[str]]:
    """Return the added, the removed and the changed resources, by type and name."""
    one, other = names_and_inputs(before), names_and_inputs(after)
    node = before.nodes | after.nodes

    def label(urn: str) -> str:
        return f"{node[urn].type} {node[urn].name}"

    return (
        {label(urn) for urn in other.keys() - one.keys()},
        {label(urn) for urn in one.keys() - other.keys()},
        {label(urn) for urn in one.keys() & other.keys() if one[urn] != other[urn]},
    )


def widgets(declared: Graph) -> dict[str, dict[str, Any]]:
    """Return each dashboard's widgets by title, without their positions."""
    return {
        f"{node.name}: {widget['properties']['title']}": {
            key: value for key, value in widget.items() if key not in ("x", "y")
        }
        for node in declared.of(DASHBOARD)
        for widget in json.loads(node.inputs["dashboardBody"])["widgets"]
    }


PAGES_HOLD = "aws:cloudwatch/compositeAlarm:CompositeAlarm observability-pages"
"""The silent alarm over the page of each objective."""
LOST = "aws:cloudwatch/metricAlarm:MetricAlarm observability-telemetry-lost"
"""The alarm on what each objective counts."""
VARIABLE = "aws:ssm/parameter:Parameter parameters-requests-fast-ms"
"""The parameter with the threshold that the service counts by."""
READS_VARIABLES = {
    "aws:ecs/taskDefinition:TaskDefinition service",
    "aws:ecs/taskDefinition:TaskDefinition service-migrations",
    "aws:iam/rolePolicy:RolePolicy service-execution",
    "aws:iam/rolePolicy:RolePolicy service-migration-execution",
    "aws:s3/bucketObjectv2:BucketObjectv2 observability-definition-watch",
}
"""Resources that list the variables."""


def timed(percentile: str) -> set[str]:
    """Return the titles of the widgets that show a request's time, with the threshold as limit."""
    return {
        f"observability-system-overview: {percentile.upper()} latency",
        f"observability-api-service: {percentile.upper()} by endpoint",
        "observability-api-service: Latency",
    }


def limits(widget: dict[str, Any]) -> list[float]:
    """Return the values of a graph's horizontal lines."""
    return [line["value"] for line in widget["properties"]["annotations"]["horizontal"]]


def own_widgets(title: str) -> set[str]:
    """Return the titles of an objective's widgets, for an objective of the API."""
    return {
        f"observability-system-overview: Error budget: {title}",
        f"observability-api-service: Objective: {title}",
    }


@pytest.mark.slow
def test_deleting_an_objective_removes_its_own_and_nothing_else(own_documents: Path) -> None:
    """Deletion removes its alarms, its trace group, its widgets, its variable and its limit."""
    objective = latency()
    (own_documents / "latency.yaml").unlink()
    after = declare("prod")
    came, went, changed_now = difference(graph("prod"), after)
    assert came == set()
    assert VARIABLE in went
    assert all(" observability-latency" in label for label in went - {VARIABLE})
    assert len(went) == 11
    # What it counts, another objective counts too.
    assert changed_now == SHARED | READS_VARIABLES | {PAGES_HOLD}
    before, left = widgets(graph("prod")), widgets(after)
    assert own_widgets("API latency") <= set(before)
    for title in timed(objective.percentile):
        assert limits(before.pop(title)) == [objective.threshold_ms]
    for title in timed(P95):
        assert limits(left.pop(title)) == []
    for title in own_widgets("API latency"):
        del before[title]
    assert left == before


def test_adding_an_objective_makes_its_own_without_any_code(own_documents: Path) -> None:
    """A document is all that a new objective needs."""
    text = (own_documents / "errors.yaml").read_text(encoding="utf-8")
    text = text.replace("name: errors", "name: authentication")
    text = text.replace("displayName: API error rate", "displayName: Authentication")
    text = text.replace("bad:", "good:").replace("api.requests.failed", "api.authenticated")
    text = text.replace("metric: api.requests", "metric: api.authentications")
    text = text.replace("target: 0.999", "target: 0.98")
    (own_documents / "authentication.yaml").write_text(text, encoding="utf-8")
    after = declare("prod")
    came, went, changed_now = difference(graph("prod"), after)
    assert went == set()
    assert all(" observability-authentication" in label for label in came)
    assert len(came) == 10
    assert changed_now == SHARED | {PAGES_HOLD, LOST}
    shown, before = widgets(after), widgets(graph("prod"))
    assert set(shown) - set(before) == own_widgets("Authentication")
    assert {name: shown[name] for name in before} == before


def test_a_bad_document_stops_the_program_before_anything_of_it(own_documents: Path) -> None:
    """The error names file and line, and has no traceback."""
    path = own_documents / "latency.yaml"
    text = path.read_text(encoding="utf-8").replace("op:", "op:").replace("kind: SLO", "kind: SLA")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Explained, match=r"latency.yaml:3: kind: one of"):
        declare("prod", stackfile.stack_config("prod"))


OTHER_MS, OTHER_TARGET = 157, 0.9675
"""Numbers that stand nowhere else."""


def change_numbers(
    path: Path, *, threshold_ms: int = OTHER_MS, target: float = OTHER_TARGET
) -> None:
    """Write another threshold and another target into a document, and nothing else."""
    text = path.read_text(encoding="utf-8")
    for old, new in (
        (r'(threshold-ms: )"\d+"', rf'\g<1>"{threshold_ms}"'),
        (r"( target: )[\d.]+", rf"\g<1>{target}"),
    ):
        text, count = re.subn(old, new, text)
        assert count == 1
    path.write_text(text, encoding="utf-8")


def texts(declared: Graph) -> str:
    """Return everything that a graph declares as one text."""
    return json.dumps(names_and_inputs(declared), ensure_ascii=False)


def test_a_changed_number_is_followed_by_everything_declared(own_documents: Path) -> None:
    """The document alone changes; alarms, trace filter, dashboards and the service follow."""
    before = latency()
    change_numbers(own_documents / "latency.yaml")
    after = declare("prod")
    came, went, changed_now = difference(graph("prod"), after)
    assert came == went == set()
    assert SHARED | {VARIABLE, "aws:xray/group:Group observability-latency"} <= changed_now
    others = changed_now - SHARED - {VARIABLE}
    assert all(" observability-latency" in label for label in others)
    said, said_before = texts(after), texts(graph("prod"))
    for old, new in (
        (before.description, "96.75% of requests are answered within 157 ms."),
        (f"of what {100 * before.target:g}% allows in 30 days is used up", "of what 96.75% allows"),
        (f"responsetime > {(before.threshold_ms or 0) / 1000:g}", "responsetime > 0.157"),
    ):
        assert old in said_before
        assert new in said
    assert before.description not in said
    parameter = after.one("aws:ssm/parameter:Parameter", "parameters-requests-fast-ms")
    assert parameter.inputs["value"] == "157"
    budget = 1 - OTHER_TARGET
    slow = "observability-latency-slow-burn-6h"
    alarm = after.one("aws:cloudwatch/metricAlarm:MetricAlarm", slow)
    assert alarm.inputs["threshold"] == pytest.approx(100 * 6 * budget)
    shown = widgets(after)
    for title in timed("p96.75"):
        assert limits(shown[title]) == [157]
        assert "p96.75" in json.dumps(shown[title])
    assert limits(shown["observability-api-service: Objective: API latency"]) == [96.75]


def test_a_changed_number_is_followed_by_the_pages(own_documents: Path) -> None:
    """`make docs` writes the new numbers into the contract and the tables of monitoring."""
    before = latency()
    change_numbers(own_documents / "latency.yaml")
    contract, monitoring = (generate.rendered(f"{page}.md") for page in PAGES)
    for said in (
        "Requests that did not fail, answered within `REQUESTS_FAST_MS`, 157 ms.",
        "| `REQUESTS_FAST_MS` | 157 | `RequestsFast` | `latency`: 96.75% of requests are answered",
    ):
        assert said in contract
    for said in (
        "within `REQUESTS_FAST_MS`, 157 ms. |",
        "| `latency`: 96.75% of requests are answered within 157 ms. | 96.75% |",
        "| latency | slow-burn | SEV2 | 6 | 6h and 30m | 19.5% bad |",
    ):
        assert said in monitoring
    assert before.description not in contract + monitoring


READERS = (
    *("monitoring/slo/test_compiler.py", "monitoring/slo/test_documents.py"),
    *("monitoring/slo/test_objectives.py", "monitoring/slo/test_objectives_declared.py"),
    *("monitoring/slo/test_publisher.py", "monitoring/test_alarms.py"),
    *("monitoring/test_contract.py", "monitoring/test_layout.py"),
    "cli/test_slo.py::test_status_of_the_objectives",
)
"""The tests that read the project's own documents."""


@pytest.mark.slow
def test_the_tests_pass_with_other_numbers(tmp_path: Path) -> None:
    """No test holds an objective's number: only the document and generated files change."""
    tree.copy(tmp_path)
    path = tmp_path / "arca" / "monitoring" / "objectives" / "latency.yaml"
    change_numbers(path, threshold_ms=150, target=0.97)
    python, tests = tree.python(tmp_path), " ".join(f"tests/arca/{name}" for name in READERS)
    for command in (
        f"{python} -m tools.generate",
        f"{python} -m pytest -n 0 -m 'not slow and not engine' {tests}",
    ):
        done = tree.shell(tmp_path, command, clock.environment())
        assert done.returncode == 0, done.stdout


PAGES = ("service-contract", "monitoring")
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
ABOUT_TIME = re.compile(r"request|answer|fast|latency|P\d\d|query|queries", re.IGNORECASE)


def test_no_text_repeats_an_objectives_threshold() -> None:
    """Outside of its document and of generated parts, no code or page says a threshold."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    code = [path for path in SOURCES if house(path) not in ("tests", "bench")]
    numbers = {
        number
        for one in read_objectives()
        if one.threshold_ms
        for number in (f"{one.threshold_ms} ?ms", f"responsetime > {one.threshold_ms / 1000:g}")
    }
    said = re.compile(rf"(?<![\d.])({'|'.join(sorted(numbers))})(?!\d)")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (*pages, *code, *documents.FOLDER.glob("*.yaml"))
        for line in GENERATED.sub("", path.read_text(encoding="utf-8")).splitlines()
        if said.search(line) and ABOUT_TIME.search(line)
    ]
    assert found == []
