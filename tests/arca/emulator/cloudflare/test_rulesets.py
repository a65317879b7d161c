"""Tests of rulesets with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError
from cloudflare.types.rulesets.ruleset_create_response import Ruleset

from arca.zone_plans import PLANS, Plan
from tests.arca.emulator.cloudflare.official_client import ZONE, Emulated, emulated, refusal

CUSTOM = "http_request_firewall_custom"
RATE = "http_ratelimit"
MANAGED = "http_request_firewall_managed"
MOST = "maximum number of zone rulesets"
MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"


def block(ref: str = "", **more: Any) -> dict[str, Any]:
    """Return a rule that blocks."""
    named = {"ref": ref} if ref else {}
    return {"action": "block", "expression": "true", **named, **more}


def limit(period: int = 10, timeout: int = 10, *counted: str) -> dict[str, Any]:
    """Return a rate limit."""
    return block(
        ratelimit={
            "characteristics": list(counted or ("cf.colo.id", "ip.src")),
            "period": period,
            "requests_per_period": 5,
            "mitigation_timeout": timeout,
        }
    )


def create(zone: Emulated, phase: str, *rules: dict[str, Any]) -> Any:
    """Create the entry point of a phase; the client leaves the answer JSON."""
    made: Any = zone.client.rulesets.create(
        zone_id=ZONE,
        kind="zone",
        phase=phase,
        name=phase,
        rules=rules,
    )
    return Ruleset.model_validate(made)


def test_a_ruleset_is_created_read_changed_and_deleted(pro: Emulated) -> None:
    """Its version counts the changes."""
    rulesets: Any = pro.client.rulesets
    made = create(pro, CUSTOM, block("one"), block("two"))
    assert (made.kind, made.phase, made.version, len(made.rules)) == ("zone", CUSTOM, "1", 2)
    assert all(rule.enabled and rule.id for rule in made.rules)
    assert rulesets.get(made.id, zone_id=ZONE).rules[0].ref == "one"
    assert [one.id for one in rulesets.list(zone_id=ZONE)] == [made.id]
    changed = rulesets.update(made.id, zone_id=ZONE, rules=[block("two"), block("three")])
    changed = Ruleset.model_validate(changed)
    assert (changed.version, changed.name) == ("2", CUSTOM)
    assert changed.rules[0].id == made.rules[1].id
    assert changed.rules[0].version == "2"
    assert changed.rules[1].id not in {rule.id for rule in made.rules}
    rulesets.delete(made.id, zone_id=ZONE)
    with pytest.raises(APIStatusError) as error:
        rulesets.get(made.id, zone_id=ZONE)
    assert refusal(error.value)[0] == 404


def test_a_rule_without_a_ref_is_another_one_after_a_change(pro: Emulated) -> None:
    """That is why each of our rules has one."""
    made = create(pro, CUSTOM, block())
    assert made.rules[0].ref == made.rules[0].id
    rulesets: Any = pro.client.rulesets
    changed = Ruleset.model_validate(rulesets.update(made.id, zone_id=ZONE, rules=[block()]))
    assert changed.rules[0].id != made.rules[0].id


def test_an_entry_point_is_made_by_its_first_change(pro: Emulated) -> None:
    """Before, the API says that there is none."""
    phases: Any = pro.client.rulesets.phases
    with pytest.raises(APIStatusError) as error:
        phases.get(CUSTOM, zone_id=ZONE)
    assert refusal(error.value) == (
        404,
        10003,
        f"could not find entrypoint ruleset in the {CUSTOM} phase",
    )
    first = Ruleset.model_validate(phases.update(CUSTOM, zone_id=ZONE, rules=[block("one")]))
    assert (first.name, first.version) == ("default", "1")
    second = Ruleset.model_validate(phases.update(CUSTOM, zone_id=ZONE, rules=[]))
    assert (second.id, second.version, second.rules) == (first.id, "2", [])
    assert phases.get(CUSTOM, zone_id=ZONE).id == first.id


def test_a_managed_ruleset_runs_in_its_newest_version(pro: Emulated) -> None:
    """The API adds the version."""
    rule = {
        "action": "execute",
        "expression": "true",
        "action_parameters": {"id": MANAGED_RULESET},
    }
    made = create(pro, MANAGED, rule)
    parameters = made.model_dump()["rules"][0]["action_parameters"]
    assert (parameters["id"], parameters["version"]) == (MANAGED_RULESET, "latest")


def test_a_phase_has_one_entry_point(pro: Emulated) -> None:
    """A second one is refused, and so is another kind of ruleset."""
    create(pro, RATE)
    with pytest.raises(APIStatusError) as error:
        create(pro, RATE)
    assert refusal(error.value) == (
        400,
        20217,
        f"'zone' is not a valid value for kind because exceeded {MOST} for phase {RATE}",
    )
    with pytest.raises(APIStatusError) as error:
        pro.client.rulesets.create(zone_id=ZONE, kind="custom", phase=CUSTOM, name="mine", rules=[])
    assert refusal(error.value)[1] == 20217


MESSAGES = {
    "count": f"exceeded the maximum number of rules in the phase {RATE}: 2 out of 1",
    "period": "not entitled to use the period 60, can only use a period among [10]",
    "timeout": "not entitled to use a mitigation timeout different from 10",
    "colo": "characteristics field is missing 'cf.colo.id', this is required as ratelimiting "
    "counting is processed at colocation level only",
}


@pytest.mark.parametrize(
    ("rules", "code", "message"),
    [
        ([limit(), limit()], 50001, MESSAGES["count"]),
        ([limit(period=60)], 20120, MESSAGES["period"]),
        ([limit(timeout=60)], 20120, MESSAGES["timeout"]),
        ([limit(10, 10, "ip.src")], 20155, MESSAGES["colo"]),
    ],
    ids=MESSAGES,
)
def test_a_free_zone_has_one_short_rate_limit(
    free: Emulated, rules: list[dict[str, Any]], code: int, message: str
) -> None:
    """A create, a change of the ruleset and one of the entry point are judged alike."""
    phases: Any = free.client.rulesets.phases
    with pytest.raises(APIStatusError) as error:
        create(free, RATE, *rules)
    assert refusal(error.value) == (400, code, message)
    with pytest.raises(APIStatusError) as error:
        phases.update(RATE, zone_id=ZONE, rules=rules)
    assert refusal(error.value)[1] == code
    kept = create(free, RATE, limit())
    with pytest.raises(APIStatusError) as error:
        free.client.rulesets.update(kept.id, zone_id=ZONE, rules=rules)
    assert refusal(error.value)[1] == code


@pytest.mark.parametrize("plan", PLANS)
def test_each_plan_takes_what_its_limits_say(plan: Plan) -> None:
    """One rule more is refused."""
    most, zone = PLANS[plan].custom_rules, emulated(plan)
    made = create(zone, CUSTOM, *(block() for _ in range(most)))
    assert len(made.rules) == most
    rulesets: Any = zone.client.rulesets
    with pytest.raises(APIStatusError) as error:
        rulesets.update(made.id, zone_id=ZONE, rules=[block() for _ in range(most + 1)])
    assert refusal(error.value)[1:] == (
        50001,
        f"exceeded the maximum number of rules in the phase {CUSTOM}: {most + 1} out of {most}",
    )


def test_a_plan_has_a_shortest_time_in_the_cache(free: Emulated) -> None:
    """Two hours on free."""

    def cached(seconds: int) -> dict[str, Any]:
        ttl = {"mode": "override_origin", "default": seconds}
        parameters = {"cache": True, "edge_ttl": ttl}
        return {
            "action": "set_cache_settings",
            "expression": "true",
            "action_parameters": parameters,
        }

    phase = "http_request_cache_settings"
    with pytest.raises(APIStatusError) as error:
        create(free, phase, cached(3600))
    assert "at least 7200" in refusal(error.value)[2]
    assert create(free, phase, cached(7200)).phase == phase


def test_the_types_judge_each_rule(pro: Emulated) -> None:
    """An action that Cloudflare does not have."""
    with pytest.raises(APIStatusError) as error:
        create(pro, CUSTOM, {"action": "blok", "expression": "true"})
    assert refusal(error.value)[1] == 10400
