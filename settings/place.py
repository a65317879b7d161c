"""Where a stack stands, at AWS and at Cloudflare, from its settings."""

from dataclasses import replace

import pulumi

from components.component import Place, declare_providers
from components.wires import CloudflareZone
from settings.model import Settings


def place(s: Settings) -> Place:
    """Declare the providers and return the place in which every component stands."""
    stack = pulumi.get_stack()
    return Place(
        stack=stack,
        stage=s.stage,
        region=s.region,
        account_id=s.owner.account_id,
        replica_region=s.recovery.replica_region,
        protect=s.protected,
        disposable=s.disposable,
        providers=declare_providers(
            stack=stack,
            stage=s.stage,
            region=s.region,
            account_id=s.owner.account_id,
            team=s.owner.team,
            cost_center=s.owner.cost_center,
        ),
    )


def released(here: Place) -> Place:
    """Return the same place, in which nothing is protected."""
    return replace(here, protect=False)


def cloudflare_zone(s: Settings) -> CloudflareZone:
    """Return the stage's zone at Cloudflare."""
    return CloudflareZone(
        zone_id=s.owner.cloudflare_zone_id,
        account_id=s.owner.cloudflare_account_id,
        domain=s.owner.domain,
        region=s.region,
        contact_email=s.owner.contact_email,
        health_path=s.dns.check_path,
    )
