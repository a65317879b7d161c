"""What an account's owner does once after the first update: values for secrets, and tasks.

On AWS no task of a fresh stack can start: its registry is empty, and the owner's secrets have no
value. The emulated cloud does both, so that the commands have a service to work on. `arca local up
--bare` leaves it out, as a rehearsal of the first day needs it.
"""

from collections.abc import Mapping
from typing import Any

from arca.clock import Clock
from arca.emulator.aws_clients import session
from arca.errors import ArcaError

MADE_UP = "made up for the emulated cloud"
"""The value of each of the owner's secrets."""
LOOKS, PAUSE_SECONDS = 600, 0.1
"""How often, and after what pause, to look whether the service's creation has ended."""


def play(endpoint: str, exports: Mapping[str, Any], *, clock: Clock) -> None:
    """Give the owner's secrets a value, and the service its tasks and declared configuration.

    A secondary's secrets are its primary's. A program without a service needs nothing. Raises
    ArcaError where the deployment of the service's creation does not end.
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
    ecs = client("ecs")
    _wait_for_creation(ecs, service, clock)
    ecs.update_service(
        cluster=service["cluster"],
        service=service["name"],
        desiredCount=service["min_tasks"],
        deploymentConfiguration=service["deployment_configuration"],
        capacityProviderStrategy=service["capacity_provider_strategy"],
    )


def fill_new_secrets(endpoint: str, before: Mapping[str, Any], exports: Mapping[str, Any]) -> None:
    """Give a value to the owner's secrets that an update has created."""
    if exports.get("role") != "primary":
        return
    known = before.get("secret_arns", {}).values()
    secrets = session().client(
        "secretsmanager", region_name=exports["region"], endpoint_url=endpoint
    )
    for role in exports.get("secrets_without_value", []):
        arn = exports["secret_arns"][role]
        if arn not in known:
            secrets.put_secret_value(SecretId=arn, SecretString=MADE_UP)


def _wait_for_creation(ecs: Any, service: Mapping[str, Any], clock: Clock) -> None:
    """Wait for the tasks of a number that autoscaling does not set; ECS deploys them at once."""
    for _ in range(LOOKS):
        begun = ecs.list_service_deployments(
            cluster=service["cluster"], service=service["name"], status=["PENDING", "IN_PROGRESS"]
        )
        if not begun["serviceDeployments"]:
            return
        clock.sleep(PAUSE_SECONDS)
    raise ArcaError(
        f"The first tasks of {service['name']} do not start.",
        where=f"the emulated cluster {service['cluster']}",
        wanted="the end of the deployment that created the service",
        do="`arca status` says why they stop; `make down` ends the cloud",
    )
