"""Send the customers to the standby: the lever of ADR 0021, and proof that it moved them."""

from datetime import timedelta

from arca import lever
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene

LOOK_SECONDS = 2.0


def pull(scene: Scene) -> None:
    """Pull the lever, unless it is pulled already; a primary without one is left to a person."""
    primary = scene.primary
    identifier = primary.outputs.edge.failover_lever_id
    if identifier is None:
        scene.say(f"{primary.name} has no lever; waiting for whoever changes the origin name")
    elif not lever.pulled(primary):
        with explained(primary, "The lever cannot be pulled"):
            client(primary, "route53", region=lever.REGION).update_health_check(
                HealthCheckId=identifier, Inverted=True
            )
        scene.say("the lever is pulled")


def wait(scene: Scene) -> str:
    """Wait until the customers' name leads to a region that is ready; returns what was seen.

    Raises ArcaError after the phase's budget.
    """
    edge = scene.primary.outputs.edge
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["switch"].seconds)
    while True:
        found = scene.smoke_as_customer(scene.standby)
        if found.verdict == "OK":
            return f"{found.url} is served"
        if scene.clock.now() > deadline:
            wrong = "; ".join(f"{one.name}: {one.detail}" for one in found.failed)
            raise ArcaError(
                f"DNS does not switch: the customers' name is not served after "
                f"{BUDGETS['switch'].seconds} s: {wrong}",
                where=f"{edge.url}, lever {edge.failover_lever_id or 'none'}",
                wanted=f"a good answer of {scene.standby_name}",
                do=f"look where {edge.origin_name} leads: `dig +short {edge.origin_name}`"
                + _by_hand(edge.failover_lever_id)
                + f"; then `{scene.resume}`",
            )
        scene.clock.sleep(LOOK_SECONDS)


def _by_hand(identifier: str | None) -> str:
    if identifier is None:
        return "; without `dns.failover`, point it to the standby by hand"
    return f", and at the lever: `aws route53 get-health-check --health-check-id {identifier}`"
