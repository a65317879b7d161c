"""Settings of a zone (API: Zones, Settings).

Which settings exist, which values they take and which only Enterprise zones change is what the
package `cloudflare` says of each setting. The codes were seen in
cloudflare/terraform-provider-cloudflare, issue 1787 (1006 and 1057), pulumi/pulumi-cloudflare,
issue 1319 (1007), and 1135 in answers of the API about other settings.
"""

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, page
from arca.emulator.judges import cloudflare_types

PARAMS = "zones.setting_edit_params.SettingEditParams"
UNKNOWN, BAD_VALUE, READ_ONLY, NOT_ON_PLAN = 1006, 1007, 1057, 1135


def _edit(call: Call) -> Answer:
    zone, name = call.zone, _name(call)
    content, params = call.content, {"zone_id": zone.owned.id, **call.content}
    # The models take any further key, and the types of the parameters any text.
    faults = [
        *cloudflare_types.judge_parameters(PARAMS, params),
        *cloudflare_types.judge_setting(name, content),
    ]
    if faults or not content:
        raise ApiRefusal(BAD_VALUE, f"Invalid value for zone setting {name}", pointer="value")
    if not _editable(call, name):
        if cloudflare_types.is_editable(name, enterprise=True):
            says = "this zone setting is not available for your plan type"
            raise ApiRefusal(NOT_ON_PLAN, says)
        raise ApiRefusal(READ_ONLY, f"{name} cannot be modified for this zone")
    zone.settings[name] = {**content, "id": name}
    if "value" in content:
        zone.settings[name] |= {"editable": True, "modified_on": call.moment}
    return Answer(zone.settings[name])


def _get(call: Call) -> Answer:
    zone, name = call.zone, _name(call)
    if name not in zone.settings:
        says = f"nobody has set {name}, and this double knows no defaults {SIMULATED}"
        raise ApiRefusal(UNKNOWN, says, status=404)
    return Answer(zone.settings[name])


def _list(call: Call) -> Answer:
    return page(call, call.zone.settings.values(), size=100)


def _name(call: Call) -> str:
    name = call.ids["setting"]
    if not cloudflare_types.is_setting(name):
        raise ApiRefusal(UNKNOWN, f"Unrecognized zone setting name: {name}")
    return name


def _editable(call: Call, name: str) -> bool:
    enterprise = call.zone.owned.plan == "enterprise"
    return cloudflare_types.is_editable(name, enterprise=enterprise)


ROUTES = (
    Route("GET", "/zones/{zone}/settings", _list),
    Route("GET", "/zones/{zone}/settings/{setting}", _get),
    Route("PATCH", "/zones/{zone}/settings/{setting}", _edit),
)
