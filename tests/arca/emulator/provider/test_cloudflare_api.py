"""Tests of the calls to Cloudflare: on the server, over loopback, with whole stacks and faults."""

import socket
from collections.abc import Iterator, Mapping
from threading import Thread
from typing import Any

import pytest

from arca.clock import Clock
from arca.emulator.cloudflare.api import CloudflareApi
from arca.emulator.cloudflare.state import OwnedZone
from arca.emulator.ecs.__main__ import bind
from arca.emulator.provider import cloudflare_api
from arca.emulator.provider.cloud import CallRefused, EmulatedCloud
from arca.emulator.provider.cloudflare_api import CloudflareClient, Unanswered, to_cloudflare
from arca.emulator.provider.resources import CLOUDFLARE_CALLS
from arca.emulator.provider.resources.definition import CloudflareCall
from arca.zone_plans import Plan
from tests.registrations import registration
from tests.stacks import STACKS, graph, settings_of

ZONE = "a" * 32
RECORD_TYPE = "cloudflare:index/dnsRecord:DnsRecord"
SETTING_TYPE = "cloudflare:index/zoneSetting:ZoneSetting"
RULESET_TYPE = "cloudflare:index/ruleset:Ruleset"
URN = "urn:pulumi:dev::arca-api::"
RECORD = {
    "zoneId": ZONE,
    "name": "api.arca.example",
    "type": "CNAME",
    "content": "origin.example",
    "ttl": 300.0,
}
LIMIT = {
    "action": "block",
    "expression": "true",
    "ratelimit": {
        "characteristics": ["cf.colo.id", "ip.src"],
        "period": 10.0,
        "requestsPerPeriod": 5.0,
        "mitigationTimeout": 10.0,
    },
}
LIMITS = {"zoneId": ZONE, "kind": "zone", "name": "limits", "phase": "http_ratelimit"}


class Site:
    """A double on a port of loopback, which remembers the headers of requests."""

    def __init__(self) -> None:
        self.api = CloudflareApi(Clock().now)
        self.seen: list[dict[str, str]] = []
        self.server = bind("127.0.0.1", 0, self._answer)
        self.endpoint = f"http://127.0.0.1:{self.server.socket.getsockname()[1]}"

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.seen.append({key: str(value) for key, value in environ.items()})
        return self.api(environ, start_response)

    def zone(self, plan: Plan, *, zone: str = ZONE, account: str = ZONE) -> None:
        """Let a zone exist."""
        owned = OwnedZone(id=zone, name="arca.example", account=account, plan=plan)
        self.api.add_zone(owned)

    def cloud(self) -> EmulatedCloud:
        """Return a cloud whose Cloudflare is this one."""
        return EmulatedCloud(
            self.endpoint,
            account="000000000000",
            clock=Clock(),
            exports=lambda _stack: {},
            on_progress=lambda _registration, _total: None,
        )


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve a double without zones."""
    made = Site()
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def declare(cloud: EmulatedCloud, kind: str, inputs: Mapping[str, Any], name: str = "one") -> str:
    """Create a resource; returns its id."""
    identifier, _ = cloud.create(registration(f"{URN}{kind}::{name}", inputs))
    assert identifier is not None
    return identifier


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_of_a_stack_is_created(site: Site, stack: str) -> None:
    """Each gets the id that the API gave, and none is only recorded."""
    owner, declared = settings_of(stack).owner, graph(stack)
    zone, account = owner.cloudflare_zone_id, owner.cloudflare_account_id
    site.zone(settings_of(stack).edge.plan, zone=zone, account=account)
    cloud, nodes = site.cloud(), [n for n in declared.custom() if n.type in CLOUDFLARE_CALLS]
    for node in nodes:
        identifier, _ = cloud.create(node)
        simulated = declared.states[node.urn].get("id")
        if CLOUDFLARE_CALLS[node.type].gives_id:
            assert identifier not in (None, "", simulated)
    outcomes = cloud.counts.by_component.values()
    assert sum(one["created"] for one in outcomes) == len(nodes) > 0
    assert sum(one["recorded"] + one["validated"] for one in outcomes) == 0


def test_a_bad_value_of_a_setting_is_refused(site: Site) -> None:
    """The error names the resource, the call, the code and the setting."""
    site.zone("pro")
    inputs = {"zoneId": ZONE, "settingId": "ssl", "value": "stricter"}
    with pytest.raises(CallRefused) as error:
        declare(site.cloud(), SETTING_TYPE, inputs)
    assert error.value.what == (
        "cloudflare.zones.settings.edit was refused: 1007: Invalid value for zone setting ssl"
    )
    assert error.value.where == f"{URN}{SETTING_TYPE}::one"
    assert error.value.wanted.startswith("a call that Cloudflare's types, the zone's plan and")
    assert "correct the resource's inputs" in error.value.do


def test_two_rate_limits_of_a_free_zone_are_refused(site: Site) -> None:
    """One is taken."""
    site.zone("free")
    cloud = site.cloud()
    with pytest.raises(CallRefused, match=r"50001: exceeded the maximum .* http_ratelimit: 2 out"):
        declare(cloud, RULESET_TYPE, {**LIMITS, "rules": [LIMIT, LIMIT]})
    assert declare(cloud, RULESET_TYPE, {**LIMITS, "rules": [LIMIT]})


def test_a_second_record_of_a_name_is_refused(site: Site) -> None:
    """Both resources have logical names of their own."""
    site.zone("pro")
    cloud = site.cloud()
    declare(cloud, RECORD_TYPE, RECORD)
    with pytest.raises(CallRefused, match=r"81058: An identical record already exists\."):
        declare(cloud, RECORD_TYPE, RECORD, "two")


def test_an_unknown_zone_is_refused(site: Site) -> None:
    """No zone was brought."""
    with pytest.raises(CallRefused, match="1001: Invalid zone identifier"):
        declare(site.cloud(), RECORD_TYPE, RECORD)


@pytest.mark.parametrize(
    "inputs",
    [{**RECORD, "contents": "x"}, {key: one for key, one in RECORD.items() if key != "type"}],
    ids=["unknown", "missing"],
)
def test_an_input_that_the_client_does_not_take_is_refused(
    site: Site, inputs: dict[str, Any]
) -> None:
    """Cloudflare's client has no such parameter, or misses one: no TypeError."""
    site.zone("pro")
    with pytest.raises(CallRefused, match=r"^cloudflare\.dns\.records\.create was refused: "):
        declare(site.cloud(), RECORD_TYPE, inputs)


