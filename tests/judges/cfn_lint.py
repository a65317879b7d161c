"""The judge cfn-lint: CloudFormation's registry schemas and AWS's own rules, for each region."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any, cast

import time_machine

from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from arca.emulator.provider.resources import RESOURCES
from tests.graph import Graph
from tests.judges.translation import JsonObject, Translated, Twin, translate
from tests.judges.twins import ALSO, NAMED_BY, TWINS

# cfn-lint has no type stubs.
_config: Any = import_module("cfnlint.config")
_core: Any = import_module("cfnlint.core")
_decode: Any = import_module("cfnlint.decode.utils")
_runner: Any = import_module("cfnlint.runner")

WITHOUT_RULES: Mapping[str, str] = {
    "E3010": "a stack of Pulumi's has no limit of 500 resources",
    "I": "advice, except what CHOSEN names",
    "W2501": "a template may hold no password; the inputs here are those of the API",
    "W3010": "the zones are settings, and a template for many regions avoids them",
    "W3011": "policies of a template; Pulumi has protect and retain",
}
"""Rules that judge how a template is written and not what AWS takes, and why they are left out."""
AS_OF = datetime(2026, 11, 28, tzinfo=UTC)
"""The day that cfn-lint compares its dates of deprecations with; move it with its version."""
CHOSEN = ("I3037", "I3100")
"""Advice about AWS and not about templates: duplicates in a list, old instance types."""


LOCATED = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
"""The type whose region CloudFormation has as a property; elsewhere it is where a resource is."""


@dataclass
class Whole:
    """A resource of CloudFormation, which several resources of Pulumi's may make up."""

    type: str
    urn: str
    """The resource that the whole belongs to where no property does."""
    properties: JsonObject = field(default_factory=dict[str, Any])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    """The URN of the resource that gives each property."""


def judge(graph: Graph, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what cfn-lint says of a stack's resources, or of some, each in its region."""
    wholes = templates(graph, graph.custom() if nodes is None else nodes)
    return [one for region, here in wholes.items() for one in lint(region, here)]


def templates(graph: Graph, nodes: Iterable[Registration]) -> Mapping[str, list[Whole]]:
    """Return a stack's resources in CloudFormation's words, by region."""
    found: dict[str, dict[tuple[str, str], Whole]] = defaultdict(dict)
    for node in nodes:
        for twin in (TWINS.get(node.type), ALSO.get(node.type)):
            if twin is None:
                continue
            region = region_of(graph, node)
            properties = translated(graph, node, twin).properties
            name = str(properties.get(NAMED_BY.get(twin.type, ""), node.urn))
            whole = found[region].setdefault((twin.type, name), Whole(twin.type, node.urn))
            _add(whole, node, properties)
    return {region: list(wholes.values()) for region, wholes in found.items()}


def beyond_names(graph: Graph, other: Graph) -> list[Registration]:
    """Return the resources that differ from the other stack's by more than names and ids."""
    known = {_without_names(other, node) for node in other.custom()}
    return [node for node in graph.custom() if _without_names(graph, node) not in known]


def _without_names(graph: Graph, node: Registration) -> tuple[str, str, str]:
    text = json.dumps(node.inputs, sort_keys=True).replace(str(graph.outputs["stack"]), "STACK")
    return node.type, region_of(graph, node), re.sub("[0-9a-f]{6,}", "ID", text)


def region_of(graph: Graph, node: Registration) -> str:
    """Return the region of a resource: its own, or its provider's."""
    home = graph.one("pulumi:providers:aws").inputs["region"]
    return str(node.inputs.get("region", home))


def translated(graph: Graph, node: Registration, twin: Twin | None = None) -> Translated:
    """Return a resource in CloudFormation's words, with the name that Pulumi gives it."""
    key = RESOURCES[node.type].templates.name_input
    name = {key: graph.states[node.urn][key]} if key else {}
    inputs = {**name, **node.inputs}
    if node.type != LOCATED:
        inputs.pop("region", None)
    return translate(inputs, twin or TWINS[node.type], region_of(graph, node))


def _add(whole: Whole, node: Registration, properties: Mapping[str, Any]) -> None:
    for key, value in properties.items():
        whole.owners.setdefault(key, node.urn)
        if isinstance(value, list) and key in whole.properties:
            whole.properties[key] = [*whole.properties[key], *cast("list[Any]", value)]
        else:
            whole.properties[key] = value


@cache
def _rules() -> Any:
    return _core.get_rules([], list(WITHOUT_RULES), ["E", "W", *CHOSEN])


def lint(region: str, wholes: Iterable[Whole]) -> Iterator[Finding]:
    """Yield what cfn-lint says of resources that are in one region."""
    named = {f"R{number}": whole for number, whole in enumerate(wholes)}
    resources = {
        name: {"Type": whole.type, "Properties": whole.properties} for name, whole in named.items()
    }
    template = _decode.convert_dict(
        {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    )
    config = _config.ConfigMixIn(regions=[region], include_checks=["E", "W", *CHOSEN])
    with time_machine.travel(AS_OF):
        matches = list(_runner.run_template_by_data(template, config, _rules()))
    for match in matches:
        _, name, _, *steps = [str(step) for step in match.path]
        whole = named[name]
        urn = whole.owners.get(steps[0], whole.urn) if steps else whole.urn
        yield Finding(f"cfn-lint {match.rule.id}", urn, ".".join(steps), match.message)
