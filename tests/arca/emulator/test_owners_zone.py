"""Tests of the zone that a stack's owner has before the first update."""

import json

import httpx
import pytest

from arca.emulator import owners_zone, server, up
from arca.emulator.cloudflare import PREFIX
from arca.emulator.program import engine
from arca.emulator.provider.cloud import CallRefused
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError
from arca.stackfile import PREFIX as SETTINGS
from arca.zone_plans import DEFAULT_PLAN
from tests.arca.emulator.local_cloud import free_port, quiet
from tests.stacks import settings_of


def nothing() -> None:
    """Declare nothing."""


def bad_setting() -> None:
    """Declare a setting of the zone with a value that Cloudflare does not have."""
    import pulumi_cloudflare as cloudflare

    zone = settings_of("dev").owner.cloudflare_zone_id
    cloudflare.ZoneSetting("ssl", zone_id=zone, setting_id="ssl", value="stricter")


def test_the_zone_of_the_stacks_file_exists(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any client of Cloudflare finds it, with its plan; an update that fails leaves nothing."""
    monkeypatch.setattr(engine, "main", nothing)
    report = up.up("dev", port=free_port(), state=state, watch=quiet)
    owner, plan = settings_of("dev").owner, settings_of("dev").edge.plan
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer any"}) as client:
        url = f"{report.endpoint}{PREFIX}/zones/{owner.cloudflare_zone_id}"
        found = client.get(url).json()["result"]
    assert (found["name"], found["plan"]["legacy_id"]) == (owner.domain, plan)
    before = state.read()
    monkeypatch.setattr(engine, "main", bad_setting)
    with pytest.raises(CallRefused, match="1007: Invalid value for zone setting ssl"):
        up.up("dev", port=free_port(), state=state, watch=quiet)
    assert state.read() == before


def record(port: int) -> CloudRecord:
    """Return the record of a cloud that nobody started."""
    return CloudRecord(pid=1, born=1, port=port, endpoint=server.endpoint(port), token="t")  # noqa: S106


def test_a_cloud_that_does_not_answer_is_named() -> None:
    """The error says what was to be brought there."""
    owner = {"cloudflare_zone_id": "z", "domain": "d", "cloudflare_account_id": "a"}
    port = free_port()
    with pytest.raises(ArcaError, match=r"does not take the stack's zone: .*refused") as error:
        owners_zone.bring(record(port), {f"{SETTINGS}owner": json.dumps(owner)})
    assert error.value.where == f"{server.endpoint(port)}/arca/zones"


def test_without_a_plan_the_zone_has_the_default_one() -> None:
    """The settings' own default is the same."""
    assert type(settings_of("dev").edge).model_fields["plan"].default == DEFAULT_PLAN