def test_a_server_that_does_not_answer_is_named() -> None:
    """No traceback of the client."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        client = CloudflareClient(endpoint)
        with pytest.raises(Unanswered, match="Connection error"):
            client.make(CLOUDFLARE_CALLS[RECORD_TYPE], RECORD)


def test_an_answer_that_cloudflares_models_refuse_is_no_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double is judged by the models of Cloudflare's package."""
    site.zone("pro")

    def wrong(_self: CloudflareApi, _request: object) -> Any:
        from werkzeug.wrappers import Response

        body = '{"success": true, "errors": [], "messages": [], "result": {"id": 1}}'
        return Response(body, content_type="application/json")

    monkeypatch.setattr(CloudflareApi, "_respond", wrong)
    tiered = CloudflareCall("cache.smart_tiered_cache.edit")
    with pytest.raises(Unanswered):
        CloudflareClient(site.endpoint).make(tiered, {"zoneId": ZONE, "value": "on"})


def test_nothing_of_the_environment_leaves_and_nothing_leaves_loopback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An owner's key, another address of the API and a proxy are all without effect."""
    far = "http://203.0.113.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "CLOUDFLARE_BASE_URL"):
        monkeypatch.setenv(name, far)
    for name in ("API_TOKEN", "API_KEY", "EMAIL", "API_USER_SERVICE_KEY"):
        monkeypatch.setenv(f"CLOUDFLARE_{name}", "owners-own")
    called: list[str] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        called.append(str(address[0]))
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    site.zone("pro")
    declare(site.cloud(), RECORD_TYPE, RECORD)
    assert set(called) == {"127.0.0.1"}
    (seen,) = site.seen
    assert seen["HTTP_AUTHORIZATION"] == "Bearer emulated"
    assert "owners-own" not in str(seen)


def test_names_and_numbers_become_the_apis() -> None:
    """Pulumi's wire format has plural lists, capitals and only floating-point numbers."""
    given = {
        "zoneId": ZONE,
        "filters": {"healthCheckIds": ["1"], "statuses": ["Healthy"]},
        "mechanisms": {"emails": [{"id": "a"}]},
        "ttl": 1.0,
        "rules": [{"ratelimit": {"requestsPerPeriod": 2.5}}],
    }
    assert to_cloudflare(given) == {
        "zone_id": ZONE,
        "filters": {"health_check_id": ["1"], "status": ["Healthy"]},
        "mechanisms": {"email": [{"id": "a"}]},
        "ttl": 1,
        "rules": [{"ratelimit": {"requests_per_period": 2.5}}],
    }


def test_every_method_of_the_table_is_one_of_the_client() -> None:
    """`load` imports them all and calls none."""
    methods = [call.method for call in CLOUDFLARE_CALLS.values()]
    cloudflare_api.load(methods)
    with pytest.raises(AttributeError):
        cloudflare_api.load(["dns.records.invent"])
