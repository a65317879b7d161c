"""The secrets: what the platform generates, and what only the owner can put in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field

from components.component import Adopt, Component, Login, Place
from components.spec import Spec

SecretRole = Literal["database-owner", "database-app", "cache-token", "arca-certificate", "jwt-key"]

DATABASE_USERS: Mapping[SecretRole, str] = {
    "database-owner": "arca_owner",
    "database-app": "arca_app",
}
"""The owner makes the schema and runs migrations; the service is only ever the other one."""


class SecretsSpec(Spec):
    """Generated passwords; a version raised by one is a rotation."""

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
        default=30, ge=7, le=30, description="Days in which a deleted secret can be brought back."
    )


@dataclass(frozen=True)
class SecretPlan:
    """One secret before it exists."""

    role: SecretRole
    description: str
    generated_length: int | None
    replicated: bool

    @property
    def generated(self) -> bool:
        """Whether the platform makes the value; otherwise the owner puts it in."""
        return self.generated_length is not None


PLAN = (
    # RDS takes 8 to 128 characters (Amazon RDS API, CreateDBInstance, MasterUserPassword).
    SecretPlan("database-owner", "PostgreSQL owner, for migrations", 40, replicated=True),
    SecretPlan("database-app", "PostgreSQL user of the service", 40, replicated=True),
    # The cache is rebuilt cold in the DR region, with a token of its own. ElastiCache takes 16
    # to 128 characters (ElastiCache User Guide, "Authenticating with the AUTH command").
    SecretPlan("cache-token", "AUTH token of the cache", 64, replicated=False),
    SecretPlan(
        "arca-certificate",
        "WSAA client certificate and private key (PEM, JSON keys `certificate`, `private_key`)",
        None,
        replicated=True,
    ),
    SecretPlan("jwt-key", "Private key that signs the API's tokens (PEM)", None, replicated=True),
)


class Secrets(Component):
    """The secrets of a stack.

    Produces: a Secrets Manager secret a role with its replica in the DR region, and a password
    and a version for each generated one. A secondary adopts the primary's replicas.
    """

    arns: dict[SecretRole, pulumi.Output[str]]
    """What the owner of the accounts puts a value into is in here too."""
    replica_arns: dict[SecretRole, pulumi.Output[str]]
    database_owner: Login
    values: dict[SecretRole, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: SecretsSpec,
        place: Place,
        *,
        key_arn: pulumi.Input[str],
        replica_key_arn: pulumi.Input[str] | None,
        adopt: Adopt | None,
        owner_made_by_rds: bool,
    ) -> None:
        super().__init__("arca:secrets:Secrets", name, place, data_class="confidential")
        versions: Mapping[SecretRole, int] = {
            "database-owner": spec.database_owner_version,
            "database-app": spec.database_app_version,
            "cache-token": spec.cache_token_version,
        }
        self.arns, self.replica_arns, self.values = {}, {}, {}
        for plan in PLAN:
            if plan.role == "database-owner" and owner_made_by_rds:
                continue
            if adopt is not None and plan.replicated:
                self.arns[plan.role] = adopt(plan.role)
                continue
            away = place.replica_region if plan.replicated else None
            secret = aws.secretsmanager.Secret(
                f"{name}-{plan.role}",
                name=f"{place.prefix}/{plan.role}",
                description=plan.description,
                kms_key_id=key_arn,
                recovery_window_in_days=0 if place.disposable else spec.recovery_days,
                replicas=[{"region": away, "kms_key_id": replica_key_arn}] if away else None,
                opts=self.durable(),
            )
            self.arns[plan.role] = secret.arn
            if away:
                # A replica keeps the name and the suffix; only the region differs (AWS Secrets
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
    """The secrets that stay empty until the owner puts a value in."""
    roles: tuple[SecretRole, ...] = get_args(SecretRole)
    return tuple(r for r in roles if any(p.role == r and not p.generated for p in PLAN))


def _content(role: SecretRole, password: pulumi.Output[str]) -> pulumi.Output[str]:
    user = DATABASE_USERS.get(role)
    if user is None:
        return password
    # The keys are those that RDS Proxy reads (Amazon RDS User Guide, "Setting up database
    # credentials in AWS Secrets Manager for RDS Proxy").
    return password.apply(lambda value: json.dumps({"username": user, "password": value}))


def _in_region(home: str, away: str) -> Callable[[str], str]:
    return lambda arn: arn.replace(f":{home}:", f":{away}:", 1)
