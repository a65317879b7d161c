"""The API calls of a stack's resources, judged as the emulator judges them, without sending any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel
from botocore.session import get_session

from arca.emulator.judges import constraints, refusals
from arca.emulator.judges.finding import Finding
from arca.emulator.judges.refusals import MadeCall
from arca.emulator.program.engine import Registration
from arca.emulator.provider.api_parameters import to_api_parameters
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall
from tests.graph import Graph
from tests.judges.cfn_lint import region_of


@dataclass(frozen=True)
class Planned:
    """A call that the emulator makes for a resource."""

    urn: str
    made: MadeCall
    model: OperationModel


@cache
def operations(service: str) -> dict[str, OperationModel]:
    """Return the models of a service's operations by their names in boto3."""
    model = get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def planned(graph: Graph, nodes: Iterable[Registration] | None = None) -> Iterator[Planned]:
    """Yield the calls for a stack's resources, or for some, in the order in which they are made."""
    for node in graph.custom() if nodes is None else nodes:
        state: dict[str, Any] = {
            "id": "none",
            **graph.states[node.urn],
            **node.inputs,
            "_urn": node.urn,
            "_region": region_of(graph, node),
            "_ingress": [],
            "_egress": [],
        }
        for call in CALLS.get(node.type, ()):
            if call.when(state):
                yield _planned(call, state, node.urn)


def _planned(call: ApiCall, state: dict[str, Any], urn: str) -> Planned:
    params = dict(call.params(state))
    region = str(params.pop("_region", state["_region"]))
    model = operations(call.service)[call.operation]
    fitted = to_api_parameters(params, model.input_shape)
    return Planned(urn, MadeCall(call.name, fitted, region), model)


def judge_constraints(graph: Graph, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what botocore's models say of the calls."""
    return [
        finding
        for call in planned(graph, nodes)
        for finding in constraints.judge(call.urn, call.made.params, call.model.input_shape)
    ]


def judge_refusals(
    graph: Graph,
    nodes: Iterable[Registration] | None = None,
    before: Sequence[MadeCall] = (),
) -> list[Finding]:
    """Return what the table of refusals says of the calls, each knowing those before it.

    `before` are the calls that were made before those of the given resources.
    """
    earlier = list(before)
    found: list[Finding] = []
    for call in planned(graph, nodes):
        found += [one for _, one in refusals.judge(call.urn, call.made, earlier)]
        earlier.append(call.made)
    return found
