"""What an account's owner does once after the first update: values for secrets, and tasks.

On AWS no task of a fresh stack can start: its registry is empty, and the owner's secrets have no
value. The emulated cloud does both, so that the commands have a service to work on. `arca local up
--bare` leaves it out, as a rehearsal of the first day needs it.
"""

from collections.abc import Mapping
from typing import Any

from arca.emulator.aws_clients import session

MADE_UP = "made up for the emulated cloud"
"""The value of each of the owner's secrets."""


def play(endpoint: str, exports: Mapping[str, Any]) -> None:
    """Give the owner's secrets a value, and the service its tasks and declared configuration.

    A secondary's secrets are its primary's. A program without a service needs nothing.
    """
    service = exports.get("service")
    if service is None:
        return
    connected = session()

    def client(name: str) -> Any:
        return connected.client(name, region_name=exports["region"], endpoint_url=endpoint)

    if exports["role"] == "primary":
        for role in exports["secrets_without_value"]:
            client("secretsmanager").put_secret_value(
                SecretId=exports["secret_arns"][role], SecretString=MADE_UP
            )
    client("ecs").update_service(
        cluster=service["cluster"],
        service=service["name"],
        desiredCount=service["min_tasks"],
        deploymentConfiguration=service["deployment_configuration"],
        capacityProviderStrategy=service["capacity_provider_strategy"],
    )
