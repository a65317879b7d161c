"""Send the customers to the standby: the lever of ADR 0021, and proof that it moved them."""

from collections.abc import Callable
from datetime import timedelta

from arca import lever
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene

LOOK_SECONDS = 2.0
TTL_SECONDS = 60.0
"""How long resolvers and the edge may keep the old answer: the alias record of a load balancer
lives 60 s (Route 53 Developer Guide, "Values for alias records")."""
EMULATED_TTL_SECONDS = 2.0
ANSWERS = ("ready", "business")
"""The checks that only a stack passes that serves."""


def pull(scene: Scene) -> bool:
    """Pull the lever; False where it is pulled already, or there is none: a person moves them."""
    primary = scene.primary
    identifier = primary.outputs.edge.failover_lever_id
    if identifier is None:
        scene.say(f"{primary.name} has no lever; waiting for whoever changes the origin name")
        return False
    if lever.pulled(primary):
        return False
    _invert(scene, identifier, pulled=True)
    scene.say("the lever is pulled")
    return True


def push(scene: Scene) -> None:
    """Push the lever back, so that the customers reach the primary again."""
    identifier = scene.primary.outputs.edge.failover_lever_id
    if identifier is not None and lever.pulled(scene.primary):
        _invert(scene, identifier, pulled=False)


def _invert(scene: Scene, identifier: str, *, pulled: bool) -> None:
    primary = scene.primary
    with explained(primary, f"The lever cannot be {'pulled' if pulled else 'pushed back'}"):
        client(primary, "route53", region=lever.REGION).update_health_check(
            HealthCheckId=identifier, Inverted=pulled
        )


def reaches_primary(scene: Scene) -> bool:
    """Return whether the customers get good answers while the standby serves nobody."""
    found = scene.smoke_as_customer(scene.primary)
    return any(one.name in ANSWERS and one.verdict == "OK" for one in found.checks)


def left(scene: Scene) -> None:
    """Wait until the customers do not reach the primary any more; they get 503.

    A standby that serves answers them itself, so then there is nothing to wait for. Raises
    ArcaError after the budget of `switch`.
    """
    if scene.standby.outputs.phase == "active":
        return
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["switch"].seconds)
    if not reaches_primary(scene):
        return
    scene.say(f"waiting until no customer reaches {scene.primary_name}")
    if not _steady(scene, lambda: not reaches_primary(scene), deadline=deadline.timestamp()):
        edge = scene.primary.outputs.edge
        raise ArcaError(
            f"Customers still reach {scene.primary_name}, and what it takes would be lost.",
            where=f"{edge.url}, lever {edge.failover_lever_id or 'none'}",
            wanted="no good answer before the standby serves",
            do=f"look where {edge.origin_name} leads: `dig +short {edge.origin_name}`"
            + _by_hand(edge.failover_lever_id)
            + f"; then `{scene.resume}`",
        )


def wait(scene: Scene, *, fenced: bool) -> str:
    """Wait until the customers' name leads to the standby; returns what was seen.

    Good answers for as long as the old record lives are proof where the primary is `fenced`, since
    nobody else answers. Otherwise the name must lead to the standby's load balancer too. Raises
    ArcaError after the phase's budget.
    """
    edge = scene.primary.outputs.edge
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["switch"].seconds)
    wrong = ""

    def good() -> bool:
        nonlocal wrong
        found = scene.smoke_as_customer(scene.standby)
        wrong = "; ".join(f"{one.name}: {one.detail}" for one in found.failed) or found.verdict
        if found.verdict != "OK":
            return False
        elsewhere = None if fenced else scene.leads_elsewhere(scene.primary, scene.standby)
        wrong = elsewhere or wrong
        return elsewhere is None

    if not _steady(scene, good, deadline=deadline.timestamp()):
        raise ArcaError(
            f"DNS does not switch: {scene.standby_name} does not serve the customers' name after "
            f"{BUDGETS['switch'].seconds} s: {wrong}",
            where=f"{edge.url}, lever {edge.failover_lever_id or 'none'}",
            wanted=f"good answers of {scene.standby_name}",
            do=f"look where {edge.origin_name} leads: `dig +short {edge.origin_name}`"
            + _by_hand(edge.failover_lever_id)
            + f"; then `{scene.resume}`",
        )
    return f"{edge.url} is served by {scene.standby_name}"


def _steady(scene: Scene, good: Callable[[], bool], *, deadline: float) -> bool:
    """Wait until something is so at each look, for as long as an old record lives."""
    needed = TTL_SECONDS if scene.primary.endpoint is None else EMULATED_TTL_SECONDS
    since: float | None = None
    while True:
        now = scene.clock.now().timestamp()
        if not good():
            since = None
            if now > deadline:
                return False
        elif since is None:
            since = now
        elif now - since >= needed:
            return True
        scene.pause(scene.primary, LOOK_SECONDS)


def _by_hand(identifier: str | None) -> str:
    if identifier is None:
        return "; without `dns.failover`, point it to the standby by hand"
    return f", and at the lever: `aws route53 get-health-check --health-check-id {identifier}`"
