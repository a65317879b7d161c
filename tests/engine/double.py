"""A provider double, which the real engine uses instead of AWS, Cloudflare, random and tls.

It keeps no state, because the engine does. REPLACES lists the changes that replace a resource,
and a test passes the changes that somebody else made in the cloud.
"""

# Pulumi's gRPC messages carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from typing import Any, cast

import grpc
import time_machine
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from arca.clock import Clock
from arca.emulator.provider.simulated_outputs import simulate_outputs
from tests.engine.names import INSTANCE, Cloud, kind_of
from tests.graph import ACCOUNT
from tests.registrations import registration

PACKAGES = ("aws", "cloudflare", "random", "tls")

REPLACES: Mapping[str, frozenset[str]] = {
    "aws:acm/certificate:Certificate": frozenset({"domainName", "subjectAlternativeNames"}),
    "aws:backup/vault:Vault": frozenset({"name", "kmsKeyArn"}),
    "aws:ec2/natGateway:NatGateway": frozenset({"subnetId", "allocationId", "availabilityMode"}),
    "aws:ec2/securityGroup:SecurityGroup": frozenset({"name", "description", "vpcId"}),
    "aws:ec2/subnet:Subnet": frozenset({"availabilityZone", "cidrBlock", "vpcId"}),
    "aws:ec2/vpc:Vpc": frozenset({"cidrBlock"}),
    "aws:ecr/repository:Repository": frozenset({"name", "encryptionConfigurations"}),
    "aws:ecs/cluster:Cluster": frozenset({"name"}),
    "aws:ecs/service:Service": frozenset(
        {"name", "cluster", "deploymentController", "capacityProviderStrategies"}
    ),
    "aws:ecs/taskDefinition:TaskDefinition": frozenset(
        {"containerDefinitions", "cpu", "memory", "family", "volumes", "taskRoleArn"}
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": frozenset(
        {"replicationGroupId", "subnetGroupName", "kmsKeyId", "port", "atRestEncryptionEnabled"}
    ),
    "aws:kms/key:Key": frozenset({"multiRegion"}),
    "aws:kms/replicaKey:ReplicaKey": frozenset({"primaryKeyArn"}),
    "aws:lb/loadBalancer:LoadBalancer": frozenset({"name", "internal", "loadBalancerType"}),
    "aws:lb/targetGroup:TargetGroup": frozenset({"name", "port", "protocol", "vpcId"}),
    "aws:rds/instance:Instance": frozenset(
        {"dbName", "engine", "kmsKeyId", "storageEncrypted", "username"}
        | {"restoreToPointInTime", "snapshotIdentifier"}
    ),
    "aws:route53/zone:Zone": frozenset({"name"}),
    "aws:s3/bucket:Bucket": frozenset({"bucket", "objectLockEnabled"}),
    "aws:secretsmanager/secret:Secret": frozenset({"name"}),
    "random:index/randomPassword:RandomPassword": frozenset({"keepers", "length", "special"}),
}
"""Inputs that a provider cannot change in place (Pulumi Registry, each resource's page)."""


Drift = dict[str, dict[str, Any]]
"""Properties that somebody else changed in the cloud, by `type::name`."""
GONE: dict[str, Any] = {"gone": True}
"""The drift of a resource that somebody else deleted."""


