"""Tests of a zone's settings with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError

from arca.emulator.judges import cloudflare_types
from arca.zone_plans import PLANS
from tests.arca.emulator.cloudflare.official_client import ZONE, Emulated, emulated, refusal
from tests.stacks import STACKS, graph

SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
HSTS = {"strict_transport_security": {"enabled": True, "max_age": 300, "nosniff": True}}


def test_a_setting_is_changed_and_read(pro: Emulated) -> None:
    """A change has its time, and the next one replaces it."""
    settings = pro.client.zones.settings
    edited: Any = settings.edit("ssl", zone_id=ZONE, value="strict")
    assert (edited.id, edited.value, edited.editable) == ("ssl", "strict", True)
    found: Any = settings.get("ssl", zone_id=ZONE)
    assert found.model_dump() == edited.model_dump()
    pro.advance(minutes=1)
    later: Any = settings.edit("ssl", zone_id=ZONE, value="full")
    assert later.modified_on > edited.modified_on
    shown = pro.raw("GET", f"/zones/{ZONE}/settings").json()["result"]
    assert [one["id"] for one in shown] == ["ssl"]


def test_a_setting_may_be_an_object_or_a_switch(pro: Emulated) -> None:
    """HSTS has an object as its value, and the SSL recommender no value at all."""
    edited: Any = pro.client.zones.settings.edit("security_header", zone_id=ZONE, value=HSTS)
    assert edited.value.strict_transport_security.max_age == 300
    switched: Any = pro.client.zones.settings.edit("ssl_recommender", zone_id=ZONE, enabled=True)
    assert switched.enabled is True


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("ssl", "stricter", (400, 1007, "Invalid value for zone setting ssl")),
        ("min_tls_version", 1.2, (400, 1007, "Invalid value for zone setting min_tls_version")),
        (
            "security_header",
            {"strict_transport_security": {"max_ages": 1}},
            (400, 1007, "Invalid value for zone setting security_header"),
        ),
        ("tls_1_4", "on", (400, 1006, "Unrecognized zone setting name: tls_1_4")),
        (
            "prefetch_preload",
            "on",
            (400, 1135, "this zone setting is not available for your plan type"),
        ),
        ("advanced_ddos", "on", (400, 1057, "advanced_ddos cannot be modified for this zone")),
    ],
    ids=["value", "number", "key", "name", "plan", "read-only"],
)
def test_what_a_zone_does_not_take(
    pro: Emulated, setting: str, value: Any, wanted: tuple[int, int, str]
) -> None:
    """Each refusal has its code, and changes nothing."""
    with pytest.raises(APIStatusError) as error:
        pro.client.zones.settings.edit(setting, zone_id=ZONE, value=value)
    assert refusal(error.value) == wanted
    assert pro.raw("GET", f"/zones/{ZONE}/settings").json()["result"] == []


def test_a_change_without_a_value_is_refused(pro: Emulated) -> None:
    """Pulumi's provider once sent one (pulumi/pulumi-cloudflare, issue 1319)."""
    answer = pro.raw("PATCH", f"/zones/{ZONE}/settings/ssl", json={})
    assert answer.json()["errors"][0]["code"] == 1007


def test_an_enterprise_zone_changes_what_others_cannot() -> None:
    """What no zone changes stays read-only."""
    zone = emulated("enterprise")
    assert zone.client.zones.settings.edit("prefetch_preload", zone_id=ZONE, value="on") is not None
    with pytest.raises(APIStatusError) as error:
        zone.client.zones.settings.edit("advanced_ddos", zone_id=ZONE, value="on")
    assert refusal(error.value)[1] == 1057


def test_a_setting_that_nobody_set_has_no_value(pro: Emulated) -> None:
    """The double knows no defaults, and says so."""
    with pytest.raises(APIStatusError) as error:
        pro.client.zones.settings.get("http3", zone_id=ZONE)
    status, _, message = refusal(error.value)
    assert (status, message.endswith("(simulated)")) == (404, True)


def test_every_plan_changes_the_settings_of_the_stacks() -> None:
    """A stack's settings are none that its zone's plan would refuse."""
    names = {node.inputs["settingId"] for stack in STACKS for node in graph(stack).of(SETTING)}
    assert len(names) > 5
    for plan in PLANS:
        enterprise = plan == "enterprise"
        assert all(cloudflare_types.is_editable(name, enterprise=enterprise) for name in names)
