"""The containers' environment: variables and secrets by ARN, never by value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.component import Text


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
        """Map the names of docs/service-contract.md to ARNs."""
        app, owner = secret_arns["database-app"], secret_arns["database-owner"]
        certificate, jwt = secret_arns["arca-certificate"], secret_arns["jwt-key"]
        token = {"CACHE_TOKEN": secret_arns["cache-token"]} if cache else {}
        return cls(
            variables=variables,
            secrets={
                "DATABASE_USERNAME": _key(app, "username"),
                "DATABASE_PASSWORD": _key(app, "password"),
                "ARCA_CERTIFICATE": _key(certificate, "certificate"),
                "ARCA_PRIVATE_KEY": _key(certificate, "private_key"),
                "JWT_KEY": jwt,
                **token,
            },
            migration_secrets={
                "DATABASE_USERNAME": _key(owner, "username"),
                "DATABASE_PASSWORD": _key(owner, "password"),
                # A migration creates the service's user and sets its password.
                "APP_DATABASE_USERNAME": _key(app, "username"),
                "APP_DATABASE_PASSWORD": _key(app, "password"),
            },
            secret_arns=[app, certificate, jwt, *token.values()],
            migration_secret_arns=[owner, app],
        )


def _key(arn: Text, key: str) -> pulumi.Output[str]:
    """Return the reference to one key of a secret that holds JSON.

    Source: Amazon ECS Developer Guide, "Pass Secrets Manager secrets through Amazon ECS
    environment variables".
    """
    return pulumi.Output.concat(arn, ":", key, "::")