class Double(provider_pb2_grpc.ResourceProviderServicer):
    """One package's provider."""

    def __init__(self, drift: Drift, cloud: Cloud) -> None:
        self.region = "us-east-1"
        self._drift, self._cloud = drift, cloud

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Return a version that is new enough for any SDK."""
        del request, context
        return plugin_pb2.PluginInfo(version="99.0.0")

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept secrets and previews from the engine as it likes."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The engine comes to a server that runs already."""
        del request, context
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept every configuration."""
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A changed provider replaces nothing."""
        del request, context
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Remember the region; leave secrets and previews to the engine."""
        del context
        self.region = _plain(request.args).get("region", self.region)
        return provider_pb2.ConfigureResponse()

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept every input."""
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Compare inputs; the engine has taken out what is to be ignored."""
        del context
        olds, news = _plain(request.old_inputs), _plain(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        kind = kind_of(request.urn)
        replaces = [key for key in changed if key == "region" or key in REPLACES.get(kind, ())]
        # A source that goes promotes the replica in place; one that comes makes another database.
        if "replicateSourceDb" in changed and "replicateSourceDb" in news:
            replaces.append("replicateSourceDb")
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            replaces=replaces,
            diffs=changed,
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return id and outputs as the services would, unless somebody has the name."""
        inputs = _plain(request.properties)
        taken = None if request.preview else self._cloud.take(request.urn, self.region, inputs)
        if taken:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, taken)
        resource_id, outputs = self._outputs(request.urn, inputs)
        properties = _struct(outputs)
        if not request.preview:
            self._cloud.made[request.urn] = (resource_id, request.properties, properties)
            self._cloud.copy(request.urn, inputs)
            self._cloud.after(request.urn)
        return provider_pb2.CreateResponse(id=resource_id, properties=properties)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return what became of it, in outputs and inputs alike, as AWS's provider does.

        An answer without an id says that there is no such resource.
        """
        del context
        changed = self._drift.get(request.urn.split("$")[-1], {})
        if changed is GONE:
            self._cloud.lose(request.urn, self.region, _plain(request.inputs))
            return provider_pb2.ReadResponse()
        found = [request.properties, request.inputs]
        if not request.inputs.fields:  # an import, which knows the id alone
            _, inputs, properties = self._cloud.made[request.urn]
            found = [properties, inputs]
        if changed or kind_of(request.urn) == INSTANCE:
            known = [self._cloud.read(request.urn, _plain(one)) for one in found]
            found = [_struct({**one, **changed}) for one in known]
        return provider_pb2.ReadResponse(id=request.id, properties=found[0], inputs=found[1])

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return the outputs of the new inputs, unless AWS would refuse the change."""
        olds, news = _plain(request.old_inputs), _plain(request.news)
        if not request.preview:
            refused = self._cloud.promote(request.urn, olds, news)
            if refused:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, refused)
            self._cloud.after(request.urn)
        _, outputs = self._outputs(request.urn, news)
        return provider_pb2.UpdateResponse(properties=_struct(outputs))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Free the name, unless AWS would refuse the deletion."""
        refused = self._cloud.free(request.urn, self.region, _plain(request.old_inputs))
        if refused:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, refused)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Do nothing, because no call is in progress."""
        del request, context
        return empty_pb2.Empty()

    def _outputs(self, urn: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        region = str(inputs.get("region", self.region))
        return simulate_outputs(
            registration(urn, inputs), account=ACCOUNT, region=region, clock=Clock()
        )


@contextmanager
def doubles(drift: Drift, cloud: Cloud) -> Generator[str]:
    """Serve all packages on loopback; yields the value of PULUMI_DEBUG_PROVIDERS."""
    servers: list[grpc.Server] = []
    ports: list[str] = []
    for package in PACKAGES:
        server = grpc.server(ThreadPoolExecutor(8))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Double(drift, cloud), server)
        ports.append(f"{package}:{server.add_insecure_port('127.0.0.1:0')}")
        _start(server)
        servers.append(server)
    try:
        yield ",".join(ports)
    finally:
        for server in servers:
            server.stop(None).wait()


def _start(server: grpc.Server) -> None:
    """Start the server by the system's clock instead of the tests'.

    The start waits until one second after `time.time()`, by the system's clock (gRPC for Python,
    `cygrpc.Server.start`). By the tests' clock, which is years ahead, it would never return.
    """
    now = time_machine.escape_hatch.datetime.datetime.now(UTC)
    with time_machine.travel(now, tick=True):
        server.start()


def _plain(properties: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", rpc.deserialize_properties(properties, keep_unknowns=True))


def _struct(outputs: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(outputs), struct_pb2.Struct())
