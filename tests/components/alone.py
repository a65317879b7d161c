"""One component declared alone, with a real stack's settings and made-up neighbours.

A whole stack takes seconds; a component takes a fraction of one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.bucket import ReadyBucket
from components.component import Place
from components.database import Database
from components.delivery import Delivery
from components.load_balancer import LoadBalancer
from components.network import Network
from components.service import Environment, Permissions, Service
from components.service.environment import MIGRATION_SECRETS, SERVICE_SECRETS
from components.wires import EncryptionKey, Login, Placement, ReleaseScope, Traffic
from settings import Settings, load, place
from tests.changes import changed
from tests.graph import Graph, declare

Build = Callable[[Settings, Place], object]


def alone(
    build: Build,
    stack: str = "dev",
    changes: Mapping[str, Any] | None = None,
    *,
    stack_name: str | None = None,
) -> Graph:
    """Return the graph of what `build` declares, given the stack's settings and its place.

    `stack_name` names the stack that is declared, with the settings of `stack`.
    """

    def program() -> None:
        settings = load()
        build(settings, place(settings))

    return declare(stack_name or stack, changed(stack, changes or {}), program=program)


def text(value: str) -> pulumi.Output[str]:
    """Return a known output."""
    return pulumi.Output.from_input(value)


def placement() -> Placement:
    """Return a place in a network that does not exist."""
    return Placement(text("vpc-1"), [text("subnet-1"), text("subnet-2")], text("sg-1"))


def network(s: Settings, here: Place) -> Network:
    """Declare the network."""
    return Network("network", s.network, here)


def database(s: Settings, here: Place) -> Database:
    """Declare the database of a primary."""
    return Database(
        "database",
        s.database,
        here,
        at=placement(),
        key=EncryptionKey(text("arn:aws:kms:sa-east-1:000000000000:key/data"), None),
        secrets_key_arn=text("arn:aws:kms:sa-east-1:000000000000:key/secrets"),
        log_key_arn=text("arn:aws:kms:sa-east-1:000000000000:key/logs"),
        owner=Login("arca_owner", pulumi.Output.secret("password"), 1),
        replica_of=None,
        standby=False,
    )


def load_balancer(s: Settings, here: Place) -> LoadBalancer:
    """Declare the load balancer."""
    bucket = ReadyBucket(text("bucket"), text("arn:aws:s3:::bucket"))
    return LoadBalancer(
        "load-balancer",
        s.load_balancer,
        here,
        at=placement(),
        certificate_arn=text("arn:aws:acm:sa-east-1:000000000000:certificate/1"),
        hosts=["api.example"],
        service_port=s.service.port,
        ipv6=False,
        buckets=dict.fromkeys(("logs", "artifacts"), bucket),
        client_ca_pem=text("PEM"),
        weights_shifted_by_ecs=s.service.weights_shifted_by_ecs,
        fenced=s.fenced,
    )


def service(s: Settings, here: Place) -> Service:
    """Declare the service, with two listener rules to wait for."""

    def rule(name: str) -> aws.lb.ListenerRule:
        return aws.lb.ListenerRule(
            name,
            listener_arn="arn:aws:elasticloadbalancing:sa-east-1:000000000000:listener/app/a/1/2",
            conditions=[{"host_header": {"values": ["api.example"]}}],
            actions=[{"type": "forward", "target_group_arn": "arn:blue"}],
            opts=pulumi.ResourceOptions(provider=here.providers[0]),
        )

    secrets = {*SERVICE_SECRETS.values(), *MIGRATION_SECRETS.values()}
    arns = {role: f"arn:aws:secretsmanager:sa-east-1:000000000000:{role}" for role, _ in secrets}
    return Service(
        "service",
        s.service_now,
        here,
        image=s.owner.image,
        at=placement(),
        traffic=Traffic(
            arn_suffix=text("app/arca/1"),
            blue_arn=text("arn:blue"),
            green_arn=text("arn:green"),
            production_rule=rule("production"),
            test_rule=rule("test"),
        ),
        environment=Environment.of({}, arns, cache=True),
        permissions=Permissions(
            secrets_key_arn="arn:aws:kms:sa-east-1:000000000000:key/secrets",
            documents_arn="arn:aws:s3:::documents",
            documents_key_arn="arn:aws:kms:sa-east-1:000000000000:key/documents",
            repository_name="api",
            database_resource_id=None,
        ),
        log_key_arn="arn:aws:kms:sa-east-1:000000000000:key/logs",
    )


def delivery(s: Settings, here: Place) -> None:
    """Declare the pipeline's roles and export their ARNs."""
    declared = Delivery(
        "delivery",
        s.delivery,
        here,
        primary_stack=None,
        migrates=True,
        released=ReleaseScope(
            cluster=text("cluster"),
            service=text("service"),
            service_family=text("api"),
            service_role_arns=[text("arn:aws:iam::000000000000:role/arca/dev/service-task")],
            migration_family=text("migrations"),
            migration_role_arns=[text("arn:aws:iam::000000000000:role/arca/dev/migration")],
            log_group=text("/arca/api"),
            repository_name=text("api"),
        ),
    )
    outputs = declared.outputs()
    pulumi.export("delivery", outputs.model_dump(exclude_none=True) if outputs else None)
