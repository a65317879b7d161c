"""Tests of notification policies with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError

from tests.arca.emulator.cloudflare.official_client import ACCOUNT, ZONE, Emulated, refusal

POLICY: dict[str, Any] = {
    "account_id": ACCOUNT,
    "name": "health",
    "alert_type": "health_check_status_notification",
    "enabled": True,
    "mechanisms": {"email": [{"id": "oncall@arca.example"}]},
    "filters": {"status": ["Unhealthy"]},
}


def test_a_policy_is_created_read_changed_and_deleted(pro: Emulated) -> None:
    """The API answers a create and a change with the id alone."""
    policies = pro.client.alerting.policies
    made: Any = policies.create(**POLICY)
    assert made.model_dump(exclude_none=True) == {"id": made.id}
    found: Any = policies.get(made.id, account_id=ACCOUNT)
    assert (found.name, found.enabled, found.filters.status) == ("health", True, ["Unhealthy"])
    assert found.mechanisms.email[0].id == "oncall@arca.example"
    policies.update(made.id, account_id=ACCOUNT, enabled=False)
    (changed,) = list(policies.list(account_id=ACCOUNT))
    assert (changed.id, changed.enabled, changed.name) == (made.id, False, "health")
    policies.delete(made.id, account_id=ACCOUNT)
    with pytest.raises(APIStatusError) as error:
        policies.get(made.id, account_id=ACCOUNT)
    assert refusal(error.value)[0] == 404


def test_an_unknown_account_is_refused(pro: Emulated) -> None:
    """The zone's id is none of an account."""
    with pytest.raises(APIStatusError) as error:
        pro.client.alerting.policies.create(**{**POLICY, "account_id": ZONE})
    assert refusal(error.value)[:2] == (404, 7003)


@pytest.mark.parametrize(
    "changes",
    [{"alert_type": "no_such_alert"}, {"filters": {"healths": ["Healthy"]}}],
    ids=["alert", "filter"],
)
def test_the_types_judge_a_policy(pro: Emulated, changes: dict[str, Any]) -> None:
    """A kind of alert and a filter that Cloudflare does not have."""
    with pytest.raises(APIStatusError) as error:
        pro.client.alerting.policies.create(**{**POLICY, **changes})
    assert refusal(error.value)[1] == 10400
