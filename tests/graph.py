"""The program of a stack as a plain graph: its resources and their dependencies.

The only test file that knows how the program is run without an engine.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from arca import stackfile
from arca.clock import Clock
from arca.emulator.program import engine
from arca.emulator.program.engine import Registration, plain
from arca.emulator.provider.simulated_outputs import simulate_outputs
from arca.outputs import ReplicatedKey, ReplicatedSecret

REGION = {"dr": "us-east-1"}
ACCOUNT = "000000000000"
"""The account where no owner names one."""


def primary_recovery(account: str = ACCOUNT) -> Mapping[str, Any]:
    """Return a stand-in for what prod exports for dr; a test compares it with the real export."""
    return {
        "region": "us-east-1",
        "account_id": account,
        "cidr": "10.30.0.0/16",
        "database_arn": f"arn:aws:rds:sa-east-1:{account}:db:arca-prod",
        "key_arns": {
            role: f"arn:aws:kms:us-east-1:{account}:key/mrk-{role}"
            for role in get_args(ReplicatedKey)
        },
        "secret_arns": {
            role: f"arn:aws:secretsmanager:us-east-1:{account}:secret:arca-prod/{role}-abcdef"
            for role in get_args(ReplicatedSecret)
        },
        "source_buckets": {
            "documents": "storage-documents-1234567",
            "audit": "storage-audit-1234567",
        },
        "replica_buckets": {
            "documents": "storage-documents-replica-1234567",
            "audit": "storage-audit-replica-1234567",
        },
        "documents_arn": "arn:aws:s3:::storage-documents-replica-1234567",
        "repository_name": "arca-prod-api",
        "origin_zone_id": "Z0123456789ABCDEF",
        "client_ca_pem": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    }


@dataclass
class Graph:
    """The declared resources, their ids and outputs by URN, and the stack's exports."""

    nodes: dict[str, Registration] = field(default_factory=dict[str, Registration])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    states: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    referred: list[str] = field(default_factory=list[str])

    def of(self, *types: str) -> list[Registration]:
        """Return all resources of these types."""
        return [node for node in self.nodes.values() if node.type in types]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """Return the only resource of a type, or the one with that logical name."""
        found = [node for node in self.of(type_) if name in (None, node.name)]
        assert len(found) == 1, f"{len(found)} of {type_} {name or ''}, not one"
        return found[0]

    def names(self) -> list[str]:
        """Return type and logical name of every resource, which identify it in the state."""
        return sorted(f"{node.type} {node.name}" for node in self.nodes.values())

    def custom(self) -> Iterator[Registration]:
        """Yield the resources that a provider creates: no components, no providers."""
        for node in self.nodes.values():
            if node.custom and not node.type.startswith("pulumi:"):
                yield node


class Recorder:
    """A cloud that creates nothing and records every resource."""

    def __init__(self, settings: Mapping[str, str], *, known: bool = True) -> None:
        self.graph = Graph()
        self.region = settings.get("arca-api:region", "sa-east-1")
        self.known = known
        self._settings = settings

    @property
    def account(self) -> str:
        """The owner's account; read only once the program has accepted the settings."""
        owner = self._settings.get("arca-api:owner")
        return str(json.loads(owner)["account_id"]) if owner else ACCOUNT

    def create(self, registration: Registration) -> tuple[str | None, dict[str, Any]]:
        """Return outputs as the services would; without `known`, as in a first preview."""
        self.graph.nodes[registration.urn] = registration
        if not self.known or not registration.custom:
            return None, dict(registration.inputs)
        region = str(registration.inputs.get("region", self.region))
        resource_id, state = simulate_outputs(
            registration, account=self.account, region=region, clock=Clock()
        )
        self.graph.ids[registration.urn] = resource_id
        self.graph.states[registration.urn] = state
        return resource_id, state

    def read_stack(self, name: str) -> Mapping[str, Any]:
        """Return the stand-in for prod's exports."""
        self.graph.referred.append(name)
        return {"recovery": primary_recovery(self.account)}


def declare(
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    *,
    program: Callable[[], None] = engine.main,
    known: bool = True,
) -> Graph:
    """Run a stack's program with the settings of its file, or with other settings."""
    settings = dict(config if config is not None else stackfile.stack_config(stack))
    recorder = Recorder(settings, known=known)
    exports = engine.run(
        program,
        stack=stack,
        config=settings,
        cloud=recorder,
        preview=not known,
    )
    recorder.graph.outputs = plain(exports)
    return recorder.graph
