"""Tests of authenticated origin pulls and of the tiered cache, with Cloudflare's client."""

from typing import Any

import pytest
from cloudflare import APIStatusError

from tests.arca.emulator.cloudflare.official_client import ZONE, Emulated, refusal
from tests.stacks import graph

KIND = "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate"
OWN = graph("prod").one(KIND, "origin-pulls").inputs
OTHER = graph("staging").one(KIND, "origin-pulls").inputs


def upload(zone: Emulated, certificate: str, key: str) -> Any:
    """Upload a certificate with its key."""
    return zone.client.origin_tls_client_auth.zone_certificates.create(
        zone_id=ZONE, certificate=certificate, private_key=key
    )


def test_a_certificate_is_uploaded_becomes_active_and_goes(pro: Emulated) -> None:
    """The API never shows the key."""
    certificates = pro.client.origin_tls_client_auth.zone_certificates
    made = upload(pro, OWN["certificate"], OWN["privateKey"])
    assert (made.status, made.private_key, made.enabled) == ("pending_deployment", None, False)
    assert (made.signature, "origin pull CA" in made.issuer) == ("ECWithSHA256", True)
    assert made.expires_on > made.uploaded_on
    pro.advance(minutes=5)
    found: Any = certificates.get(made.id, zone_id=ZONE)
    assert (found.status, found.certificate) == ("active", OWN["certificate"])
    assert [one.id for one in certificates.list(zone_id=ZONE)] == [made.id]
    gone: Any = certificates.delete(made.id, zone_id=ZONE)
    assert gone.status == "pending_deletion"
    with pytest.raises(APIStatusError) as error:
        certificates.get(made.id, zone_id=ZONE)
    assert refusal(error.value)[0] == 404


def test_the_switch_stays_as_it_was_set(pro: Emulated) -> None:
    """It is off at first, and `settings` is no certificate's id."""
    settings = pro.client.origin_tls_client_auth.settings
    shown = [settings.get(zone_id=ZONE), settings.update(zone_id=ZONE, enabled=True)]
    shown.append(settings.get(zone_id=ZONE))
    assert [one.enabled for one in shown if one] == [False, True, True]


@pytest.mark.parametrize(
    ("certificate", "key", "years", "says"),
    [
        ("none", OWN["privateKey"], 0, "is no PEM"),
        (OWN["certificate"], "none", 0, "is no PEM"),
        (OWN["certificate"], OTHER["privateKey"], 0, "are no pair"),
        (OWN["certificate"], OWN["privateKey"], 2, "has expired"),
    ],
    ids=["certificate", "key", "pair", "expired"],
)
def test_a_certificate_that_cannot_be_used_is_refused(
    pro: Emulated, certificate: str, key: str, years: int, says: str
) -> None:
    """It is not kept."""
    pro.advance(days=366 * years)
    with pytest.raises(APIStatusError) as error:
        upload(pro, certificate, key)
    assert says in refusal(error.value)[2]
    certificates = pro.client.origin_tls_client_auth.zone_certificates
    assert list(certificates.list(zone_id=ZONE)) == []


def test_the_tiered_cache_is_switched(pro: Emulated) -> None:
    """It is Smart Tiered Cache that Pulumi's provider switches."""
    tiered = pro.client.cache.smart_tiered_cache
    with pytest.raises(APIStatusError) as error:
        tiered.get(zone_id=ZONE)
    assert refusal(error.value)[0] == 404
    edited: Any = tiered.edit(zone_id=ZONE, value="on")
    assert (edited.value, edited.editable) == ("on", True)
    assert tiered.get(zone_id=ZONE) is not None
    deleted: Any = tiered.delete(zone_id=ZONE)
    assert deleted.id == edited.id
    with pytest.raises(APIStatusError) as error:
        tiered.edit(zone_id=ZONE, value="yes")
    assert refusal(error.value)[1] == 10400
