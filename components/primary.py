"""The export `recovery`: a primary writes it, its secondary reads it by a stack reference."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, get_args

import pulumi

from arca.outputs import RecoveryOutputs, ReplicatedBucket, ReplicatedKey, ReplicatedSecret
from components.bucket import ReadyBucket
from components.component import Place
from components.wires import BucketCopy, Primary

KEYED = {
    "key_arns": ReplicatedKey,
    "secret_arns": ReplicatedSecret,
    "source_buckets": ReplicatedBucket,
    "replica_buckets": ReplicatedBucket,
}
"""Fields of the contract that map literal keys to values."""


def read_primary(stack: str | None) -> Primary | None:
    """Refer to a stack of the same project and organization; return None when none is named."""
    if stack is None:
        return None
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    recovery: pulumi.Output[Mapping[str, Any]] = pulumi.StackReference(name).require_output(
        "recovery"
    )

    def at(*path: str) -> pulumi.Output[str]:
        return recovery.apply(_reader(path))

    values: dict[str, object] = {
        field: {key: at(field, key) for key in get_args(KEYED[field])}
        if field in KEYED
        else at(field)
        for field in Primary.model_fields
    }
    return Primary.model_validate(values)


def _reader(path: tuple[str, ...]) -> Callable[[Mapping[str, Any]], str]:
    def read(recovery: Mapping[str, Any]) -> str:
        value: Any = recovery
        for key in path:
            value = value[key]
        return str(value)

    return read


def recovery_outputs(
    place: Place,
    *,
    cidr: IPv4Network,
    database_arn: pulumi.Output[str],
    key_arns: dict[ReplicatedKey, pulumi.Output[str]],
    secret_arns: dict[ReplicatedSecret, pulumi.Output[str]],
    copies: Mapping[ReplicatedBucket, BucketCopy],
    documents: ReadyBucket | None,
    repository_name: pulumi.Output[str],
    origin_zone_id: pulumi.Output[str],
    client_ca_pem: pulumi.Output[str],
) -> RecoveryOutputs[pulumi.Output[str]] | None:
    """Return what a primary exports for its secondary; None without a DR region."""
    if place.replica_region is None or documents is None:
        return None
    return RecoveryOutputs[pulumi.Output[str]](
        region=pulumi.Output.from_input(place.replica_region),
        account_id=pulumi.Output.from_input(place.account_id),
        cidr=pulumi.Output.from_input(str(cidr)),
        database_arn=database_arn,
        key_arns=key_arns,
        secret_arns=secret_arns,
        source_buckets={role: copy.source for role, copy in copies.items()},
        replica_buckets={role: copy.destination for role, copy in copies.items()},
        documents_arn=documents.arn,
        repository_name=repository_name,
        origin_zone_id=origin_zone_id,
        client_ca_pem=client_ca_pem,
    )
