"""The containers' environment: variables and secrets by ARN, never by value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from arca.monitoring.slo.objectives import thresholds
from components.component import Text
from components.objectives import declared_objectives

SecretKey = tuple[str, str | None]
"""A role of components/secrets.py, and a key of the JSON in it; None is the whole value."""

SERVICE_SECRETS: Mapping[str, SecretKey] = {
    "DATABASE_USERNAME": ("database-app", "username"),
    "DATABASE_PASSWORD": ("database-app", "password"),
    "ARCA_CERTIFICATE": ("arca-certificate", "certificate"),
    "ARCA_PRIVATE_KEY": ("arca-certificate", "private_key"),
    "JWT_KEY": ("jwt-key", None),
    "CACHE_TOKEN": ("cache-token", None),
}
"""The secrets among the service's variables (docs/service-contract.md)."""
MIGRATION_SECRETS: Mapping[str, SecretKey] = {
    "DATABASE_USERNAME": ("database-owner", "username"),
    "DATABASE_PASSWORD": ("database-owner", "password"),
    # A migration creates the service's user and sets its password.
    "APP_DATABASE_USERNAME": ("database-app", "username"),
    "APP_DATABASE_PASSWORD": ("database-app", "password"),
}
"""The secrets among a migration's variables."""
ABSENT_WITHOUT_CACHE = "CACHE_TOKEN"


@dataclass(frozen=True)
class Environment:
    """ARNs by variable; ECS reads the values when a task starts."""

    variables: Mapping[str, Text]
    secrets: Mapping[str, Text]
    migration_secrets: Mapping[str, Text]
    secret_arns: Sequence[Text]
    migration_secret_arns: Sequence[Text]

    @classmethod
    def of(
        cls, variables: Mapping[str, Text], secret_arns: Mapping[str, Text], *, cache: bool
    ) -> "Environment":
        """Give each variable its ARN; a stack without a cache has no token for it."""
        service = {
            name: secret
            for name, secret in SERVICE_SECRETS.items()
            if cache or name != ABSENT_WITHOUT_CACHE
        }
        return cls(
            variables=variables,
            secrets=_references(service, secret_arns),
            migration_secrets=_references(MIGRATION_SECRETS, secret_arns),
            secret_arns=_arns(service, secret_arns),
            migration_secret_arns=_arns(MIGRATION_SECRETS, secret_arns),
        )


def threshold_variables() -> dict[str, str]:
    """Return the thresholds of the objectives by variable; the service counts what is faster.

    Raises RunError where an OpenSLO document is wrong.
    """
    found = thresholds(declared_objectives())
    return {variable: str(limit_ms) for variable, limit_ms in found.items()}


def _arns(secrets: Mapping[str, SecretKey], arns: Mapping[str, Text]) -> list[Text]:
    """Return each secret's ARN once."""
    return [arns[role] for role in dict.fromkeys(role for role, _ in secrets.values())]


def _references(secrets: Mapping[str, SecretKey], arns: Mapping[str, Text]) -> dict[str, Text]:
    """Return what a task definition names: a secret's ARN, and one key of a secret with JSON.

    Source: Amazon ECS Developer Guide, "Pass Secrets Manager secrets through Amazon ECS
    environment variables".
    """
    return {
        name: arns[role] if key is None else pulumi.Output.concat(arns[role], ":", key, "::")
        for name, (role, key) in secrets.items()
    }
