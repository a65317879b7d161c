"""Smart Tiered Cache of a zone (API: Cache, Smart Tiered Cache).

It is what Cloudflare's Terraform provider, and so Pulumi's, sets for a tiered cache
(terraform-provider-cloudflare, internal/services/tiered_cache/resource.go).
"""

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route

PARAMS = "cache.smart_tiered_cache_edit_params.SmartTieredCacheEditParams"
SETTING = "tiered_cache_smart_topology_enable"


def _edit(call: Call) -> Answer:
    value = call.read(PARAMS)["value"]
    shown = {"id": SETTING, "editable": True, "value": value, "modified_on": call.moment}
    call.zone.tiered_cache = shown
    return Answer(shown)


def _get(call: Call) -> Answer:
    if call.zone.tiered_cache is None:
        raise ApiRefusal(
            1142, f"Unable to retrieve {SETTING} setting value {SIMULATED}", status=404
        )
    return Answer(call.zone.tiered_cache)


def _delete(call: Call) -> Answer:
    call.zone.tiered_cache = None
    return Answer({"id": SETTING, "editable": True, "modified_on": call.moment})


PATH = "/zones/{zone}/cache/tiered_cache_smart_topology_enable"
ROUTES = (Route("PATCH", PATH, _edit), Route("GET", PATH, _get), Route("DELETE", PATH, _delete))
