"""Notification policies of an account, which notify nobody here (API: Alerting, Policies)."""

from arca.emulator.cloudflare.calls import SIMULATED, Answer, ApiRefusal, Call, Route, kept, page
from arca.emulator.cloudflare.state import Json

CREATE = "alerting.policy_create_params.PolicyCreateParams"
UPDATE = "alerting.policy_update_params.PolicyUpdateParams"
UNKNOWN = 17103
"""Our code for a policy that does not exist."""


def _create(call: Call) -> Answer:
    account, content = call.account, call.read(CREATE)
    made = {"id": call.state.new_id(), "created": call.moment, "modified": call.moment}
    account.policies[made["id"]] = {"description": "", "filters": {}, **content, **made}
    # The API answers with the id alone (API reference, "Create a Notification policy").
    return Answer({"id": made["id"]})


def _update(call: Call) -> Answer:
    before = _known(call)
    before |= {**call.read(UPDATE), "modified": call.moment}
    return Answer({"id": before["id"]})


def _get(call: Call) -> Answer:
    return Answer(_known(call))


def _list(call: Call) -> Answer:
    return page(call, call.account.policies.values(), size=25)


def _delete(call: Call) -> Answer:
    del call.account.policies[_known(call)["id"]]
    return Answer(None)


def _known(call: Call) -> Json:
    missing = ApiRefusal(UNKNOWN, f"notification policy not found {SIMULATED}", status=404)
    return kept(call.account.policies, call.ids["policy"], missing)


ROUTES = (
    Route("POST", "/accounts/{account}/alerting/v3/policies", _create),
    Route("GET", "/accounts/{account}/alerting/v3/policies", _list),
    Route("GET", "/accounts/{account}/alerting/v3/policies/{policy}", _get),
    Route("PUT", "/accounts/{account}/alerting/v3/policies/{policy}", _update),
    Route("DELETE", "/accounts/{account}/alerting/v3/policies/{policy}", _delete),
)
