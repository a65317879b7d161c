"""Adding or deleting an OpenSLO document changes only its own resources, without Python."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from arca import stackfile
from arca.errors import Explained
from arca.monitoring.slo import documents
from tests.graph import Graph, declare
from tests.stacks import graph

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"


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


def own_widgets(title: str) -> set[str]:
    """Return the titles of an objective's widgets, for an objective of the API."""
    return {
        f"observability-system-overview: Error budget: {title}",
        f"observability-api-service: Objective: {title}",
    }


def test_deleting_an_objective_removes_its_own_and_nothing_else(own_documents: Path) -> None:
    """Deletion removes its alarms, its trace group and its widgets."""
    (own_documents / "latency.yaml").unlink()
    after = declare("prod")
    came, went, changed_now = difference(graph("prod"), after)
    assert came == set()
    assert all(" observability-latency" in label for label in went)
    assert len(went) == 18
    assert changed_now == SHARED
    before, left = widgets(graph("prod")), widgets(after)
    gone = own_widgets("API latency")
    assert gone <= set(before)
    assert left == {name: widget for name, widget in before.items() if name not in gone}


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
    assert len(came) == 18
    assert changed_now == SHARED
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
