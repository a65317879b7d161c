"""Tests of DNS records with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError

from tests.arca.emulator.cloudflare.official_client import (
    DOMAIN,
    ZONE,
    Emulated,
    emulated,
    refusal,
)

NAME = f"api.{DOMAIN}"
CNAME: dict[str, Any] = {
    "zone_id": ZONE,
    "name": NAME,
    "type": "CNAME",
    "content": "origin.example",
    "ttl": 300,
}
ADDRESS: dict[str, Any] = {**CNAME, "type": "A", "content": "192.0.2.1"}


def test_a_record_is_created_read_changed_and_deleted(pro: Emulated) -> None:
    """PUT replaces, PATCH keeps what it does not name."""
    records = pro.client.dns.records
    made = records.create(**CNAME, comment="ours")
    assert (made.name, made.type, made.proxied, made.ttl) == (NAME, "CNAME", False, 300)
    assert records.get(made.id, zone_id=ZONE) == made
    pro.advance(minutes=1)
    edited = records.edit(made.id, zone_id=ZONE, name=NAME, type="CNAME", ttl=600)
    assert (edited.id, edited.ttl, edited.content, edited.comment) == (
        made.id,
        600,
        "origin.example",
        "ours",
    )
    assert edited.created_on == made.created_on < edited.modified_on
    replaced = records.update(made.id, **CNAME)
    assert (replaced.ttl, replaced.comment) == (300, None)
    deleted = records.delete(made.id, zone_id=ZONE)
    assert deleted.id == made.id
    with pytest.raises(APIStatusError) as error:
        records.get(made.id, zone_id=ZONE)
    assert refusal(error.value) == (404, 81044, "Record does not exist.")


def test_lists_have_pages_and_filters(pro: Emulated) -> None:
    """The client follows the pages itself."""
    for number in range(5):
        pro.client.dns.records.create(**{**ADDRESS, "content": f"192.0.2.{number}"})
    pages = list(pro.client.dns.records.list(zone_id=ZONE, per_page=2).iter_pages())
    # It asks until a page is empty.
    assert [len(page.result) for page in pages] == [2, 2, 1, 0]
    assert pro.raw("GET", f"/zones/{ZONE}/dns_records?per_page=2&page=3").json()["result_info"] == {
        "page": 3,
        "per_page": 2,
        "count": 1,
        "total_count": 5,
        "total_pages": 3,
    }
    assert len(list(pro.client.dns.records.list(zone_id=ZONE, type="A"))) == 5
    assert list(pro.client.dns.records.list(zone_id=ZONE, type="CNAME")) == []
    assert len(list(pro.client.dns.records.list(zone_id=ZONE, name={"exact": NAME}))) == 5


@pytest.mark.parametrize(
    ("name", "whole"),
    [("api", NAME), ("@", DOMAIN), (DOMAIN, DOMAIN), (f"API.{DOMAIN}.", NAME)],
)
def test_a_name_gets_the_zones(pro: Emulated, name: str, whole: str) -> None:
    """`@` is the zone itself."""
    made = pro.client.dns.records.create(**{**ADDRESS, "name": name})
    assert made.name == whole


def test_a_proxied_record_has_an_automatic_ttl(pro: Emulated) -> None:
    """1 means automatic."""
    made = pro.client.dns.records.create(**CNAME, proxied=True)
    assert (made.ttl, made.proxied) == (1, True)


def test_an_enterprise_zone_takes_a_shorter_ttl(pro: Emulated) -> None:
    """30 seconds, where others take 60."""
    short = {**CNAME, "ttl": 30}
    assert emulated("enterprise").client.dns.records.create(**short) is not None
    with pytest.raises(APIStatusError) as error:
        pro.client.dns.records.create(**short)
    assert refusal(error.value)[1] == 9021


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (CNAME, CNAME, 81058),
        (CNAME, {**CNAME, "content": "other.example"}, 81053),
        (ADDRESS, CNAME, 81053),
        (CNAME, ADDRESS, 81054),
    ],
    ids=["identical", "second CNAME", "CNAME beside A", "A beside CNAME"],
)
def test_a_name_carries_no_contradiction(
    pro: Emulated, first: dict[str, Any], second: dict[str, Any], code: int
) -> None:
    """The refused record is not kept."""
    pro.client.dns.records.create(**first)
    with pytest.raises(APIStatusError) as error:
        pro.client.dns.records.create(**second)
    assert refusal(error.value)[:2] == (400, code)
    assert len(list(pro.client.dns.records.list(zone_id=ZONE))) == 1


def test_a_change_into_a_duplicate_is_refused(pro: Emulated) -> None:
    """A record never stands in its own way."""
    made = pro.client.dns.records.create(**ADDRESS)
    other = pro.client.dns.records.create(**{**ADDRESS, "content": "192.0.2.2"})
    pro.client.dns.records.update(made.id, **ADDRESS)
    with pytest.raises(APIStatusError) as error:
        pro.client.dns.records.update(other.id, **ADDRESS)
    assert refusal(error.value)[1] == 81058


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "A", "content": "192.0.2.256"}, 9005),
        ({"type": "AAAA", "content": "192.0.2.1"}, 9005),
        ({"type": "NS", "content": "ns.example", "proxied": True}, 9041),
        ({"ttl": 30}, 9021),
        ({"ttl": 86401}, 9021),
    ],
    ids=["no IPv4", "no IPv6", "proxied NS", "short TTL", "long TTL"],
)
def test_a_bad_content_is_refused(pro: Emulated, changes: dict[str, Any], code: int) -> None:
    """Each by its code."""
    with pytest.raises(APIStatusError) as error:
        pro.client.dns.records.create(**{**CNAME, **changes})
    assert refusal(error.value)[:2] == (400, code)


def test_several_name_servers_share_a_name(pro: Emulated) -> None:
    """A delegation has four records of one name."""
    for number in range(4):
        server = {"type": "NS", "content": f"ns-{number}.example"}
        pro.client.dns.records.create(**{**CNAME, **server})
    assert len(list(pro.client.dns.records.list(zone_id=ZONE, type="NS"))) == 4
