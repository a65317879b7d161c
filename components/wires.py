"""The values that components hand to each other, since no component imports another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from arca.naming import Names
from arca.outputs import RecoveryOutputs

Primary = RecoveryOutputs[pulumi.Output[str]]
"""What a secondary reads of its primary (components/primary.py); every value is an output."""


@dataclass(frozen=True)
class EncryptionKey:
    """A KMS key, and its replica in the DR region where the stack has one."""

    arn: pulumi.Output[str]
    replica_arn: pulumi.Output[str] | None


@dataclass(frozen=True)
class BucketCopy:
    """A bucket that S3 copies into the DR region, by names and the id of the replication's rule."""

    source: pulumi.Output[str]
    destination: pulumi.Output[str]
    rule: str


@dataclass(frozen=True)
class Login:
    """A database user."""

    username: str
    password: pulumi.Output[str] | None
    """None where RDS or the primary stack generates it."""
    version: int
    """The number of the password; each new password raises it by one."""


@dataclass(frozen=True)
class Placement:
    """The place of one role in the network: its subnets and its security group."""

    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]
    security_group_id: pulumi.Output[str]


@dataclass(frozen=True)
class CloudflareZone:
    """The stage's zone at Cloudflare, the stack's names in it, and how their health is checked."""

    zone_id: str
    account_id: str
    domain: str
    region: str
    contact_email: str
    health_path: str

    @property
    def names(self) -> Names:
        """The names below the zone's domain."""
        return Names(self.domain, self.region)


@dataclass(frozen=True)
class Traffic:
    """The two target groups of a load balancer and the rules that divide traffic between them."""

    arn_suffix: pulumi.Output[str]
    """The load balancer as its metrics' dimension names it."""
    blue_arn: pulumi.Output[str]
    green_arn: pulumi.Output[str]
    production_rule: aws.lb.ListenerRule
    test_rule: aws.lb.ListenerRule


@dataclass(frozen=True)
class DeclaredTask:
    """One task definition as the stack declares it."""

    containers: pulumi.Output[str]
    """JSON, as ECS takes it."""
    execution_role_arn: pulumi.Output[str]
    task_role_arn: pulumi.Output[str]


@dataclass(frozen=True)
class DeclaredTasks:
    """The task definitions of a stack, by family, and the images that they begin with."""

    families: Mapping[str, DeclaredTask]
    images: Sequence[str]


@dataclass(frozen=True)
class ReleaseScope:
    """The resources that a release changes or reads."""

    cluster: pulumi.Output[str]
    service: pulumi.Output[str]
    service_family: pulumi.Output[str]
    service_role_arns: Sequence[pulumi.Output[str]]
    """The execution role and the task role of the service's tasks."""
    migration_family: pulumi.Output[str]
    migration_role_arns: Sequence[pulumi.Output[str]]
    """Likewise of the migrations' tasks."""
    log_group: pulumi.Output[str]
    repository_name: pulumi.Output[str]
