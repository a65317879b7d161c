"""Tests of health checks with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError

from tests.arca.emulator.cloudflare.official_client import ZONE, Emulated, refusal

CHECK: dict[str, Any] = {
    "zone_id": ZONE,
    "name": "api-region",
    "address": "api.arca.example",
    "type": "HTTPS",
    "http_config": {"path": "/health/ready"},
}


def test_a_check_is_created_read_changed_and_deleted(pro: Emulated) -> None:
    """What nobody names has the API's default, and PATCH keeps the rest."""
    checks = pro.client.healthchecks
    made: Any = checks.create(**CHECK)
    assert (made.interval, made.retries, made.timeout, made.status) == (60, 2, 5, "unknown")
    assert (made.http_config.port, made.http_config.path) == (443, "/health/ready")
    assert made.http_config.method == "GET"
    assert checks.get(made.id, zone_id=ZONE) == made
    edited: Any = checks.edit(
        made.id, zone_id=ZONE, name=CHECK["name"], address=CHECK["address"], interval=120
    )
    assert (edited.id, edited.interval, edited.type) == (made.id, 120, "HTTPS")
    assert edited.http_config.path == "/health/ready"
    replaced: Any = checks.update(made.id, zone_id=ZONE, name="other", address="a.example")
    assert (replaced.interval, replaced.type, replaced.http_config.port) == (60, "HTTP", 80)
    assert [one.name for one in checks.list(zone_id=ZONE)] == ["other"]
    deleted: Any = checks.delete(made.id, zone_id=ZONE)
    assert deleted.id == made.id
    with pytest.raises(APIStatusError) as error:
        checks.get(made.id, zone_id=ZONE)
    assert refusal(error.value)[0] == 404


def test_a_free_zone_has_no_checks(free: Emulated) -> None:
    """The API's own words."""
    with pytest.raises(APIStatusError) as error:
        free.client.healthchecks.create(**CHECK)
    assert refusal(error.value) == (400, 1002, "health checks disabled for zone")


@pytest.mark.parametrize("name", ["api.arca.example", "", "two words"])
def test_a_name_has_letters_digits_hyphens_and_underscores(pro: Emulated, name: str) -> None:
    """A domain is no name."""
    with pytest.raises(APIStatusError) as error:
        pro.client.healthchecks.create(**{**CHECK, "name": name})
    assert refusal(error.value)[1] == 1002


def test_a_check_by_tcp_has_no_path(pro: Emulated) -> None:
    """It has a port of its own."""
    config = {"port": 8443}
    made: Any = pro.client.healthchecks.create(
        zone_id=ZONE, name="tcp", address="a.example", type="TCP", tcp_config=config
    )
    assert (made.http_config, made.tcp_config.port) == (None, 8443)
