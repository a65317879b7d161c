"""The variables that ECS fills from Secrets Manager and Parameter Store when a task starts.

Source: Amazon ECS Developer Guide, "Pass sensitive data to an Amazon ECS container". The values are
read from moto's own objects, as task_needs.py reads them.
"""

import json
from collections.abc import Mapping
from typing import Any

from arca.emulator.ecs.api import structures
from arca.emulator.ecs.task_needs import backends


def secret_variables(account: str, container: Mapping[str, Any]) -> dict[str, str]:
    """Return a container's secrets by variable.

    Raises LookupError with the reason that ECS gives where a value cannot be read.
    """
    return {
        str(one["name"]): _value(account, str(one["valueFrom"]))
        for one in structures(container, "secrets")
    }


def _value(account: str, source: str) -> str:
    if ":secretsmanager:" in source:
        return _secret(account, source)
    region, name = source.split(":")[3], source.partition(":parameter")[2]
    found = backends("ssm")[account][region].get_parameter(name)
    if found is None:
        raise LookupError(f"unable to pull secrets: invalid ssm parameters: {name}")
    return str(found.value)


def _secret(account: str, source: str) -> str:
    """Read a secret, or one key of a secret that is JSON: `ARN:key:stage:version`."""
    parts = source.split(":")
    arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
    manager = backends("secretsmanager")[account][parts[3]]
    text = str(manager.get_secret_value(arn, "", "AWSCURRENT")["SecretString"])
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise LookupError(
            f"unable to retrieve secret from asm: retrieved secret from Secrets Manager did not "
            f"contain json key {key}"
        ) from None
