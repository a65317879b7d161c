"""Tests of the envelope, of tokens and of paths that lead nowhere."""

import pytest
from cloudflare import APIStatusError
from werkzeug.test import Client

from arca.emulator.cloudflare import PREFIX
from arca.emulator.cloudflare.state import OwnedZone
from tests.arca.emulator.cloudflare.official_client import (
    ACCOUNT,
    DOMAIN,
    ZONE,
    Emulated,
    refusal,
)
from tests.arca.emulator.ecs import emulated_ecs

OTHER = "c" * 32
NO_ROUTE = (
    "Could not route to /client/v4/zones/arca.example/dns_records, perhaps your object identifier "
    "is invalid?"
)


def test_zones_are_read(pro: Emulated) -> None:
    """The zone has its account, its name and its plan."""
    zone = pro.client.zones.get(zone_id=ZONE)
    assert (zone.name, zone.account.id, zone.plan.legacy_id) == (DOMAIN, ACCOUNT, "pro")
    assert [one.id for one in pro.client.zones.list(name=DOMAIN)] == [ZONE]
    assert list(pro.client.zones.list(name="other.example")) == []


def test_an_answer_has_the_whole_envelope(pro: Emulated) -> None:
    """A list has `result_info` too."""
    body = pro.raw("GET", "/zones").json()
    assert set(body) == {"success", "errors", "messages", "result", "result_info"}
    assert body["result_info"] == {
        "page": 1,
        "per_page": 20,
        "count": 1,
        "total_count": 1,
        "total_pages": 1,
    }


@pytest.mark.parametrize(
    ("zone", "wanted"),
    [
        (OTHER, (400, 1001, "Invalid zone identifier")),
        ("arca.example", (404, 7003, NO_ROUTE)),
    ],
)
def test_an_unknown_zone_is_refused(pro: Emulated, zone: str, wanted: tuple[int, int, str]) -> None:
    """An id that no zone has, and a name in the place of an id."""
    with pytest.raises(APIStatusError) as error:
        list(pro.client.dns.records.list(zone_id=zone))
    assert refusal(error.value) == wanted


def test_a_zone_exists_once(pro: Emulated) -> None:
    """A stack that joins an earlier one finds its zone as it was."""
    pro.client.zones.settings.edit("ssl", zone_id=ZONE, value="strict")
    pro.api.add_zone(OwnedZone(id=ZONE, name=DOMAIN, account=ACCOUNT, plan="free"))
    assert pro.client.zones.settings.get("ssl", zone_id=ZONE).value == "strict"
    found = pro.client.zones.get(zone_id=ZONE)
    assert found.plan.legacy_id == "pro"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer "}, {"Authorization": "any"}])
def test_a_request_without_a_token_is_refused(pro: Emulated, header: dict[str, str]) -> None:
    """The API names the header in the error's chain."""
    answer = pro.raw("GET", "/zones", headers=header)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["code"], error["error_chain"][0]["code"]) == (6003, 6111)


def test_paths_methods_and_bodies_are_checked(pro: Emulated) -> None:
    """Nothing else is answered, and no failure of ours reaches the client."""
    path = f"/zones/{ZONE}/dns_records"
    assert pro.raw("GET", "/user").json()["errors"][0]["code"] == 7003
    assert pro.raw("PUT", path).status_code == 405
    assert pro.raw("POST", path, content=b"{").json()["errors"][0]["code"] == 6007
    assert pro.raw("POST", path, content=b"[]").json()["errors"][0]["code"] == 10400
    assert pro.raw("POST", path).json()["errors"][0]["code"] == 10400


def test_a_body_that_the_types_refuse_names_the_parameter(pro: Emulated) -> None:
    """Cloudflare's own types judge the body, also where a client has none."""
    path = f"/zones/{ZONE}/healthchecks"
    answer = pro.raw("POST", path, json={"name": "a", "address": "b", "intervall": 60}).json()
    assert answer["errors"] == [
        {
            "code": 10400,
            "message": "intervall: no such parameter (simulated)",
            "source": {"pointer": "/intervall"},
        }
    ]


def test_the_server_serves_it_beside_moto() -> None:
    """A reset of moto forgets the zones too."""
    cloud = emulated_ecs.fresh()
    web = Client(cloud.wsgi)
    zone = {"id": ZONE, "name": DOMAIN, "account": ACCOUNT, "plan": "pro"}
    assert web.put("/arca/zones", json=zone).json == {"zone": ZONE}
    headers = {"Authorization": "Bearer any"}
    found = web.get(f"{PREFIX}/zones/{ZONE}", headers=headers)
    assert found.status_code == 200
    assert web.post("/moto-api/reset").status_code == 200
    assert web.get(f"{PREFIX}/zones/{ZONE}", headers=headers).status_code == 400


def test_the_control_path_takes_a_whole_zone_only() -> None:
    """An unknown plan is named."""
    web = Client(emulated_ecs.fresh().wsgi)
    zone = {"id": ZONE, "name": DOMAIN, "account": ACCOUNT, "plan": "gold"}
    answer = web.put("/arca/zones", json=zone)
    assert answer.status_code == 400
    assert "plan" in answer.text
