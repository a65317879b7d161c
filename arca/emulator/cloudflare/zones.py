"""Zones: they are their owner's, and are only read here (API: Zones)."""

from arca.emulator.cloudflare.calls import Answer, Call, Route, page
from arca.emulator.cloudflare.state import Json, Zone
from arca.zone_plans import Plan

NAMES: dict[Plan, str] = {
    "free": "Free Website",
    "pro": "Pro Website",
    "business": "Business Website",
    "enterprise": "Enterprise Website",
}
NAME_SERVERS = ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"]


def _shown(zone: Zone) -> Json:
    owned, created = zone.owned, zone.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "id": owned.id,
        "name": owned.name,
        "status": "active",
        "paused": False,
        "type": "full",
        "development_mode": 0,
        "name_servers": NAME_SERVERS,
        "created_on": created,
        "modified_on": created,
        "activated_on": created,
        "meta": {},
        "owner": {"id": owned.account, "type": "organization"},
        "account": {"id": owned.account},
        "plan": {"legacy_id": owned.plan, "name": NAMES[owned.plan], "is_subscribed": True},
    }


def _list(call: Call) -> Answer:
    wanted = call.query.get("name")
    found = [zone for zone in call.state.zones.values() if wanted in (None, zone.owned.name)]
    return page(call, map(_shown, found), size=20)


def _get(call: Call) -> Answer:
    return Answer(_shown(call.zone))


ROUTES = (Route("GET", "/zones", _list), Route("GET", "/zones/{zone}", _get))
