"""RDS Proxy: a pool of connections in front of the database."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import physical
from components.component import Component, Place
from components.iam import allow, service_role
from components.spec import Percent, Spec
from components.wires import Placement


class ProxySpec(Spec):
    """The pool of RDS Proxy, which exists where `database.proxy` is true."""

    max_connections_percent: Percent = Field(
        default=90,
        description="Share of the database's max_connections that the pool may hold, in %.",
    )
    max_idle_percent: int = Field(
        default=50, ge=0, le=100, description="Share of max_connections kept open when idle, in %."
    )
    borrow_timeout_seconds: int = Field(
        default=30,
        ge=1,
        le=300,
        description="Seconds that a client waits for a connection from the pool.",
    )
    idle_client_seconds: int = Field(
        default=1800, ge=1, le=28800, description="Seconds until an idle client is disconnected."
    )


class DatabaseProxy(Component):
    """The proxy; produces its role, the proxy, its default pool and the database as target."""

    endpoint: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: ProxySpec,
        place: Place,
        *,
        database_identifier: pulumi.Input[str],
        secret_arns: Sequence[pulumi.Input[str]],
        secrets_key_arn: pulumi.Input[str],
        at: Placement,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:proxy:DatabaseProxy", name, place, data_class="confidential", opts=opts
        )
        through_secrets = f"secretsmanager.{place.region}.amazonaws.com"
        reader = service_role(
            self,
            name,
            "rds.amazonaws.com",
            allow(["secretsmanager:GetSecretValue"], secret_arns),
            allow(
                ["kms:Decrypt"],
                [secrets_key_arn],
                condition={"StringEquals": {"kms:ViaService": through_secrets}},
            ),
            confined=False,
        )
        proxy = aws.rds.Proxy(
            name,
            name=physical(place.prefix, limit=63),
            engine_family="POSTGRESQL",
            role_arn=reader.arn,
            require_tls=True,
            idle_client_timeout=spec.idle_client_seconds,
            vpc_subnet_ids=at.subnet_ids,
            vpc_security_group_ids=[at.security_group_id],
            auths=[
                {
                    "auth_scheme": "SECRETS",
                    "iam_auth": "DISABLED",
                    "client_password_auth_type": "POSTGRES_SCRAM_SHA_256",
                    "secret_arn": arn,
                }
                for arn in secret_arns
            ],
            opts=self.child(depends_on=[reader.policy]),
        )
        pool = aws.rds.ProxyDefaultTargetGroup(
            name,
            db_proxy_name=proxy.name,
            connection_pool_config={
                "max_connections_percent": spec.max_connections_percent,
                "max_idle_connections_percent": spec.max_idle_percent,
                "connection_borrow_timeout": spec.borrow_timeout_seconds,
            },
            opts=self.child(),
        )
        aws.rds.ProxyTarget(
            name,
            db_proxy_name=proxy.name,
            target_group_name=pool.name,
            db_instance_identifier=database_identifier,
            opts=self.child(),
        )
        self.endpoint = proxy.endpoint
        self.register_outputs({"endpoint": proxy.endpoint})
