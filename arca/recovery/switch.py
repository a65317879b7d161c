"""Send the customers to the standby: the lever of ADR 0021, and proof that it moved them."""

from datetime import timedelta

from arca import lever
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene

LOOK_SECONDS = 2.0


def switch(scene: Scene) -> str:
    """Pull the lever, and wait until the customers' name leads to a region that is ready."""
    primary = scene.primary
    identifier = primary.outputs.edge.failover_lever_id
    if identifier is None:
        raise ArcaError(
            f"{primary.name} has no failover lever.",
            where=primary.where,
            wanted="`dns.failover: true` in both stacks",
            do="point the origin name to the standby by hand (docs/disaster-recovery.md)",
        )
    if not lever.pulled(primary):
        with explained(primary, "The lever cannot be pulled"):
            client(primary, "route53", region=lever.REGION).update_health_check(
                HealthCheckId=identifier, Inverted=True
            )
        scene.say("the lever is pulled; waiting for DNS")
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
                where=f"{primary.outputs.edge.url}, lever {identifier}",
                wanted="a good answer of the standby's region",
                do="look where the origin name leads: `aws route53 test-dns-answer`; then resume",
            )
        scene.clock.sleep(LOOK_SECONDS)
