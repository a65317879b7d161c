"""The judge of Cloudflare's own package, over the resources that a stack declares."""

from collections.abc import Iterable, Iterator, Mapping

from arca.emulator.judges import cloudflare_types
from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from arca.emulator.provider.cloudflare_api import to_cloudflare
from tests.graph import Graph

JUDGE = "cloudflare"
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
PARAMETERS: Mapping[str, str] = {
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        "origin_tls_client_auth.zone_certificate_create_params.ZoneCertificateCreateParams"
    ),
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": (
        "origin_tls_client_auth.setting_update_params.SettingUpdateParams"
    ),
    "cloudflare:index/dnsRecord:DnsRecord": "dns.record_create_params.RecordCreateParams",
    "cloudflare:index/healthcheck:Healthcheck": (
        "healthchecks.healthcheck_create_params.HealthcheckCreateParams"
    ),
    "cloudflare:index/notificationPolicy:NotificationPolicy": (
        "alerting.policy_create_params.PolicyCreateParams"
    ),
    "cloudflare:index/ruleset:Ruleset": "rulesets.ruleset_create_params.RulesetCreateParams",
    "cloudflare:index/tieredCache:TieredCache": (
        "cache.smart_tiered_cache_edit_params.SmartTieredCacheEditParams"
    ),
    SETTING: "zones.setting_edit_params.SettingEditParams",
}
"""The parameters of the call that makes each type, below `cloudflare.types`."""
IN_PATH = "setting_id"
"""An input that is part of a setting's path and of no parameters."""


def judge(graph: Graph, nodes: Iterable[Registration] | None = None) -> list[Finding]:
    """Return what Cloudflare's types say of a stack's resources, or of some."""
    chosen = graph.custom() if nodes is None else nodes
    return [finding for node in chosen if node.type in PARAMETERS for finding in _judge(node)]


def _judge(node: Registration) -> Iterator[Finding]:
    given = to_cloudflare(node.inputs)
    setting = given.pop(IN_PATH, "") if node.type == SETTING else ""
    for fault in cloudflare_types.judge_parameters(PARAMETERS[node.type], given):
        yield Finding(JUDGE, node.urn, fault.path, fault.says)
    if node.type == SETTING:
        if not cloudflare_types.is_setting(setting):
            yield Finding(JUDGE, node.urn, IN_PATH, f"{setting} is no setting of a zone")
            return
        value = {"value": given["value"]}
        for fault in cloudflare_types.judge_setting(setting, value):
            yield Finding(JUDGE, node.urn, fault.path, fault.says)
