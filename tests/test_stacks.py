"""All four real stack files: contract, invariants, identity, first preview."""

import json
from ipaddress import ip_network
from itertools import combinations
from typing import Any, cast

import pytest
from syrupy.assertion import SnapshotAssertion

from arca.emulator.program import engine, stackfile
from arca.emulator.provider.calls import RECORDED, TABLE
from arca.outputs import Outputs
from tests.graph import PRIMARY_RECOVERY, declare
from tests.invariants import broken
from tests.stacks import STACKS, graph

COMPONENTS = {
    "access",
    "alerting",
    "audit-trail",
    "cache",
    "certificate",
    "database",
    "delivery",
    "edge",
    "edge-region",
    "endpoints",
    "firewall",
    "flow-logs",
    "keys",
    "load-balancer",
    "network",
    "observability",
    "origin",
    "origin-pulls",
    "origin-zone",
    "parameters",
    "probe",
    "proxy",
    "registry",
    "secrets",
    "service",
    "storage",
}  # fmt: skip - a list of names


def test_the_stacks_are_the_four() -> None:
    """No stack is added or lost unseen."""
    assert STACKS == ("dev", "dr", "prod", "staging")


@pytest.mark.parametrize("stack", STACKS)
def test_exports_keep_the_contract(stack: str) -> None:
    """What ops reads is what the program exports."""
    exports = Outputs.model_validate(graph(stack).outputs)
    assert exports.stack == stack
    assert exports.database.port == 5432


@pytest.mark.parametrize("stack", STACKS)
def test_invariants_hold(stack: str) -> None:
    """Encrypted, private, tagged, protected, closed, least privilege."""
    assert broken(graph(stack), protected=stack in ("prod", "dr")) == []


@pytest.mark.parametrize("stack", STACKS)
def test_logical_names(stack: str, snapshot: SnapshotAssertion) -> None:
    """A logical name is state: a rename shows here, and must carry an alias."""
    assert graph(stack).names() == snapshot


@pytest.mark.parametrize("stack", STACKS)
def test_a_first_preview_declares_the_same(stack: str) -> None:
    """Nothing is declared inside `apply`, where a preview would not see it."""
    assert declare(stack, known=False).names() == graph(stack).names()


@pytest.mark.parametrize("stack", STACKS)
def test_no_name_holds_the_environment(stack: str) -> None:
    """The URN has the stack; a name that repeats it could never be shared."""
    words = {word for node in graph(stack).custom() for word in node.name.split("-")}
    assert words.isdisjoint({"dev", "staging", "prod", "dr"})


def test_prod_declares_every_component() -> None:
    """The whole platform stands in prod."""
    declared = {node.name for node in graph("prod").nodes.values() if node.type.startswith("arca:")}
    assert declared == COMPONENTS


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_in_a_plain_output(stack: str) -> None:
    """What the platform generates leaves it nowhere but in Secrets Manager."""
    shown = json.dumps(graph(stack).outputs)
    for state in graph(stack).states.values():
        for key in ("result", "privateKeyPem"):
            assert str(state.get(key, "not there")) not in shown


def test_every_resource_type_has_calls() -> None:
    """A type without an entry in the table would slip through the emulated run."""
    types = {node.type for stack in STACKS for node in graph(stack).custom()}
    assert {t for t in types if t not in TABLE and not t.startswith(RECORDED)} == set()


def test_dr_reads_prod_through_one_stack_reference() -> None:
    """And prod gives exactly what dr reads."""
    assert graph("dr").referred == [f"{engine.ORGANIZATION}/{stackfile.PROJECT}/prod"]
    given: dict[str, Any] = graph("prod").outputs["recovery"]
    assert _shape(given) == _shape(dict(PRIMARY_RECOVERY))


def test_primaries_read_no_stack() -> None:
    """A primary depends on no other stack's state."""
    assert [graph(s).referred for s in ("dev", "staging", "prod")] == [[], [], []]


def test_dr_stays_out_of_the_primary_region() -> None:
    """While São Paulo is down, dr can still be changed."""
    assert all("region" not in node.inputs for node in graph("dr").custom())
    assert graph("dr").one("pulumi:providers:aws").inputs["region"] == "us-east-1"


def test_dr_owns_no_singleton_of_the_zone() -> None:
    """Two stacks that set one zone's settings would undo each other."""
    singletons = ("ruleset:Ruleset", "zoneSetting:ZoneSetting", "tieredCache:TieredCache")
    assert graph("dr").of(*(f"cloudflare:index/{kind}" for kind in singletons)) == []
    assert len(graph("prod").of(*(f"cloudflare:index/{kind}" for kind in singletons))) > 5


def test_addresses_of_stacks_do_not_overlap() -> None:
    """Any two stacks can be peered, prod and dr above all."""
    ranges = {
        stack: ip_network(graph(stack).one("aws:ec2/vpc:Vpc").inputs["cidrBlock"])
        for stack in STACKS
    }
    assert not [
        pair for pair in combinations(ranges, 2) if ranges[pair[0]].overlaps(ranges[pair[1]])
    ]


def test_dr_agrees_with_prod() -> None:
    """Same owner, and the range that dr was told is the one that prod has."""
    prod, dr = stackfile.stack_config("prod"), stackfile.stack_config("dr")
    assert json.loads(prod["arca-api:owner"]) == json.loads(dr["arca-api:owner"])
    assert (
        json.loads(dr["arca-api:recovery"])["primary_cidr"]
        == json.loads(prod["arca-api:network"])["cidr"]
    )


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in cast("dict[str, Any]", value).items()}
    return type(value).__name__
