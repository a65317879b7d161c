"""Rulesets of a zone, of which each phase has one: its entry point (API: Rulesets).

Which rules keep their ids when a ruleset changes: Cloudflare Ruleset Engine documentation, "Update
a ruleset"; a `ref` says which rule is the same one. The codes were seen in
userbradley/documentation.breadnet.co.uk, issue 609 (20217), and in published answers of the API
(10003); what a plan refuses is in arca/emulator/judges/cloudflare_plans.py.
"""

from collections.abc import Sequence

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, kept, page
from arca.emulator.cloudflare.state import Json
from arca.emulator.judges.cloudflare_plans import judge_ruleset

CREATE = "rulesets.ruleset_create_params.RulesetCreateParams"
UPDATE = "rulesets.ruleset_update_params.RulesetUpdateParams"
ENTRY_POINT = "rulesets.phase_update_params.PhaseUpdateParams"
NO_RULESET, NO_ENTRY_POINT, ONE_FOR_EACH_PHASE = 10002, 10003, 20217
KIND = "zone"


def _create(call: Call) -> Answer:
    content = call.read(CREATE)
    kind, phase = content["kind"], content["phase"]
    if kind != KIND:
        says = f"'{kind}' is not a valid value for kind, only entry points are kept {SIMULATED}"
        raise ApiRefusal(ONE_FOR_EACH_PHASE, says, pointer="kind")
    if _of_phase(call, phase) is not None:
        says = (
            f"'{kind}' is not a valid value for kind because exceeded maximum number of {kind} "
            f"rulesets for phase {phase}"
        )
        raise ApiRefusal(ONE_FOR_EACH_PHASE, says, pointer="kind")
    return _keep(call, content, None)


def _update(call: Call) -> Answer:
    before = _known(call)
    return _keep(call, {**_fixed(before), **call.read(UPDATE)}, before)


def _put_entry_point(call: Call) -> Answer:
    content, phase = call.read(ENTRY_POINT), call.ids["phase"]
    before = _of_phase(call, phase)
    fixed = {"kind": KIND, "phase": phase, "name": "default"} if before is None else _fixed(before)
    return _keep(call, {**fixed, **content, "phase": phase}, before)


def _keep(call: Call, content: Json, before: Json | None) -> Answer:
    """Keep a ruleset; raises ApiRefusal for what the zone's plan does not allow."""
    for fault in judge_ruleset(content, call.zone.limits):
        raise ApiRefusal(fault.code, fault.says, pointer=fault.path)
    identifier = call.state.new_id() if before is None else before["id"]
    earlier: list[Json] = [] if before is None else before["rules"]
    version = 1 if before is None else int(before["version"]) + 1
    ruleset = {
        "id": identifier,
        "kind": KIND,
        "phase": content["phase"],
        "name": content["name"],
        "description": content.get("description", ""),
        "version": str(version),
        "last_updated": call.moment,
        "rules": [_rule(call, one, earlier) for one in content.get("rules", [])],
    }
    call.zone.rulesets[identifier] = ruleset
    return Answer(ruleset)


def _rule(call: Call, given: Json, earlier: Sequence[Json]) -> Json:
    """Return a whole rule, which is an earlier one where the id or the `ref` is the same."""
    same = [
        one
        for one in earlier
        if given.get("id") == one["id"] or ("ref" in given and given["ref"] == one["ref"])
    ]
    identifier = same[0]["id"] if same else call.state.new_id()
    version = int(same[0]["version"]) + 1 if same else 1
    rule: Json = {"enabled": True, "ref": identifier, **given}
    if rule["action"] == "execute":
        rule["action_parameters"] = {"version": "latest", **rule["action_parameters"]}
    fixed = {"id": identifier, "version": str(version), "last_updated": call.moment}
    return {**rule, **fixed}


def _get(call: Call) -> Answer:
    return Answer(_known(call))


def _get_entry_point(call: Call) -> Answer:
    phase = call.ids["phase"]
    found = _of_phase(call, phase)
    if found is None:
        says = f"could not find entrypoint ruleset in the {phase} phase"
        raise ApiRefusal(NO_ENTRY_POINT, says, status=404)
    return Answer(found)


def _list(call: Call) -> Answer:
    every = call.zone.rulesets.values()
    return page(call, ({k: v for k, v in one.items() if k != "rules"} for one in every), size=50)


def _delete(call: Call) -> Answer:
    del call.zone.rulesets[_known(call)["id"]]
    return Answer(None, status=204)


def _known(call: Call) -> Json:
    missing = ApiRefusal(NO_RULESET, f"could not find ruleset {SIMULATED}", status=404)
    return kept(call.zone.rulesets, call.ids["ruleset"], missing)


def _of_phase(call: Call, phase: str) -> Json | None:
    found = [one for one in call.zone.rulesets.values() if one["phase"] == phase]
    return found[0] if found else None


def _fixed(ruleset: Json) -> Json:
    """Return what a ruleset keeps where an update does not name it."""
    return {key: ruleset[key] for key in ("kind", "phase", "name", "description")}


ROUTES = (
    Route("GET", "/zones/{zone}/rulesets/phases/{phase}/entrypoint", _get_entry_point),
    Route("PUT", "/zones/{zone}/rulesets/phases/{phase}/entrypoint", _put_entry_point),
    Route("POST", "/zones/{zone}/rulesets", _create),
    Route("GET", "/zones/{zone}/rulesets", _list),
    Route("GET", "/zones/{zone}/rulesets/{ruleset}", _get),
    Route("PUT", "/zones/{zone}/rulesets/{ruleset}", _update),
    Route("DELETE", "/zones/{zone}/rulesets/{ruleset}", _delete),
)
