"""Read the failover lever: whether a person sent the customers to the DR region (ADR 0021)."""

from arca.clients import client, explained
from arca.stack import Stack

REGION = "us-east-1"
"""Where Route 53's control plane is (Amazon Route 53 Developer Guide, "Disaster recovery")."""


def pulled(stack: Stack) -> bool:
    """Return whether the stack's lever sends its customers to the other region.

    Between that moment and the fence, the stack's exports still say that it serves. A stack
    without a lever keeps its customers. Raises ArcaError where Route 53 gives no answer.
    """
    lever = stack.outputs.edge.failover_lever_id
    if lever is None:
        return False
    with explained(stack, "The failover lever cannot be read"):
        found = client(stack, "route53", region=REGION).get_health_check(HealthCheckId=lever)
        return bool(found["HealthCheck"]["HealthCheckConfig"].get("Inverted"))
