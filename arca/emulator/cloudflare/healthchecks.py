"""Health checks of a zone, which nobody carries out here (API: Health Checks).

The defaults and the form of a name are those of the API reference. Code 1002 is what the API
answers to a zone without health checks; for a wrong name it is ours.
"""

import re

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, kept, page
from arca.emulator.cloudflare.state import Json
from arca.emulator.judges.cloudflare_plans import judge_healthcheck

CREATE = "healthchecks.healthcheck_create_params.HealthcheckCreateParams"
REPLACE = "healthchecks.healthcheck_update_params.HealthcheckUpdateParams"
EDIT = "healthchecks.healthcheck_edit_params.HealthcheckEditParams"
DEFAULTS: Json = {
    "description": "",
    "type": "HTTP",
    "interval": 60,
    "retries": 2,
    "timeout": 5,
    "consecutive_fails": 1,
    "consecutive_successes": 1,
    "check_regions": None,
    "suspended": False,
}
HTTP_DEFAULTS: Json = {
    "path": "/",
    "method": "GET",
    "expected_codes": ["200"],
    "follow_redirects": False,
    "allow_insecure": False,
    "expected_body": "",
}
INVALID, UNKNOWN = 1002, 1001


def _create(call: Call) -> Answer:
    return _keep(call, call.read(CREATE), {"id": call.state.new_id(), "created_on": call.moment})


def _replace(call: Call) -> Answer:
    return _keep(call, call.read(REPLACE), _fixed(_known(call)))


def _edit(call: Call) -> Answer:
    before = _known(call)
    outputs = ("id", "created_on", "modified_on", "status", "failure_reason")
    inputs = {key: value for key, value in before.items() if key not in outputs}
    inputs = {key: value for key, value in inputs.items() if value is not None}
    whole = call.with_body({**inputs, **call.content})
    return _keep(call, whole.read(EDIT), _fixed(before))


def _keep(call: Call, content: Json, fixed: Json) -> Answer:
    for fault in judge_healthcheck(call.zone.limits):
        raise ApiRefusal(fault.code, fault.says)
    if re.fullmatch(r"[A-Za-z0-9_-]+", content["name"]) is None:
        says = f"name may have alphanumeric characters, hyphens and underscores {SIMULATED}"
        raise ApiRefusal(INVALID, says, pointer="name")
    check = {**DEFAULTS, **content, **fixed, "modified_on": call.moment, "status": "unknown"}
    if check["type"] in ("HTTP", "HTTPS"):
        port = 443 if check["type"] == "HTTPS" else 80
        check["http_config"] = {**HTTP_DEFAULTS, "port": port, **content.get("http_config", {})}
    call.zone.healthchecks[check["id"]] = check
    return Answer(check)


def _fixed(check: Json) -> Json:
    return {"id": check["id"], "created_on": check["created_on"]}


def _known(call: Call) -> Json:
    missing = ApiRefusal(UNKNOWN, f"health check not found {SIMULATED}", status=404)
    return kept(call.zone.healthchecks, call.ids["check"], missing)


def _get(call: Call) -> Answer:
    return Answer(_known(call))


def _list(call: Call) -> Answer:
    return page(call, call.zone.healthchecks.values(), size=25)


def _delete(call: Call) -> Answer:
    check = _known(call)
    del call.zone.healthchecks[check["id"]]
    return Answer({"id": check["id"]})


ROUTES = (
    Route("POST", "/zones/{zone}/healthchecks", _create),
    Route("GET", "/zones/{zone}/healthchecks", _list),
    Route("GET", "/zones/{zone}/healthchecks/{check}", _get),
    Route("PUT", "/zones/{zone}/healthchecks/{check}", _replace),
    Route("PATCH", "/zones/{zone}/healthchecks/{check}", _edit),
    Route("DELETE", "/zones/{zone}/healthchecks/{check}", _delete),
)
