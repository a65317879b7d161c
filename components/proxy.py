"""RDS Proxy: one pool of connections in front of the database."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import physical
from components.component import Component, Place
from components.iam import allow, document, trust
from components.spec import Percent, Spec


class ProxySpec(Spec):
    """The proxy's pool; it exists where `database.proxy` is true."""

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
        description="Seconds that a client waits for a connection of the pool.",
    )
    idle_client_seconds: int = Field(
        default=1800, ge=1, le=28800, description="Seconds until an idle client is disconnected."
    )


class DatabaseProxy(Component):
    """The proxy; produces role, proxy, its default pool and the database as its target."""

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
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
    ) -> None:
        super().__init__("arca:proxy:DatabaseProxy", name, place, data_class="confidential")
        role = aws.iam.Role(
            name,
            assume_role_policy=trust("rds.amazonaws.com", account_id=None),
            opts=self.child(),
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=document(
                allow(["secretsmanager:GetSecretValue"], secret_arns),
                allow(
                    ["kms:Decrypt"],
                    [secrets_key_arn],
                    condition={
                        "StringEquals": {
                            "kms:ViaService": f"secretsmanager.{place.region}.amazonaws.com"
                        }
                    },
                ),
            ),
            opts=self.child(),
        )
        proxy = aws.rds.Proxy(
            name,
            name=physical(place.prefix, limit=63),
            engine_family="POSTGRESQL",
            role_arn=role.arn,
            require_tls=True,
            idle_client_timeout=spec.idle_client_seconds,
            vpc_subnet_ids=list(subnet_ids),
            vpc_security_group_ids=[security_group_id],
            auths=[
                {
                    "auth_scheme": "SECRETS",
                    "iam_auth": "DISABLED",
                    "client_password_auth_type": "POSTGRES_SCRAM_SHA_256",
                    "secret_arn": arn,
                }
                for arn in secret_arns
            ],
            opts=self.child(depends_on=[policy]),
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
