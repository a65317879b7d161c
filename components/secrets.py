"""The secrets: some the platform generates, the others only the owner can fill in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field

from arca.outputs import ReplicatedSecret
from components.component import Component, Place
from components.spec import Spec
from components.wires import EncryptionKey, Login, Primary

SecretRole = Literal[ReplicatedSecret, "cache-token"]
REPLICATED_SECRETS: tuple[ReplicatedSecret, ...] = get_args(ReplicatedSecret)

DATABASE_USERS: Mapping[SecretRole, str] = {
    "database-owner": "arca_owner",
    "database-app": "arca_app",
}
"""The owner creates the schema and runs migrations; the service logs in as the other user."""


class SecretsSpec(Spec):
    """Generated passwords. Raising a version by one rotates its password."""

    database_owner_version: int = Field(
        default=1, ge=1, description="Raise by one to give the database's owner a new password."
    )
    database_app_version: int = Field(
        default=1,
        ge=1,
        description="Raise by one to give the service's database user a new password.",
    )
    cache_token_version: int = Field(
        default=1, ge=1, description="Raise by one to give the cache a new AUTH token."
    )
    recovery_days: int = Field(
        default=30, ge=7, le=30, description="Days during which a deleted secret can be restored."
    )


@dataclass(frozen=True)
class SecretPlan:
    """One secret before it exists."""

    role: SecretRole
    description: str
    generated_length: int | None
    """Length of the value that the platform generates; None where the owner fills it in."""


PLAN = (
    # RDS accepts 8 to 128 characters (Amazon RDS API, CreateDBInstance, MasterUserPassword).
    SecretPlan("database-owner", "PostgreSQL owner, for migrations", 40),
    SecretPlan("database-app", "PostgreSQL user of the service", 40),
    # The DR region's cache starts empty, with a token of its own. ElastiCache accepts 16 to 128
    # characters (ElastiCache User Guide, "Authenticating with the AUTH command").
    SecretPlan("cache-token", "AUTH token of the cache", 64),
    SecretPlan(
        "arca-certificate",
        "WSAA client certificate and private key (PEM, JSON keys `certificate`, `private_key`)",
        None,
    ),
    SecretPlan("jwt-key", "Private key that signs the API's tokens (PEM)", None),
)


class Secrets(Component):
    """The secrets of a stack.

    Produces: a Secrets Manager secret for each role, with its replica in the DR region; for each
    generated one also a password and a version. A secondary adopts the primary's replicas.
    """

    arns: dict[SecretRole, pulumi.Output[str]]
    """All secrets, including those that the owner of the accounts fills in."""
    replica_arns: dict[ReplicatedSecret, pulumi.Output[str]]
    database_owner: Login
    values: dict[SecretRole, pulumi.Output[str]]
    """The generated values."""

    def __init__(
        self,
        name: str,
        spec: SecretsSpec,
        place: Place,
        *,
        key: EncryptionKey,
        primary: Primary | None,
        owner_made_by_rds: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:secrets:Secrets", name, place, data_class="confidential", opts=opts)
        versions: Mapping[SecretRole, int] = {
            "database-owner": spec.database_owner_version,
            "database-app": spec.database_app_version,
            "cache-token": spec.cache_token_version,
        }
        self.arns, self.replica_arns, self.values = {}, {}, {}
        for plan in PLAN:
            if plan.role == "database-owner" and owner_made_by_rds:
                continue
            if primary is not None and plan.role in REPLICATED_SECRETS:
                self.arns[plan.role] = primary.secret_arns[plan.role]
                continue
            away = place.replica_region if plan.role in REPLICATED_SECRETS else None
            secret = aws.secretsmanager.Secret(
                f"{name}-{plan.role}",
                name=f"{place.prefix}/{plan.role}",
                description=plan.description,
                kms_key_id=key.arn,
                # A secondary's own secrets are generated. One that could be restored would keep
                # its name, and the stack could not be made again.
                recovery_window_in_days=0
                if place.disposable or primary is not None
                else spec.recovery_days,
                replicas=[{"region": away, "kms_key_id": key.replica_arn}] if away else None,
                # A DR stack that served may have made its copies secrets of their own (Secrets
                # Manager, StopReplicationToReplica). By default they are in the way of the next
                # replication (ReplicateSecretToRegions, ForceOverwriteReplicaSecret).
                force_overwrite_replica_secret=True if away else None,
                opts=self.durable(),
            )
            self.arns[plan.role] = secret.arn
            if away and plan.role in REPLICATED_SECRETS:
                # A replica keeps the name and its suffix; only the region differs (AWS Secrets
                # Manager User Guide, "Replicate secrets across Regions").
                self.replica_arns[plan.role] = secret.arn.apply(_in_region(place.region, away))
            if plan.generated_length is not None:
                password = random.RandomPassword(
                    f"{name}-{plan.role}",
                    length=plan.generated_length,
                    special=False,
                    keepers={"version": str(versions[plan.role])},
                    opts=self.child(),
                )
                self.values[plan.role] = password.result
                aws.secretsmanager.SecretVersion(
                    f"{name}-{plan.role}",
                    secret_id=secret.id,
                    secret_string=_content(plan.role, password.result),
                    opts=self.child(),
                )
        self.database_owner = Login(
            DATABASE_USERS["database-owner"],
            self.values.get("database-owner"),
            spec.database_owner_version,
        )
        self.register_outputs({})


def owner_given() -> tuple[SecretRole, ...]:
    """Return the secrets that are empty until the owner fills them in."""
    return tuple(plan.role for plan in PLAN if plan.generated_length is None)


def _content(role: SecretRole, password: pulumi.Output[str]) -> pulumi.Output[str]:
    user = DATABASE_USERS.get(role)
    if user is None:
        return password
    # The keys are those that RDS Proxy reads (Amazon RDS User Guide, "Setting up database
    # credentials in AWS Secrets Manager for RDS Proxy").
    return password.apply(lambda value: json.dumps({"username": user, "password": value}))


def _in_region(home: str, away: str) -> Callable[[str], str]:
    return lambda arn: arn.replace(f":{home}:", f":{away}:", 1)
