"""Changes of DNS (Route 53), certificates (ACM), the firewall (WAF) and Cloudflare."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import Changes, Update, again, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import (
    ApiCall,
    CloudflareCall,
    ResourceState,
    take,
)

_CHECK = "aws:route53/healthCheck:HealthCheck"
_RECORD = "aws:route53/record:Record"
_ACL = "aws:wafv2/webAcl:WebAcl"
_ACL_LOG = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
_SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
_CACHE = "cloudflare:index/tieredCache:TieredCache"
_PULLS = "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings"
_FIXED_CHECK = ("Type", "RequestInterval", "MeasureLatency")


def _record_change(action: str, state: ResourceState) -> dict[str, Any]:
    params = CALLS[_RECORD][0].params(state)
    (change,) = params["ChangeBatch"]["Changes"]
    return {**params, "ChangeBatch": {"Changes": [{**change, "Action": action}]}}


def _updated_check(s: ResourceState) -> dict[str, Any]:
    config = CALLS[_CHECK][0].params(s)["HealthCheckConfig"]
    fixed = {name.lower() for name in _FIXED_CHECK}
    return {
        "HealthCheckId": s["id"],
        **{name: value for name, value in config.items() if name.lower() not in fixed},
    }


def _lock_token() -> ApiCall:
    """Return the call whose answer every change of a web ACL needs."""
    return ApiCall(
        "wafv2",
        "get_web_acl",
        take("name", "scope", "id"),
        lambda answer: {"_token": answer["LockToken"]},
    )


def _updated_acl(s: ResourceState) -> dict[str, Any]:
    params = CALLS[_ACL][0].params(s)
    kept = {name: value for name, value in params.items() if name != "Tags"}
    return {**kept, "Id": s["id"], "LockToken": s["_token"]}


def _in_zone(identifier: str) -> Callable[[ResourceState], dict[str, Any]]:
    """Return parameters of Cloudflare: the zone and the object's id, under the client's name."""
    return lambda s: {"zone_id": s["zoneId"], identifier: s["id"]}


def _with_id(identifier: str, *inputs: str) -> Callable[[ResourceState], dict[str, Any]]:
    """Return parameters of Cloudflare: some inputs and the object's id."""
    return lambda s: {**take(*inputs)(s), identifier: s["id"]}


def _put(method: str, identifier: str, *inputs: str, fixed: Sequence[str]) -> tuple[Update, ...]:
    """Return the update of inputs by a call of Cloudflare that takes the whole object.

    Those that are `fixed` cannot change, and the call takes them too.
    """
    return (Update(inputs, (CloudflareCall(method, _with_id(identifier, *inputs, *fixed)),)),)


CHANGES: Mapping[str, Changes] = {
    "aws:acm/certificate:Certificate": Changes(
        replaces=replaced_by("domainName", "subjectAlternativeNames", "validationMethod"),
        updates=(
            Update(
                ("tags",),
                (
                    ApiCall(
                        "acm",
                        "add_tags_to_certificate",
                        lambda s: {
                            "CertificateArn": s["arn"],
                            "Tags": [{"Key": k, "Value": v} for k, v in tags.set_tags(s).items()],
                        },
                        when=lambda s: bool(tags.set_tags(s)),
                    ),
                    ApiCall(
                        "acm",
                        "remove_tags_from_certificate",
                        lambda s: {
                            "CertificateArn": s["arn"],
                            "Tags": [{"Key": key} for key in tags.removed_tags(s)],
                        },
                        when=lambda s: bool(tags.removed_tags(s)),
                    ),
                ),
            ),
        ),
        deletes=(ApiCall("acm", "delete_certificate", take(CertificateArn="arn")),),
    ),
    "aws:acm/certificateValidation:CertificateValidation": Changes(
        replaces=replaced_by("certificateArn"),
        stays="a validation is a wait, and nothing that AWS has",
    ),
    "aws:route53/zone:Zone": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                ("comment",),
                (ApiCall("route53", "update_hosted_zone_comment", take("id", "comment")),),
            ),
            *tags.of_route53("hostedzone"),
        ),
        deletes=(ApiCall("route53", "delete_hosted_zone", take("id")),),
    ),
    _CHECK: Changes(
        replaces=replaced_by("measureLatency", "requestInterval", "type"),
        updates=(
            Update(
                (
                    "childHealthThreshold",
                    "childHealthchecks",
                    "enableSni",
                    "failureThreshold",
                    "fqdn",
                    "invertHealthcheck",
                    "port",
                    "resourcePath",
                ),
                (ApiCall("route53", "update_health_check", _updated_check),),
            ),
            *tags.of_route53("healthcheck"),
        ),
        deletes=(ApiCall("route53", "delete_health_check", take(HealthCheckId="id")),),
    ),
    _RECORD: Changes(
        replaces=replaced_by("name", "setIdentifier", "type", "zoneId"),
        updates=(
            Update(
                ("aliases", "failoverRoutingPolicies", "healthCheckId", "records", "ttl"),
                (
                    ApiCall(
                        "route53",
                        "change_resource_record_sets",
                        lambda s: _record_change("UPSERT", s),
                    ),
                ),
            ),
        ),
        deletes=(
            ApiCall(
                "route53", "change_resource_record_sets", lambda s: _record_change("DELETE", s)
            ),
        ),
    ),
    _ACL: Changes(
        replaces=replaced_by("name", "scope"),
        updates=(
            Update(
                ("defaultAction", "rules", "visibilityConfig"),
                (_lock_token(), ApiCall("wafv2", "update_web_acl", _updated_acl)),
            ),
            *tags.of_arn("wafv2", "ResourceARN"),
        ),
        deletes=(
            _lock_token(),
            ApiCall("wafv2", "delete_web_acl", take("name", "scope", "id", LockToken="_token")),
        ),
        name="name",
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Changes(
        replaces=replaced_by("resourceArn", "webAclArn"),
        deletes=(ApiCall("wafv2", "disassociate_web_acl", take("resourceArn")),),
        delete_first=True,
    ),
    _ACL_LOG: Changes(
        replaces=replaced_by("resourceArn"),
        updates=again(_ACL_LOG, "logDestinationConfigs", "loggingFilter", "redactedFields"),
        deletes=(ApiCall("wafv2", "delete_logging_configuration", take("resourceArn")),),
    ),
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        Changes(
            replaces=replaced_by("certificate", "privateKey", "zoneId"),
            deletes=(
                CloudflareCall(
                    "origin_tls_client_auth.zone_certificates.delete", _in_zone("certificate_id")
                ),
            ),
        )
    ),
    _PULLS: Changes(
        replaces=replaced_by("zoneId"),
        updates=again(_PULLS, "enabled"),
        stays="a zone always has this setting",
    ),
    "cloudflare:index/dnsRecord:DnsRecord": Changes(
        replaces=replaced_by("zoneId"),
        updates=_put(
            "dns.records.update",
            "dns_record_id",
            *("content", "name", "proxied", "ttl", "type"),
            fixed=("zoneId",),
        ),
        deletes=(CloudflareCall("dns.records.delete", _in_zone("dns_record_id")),),
    ),
    "cloudflare:index/healthcheck:Healthcheck": Changes(
        replaces=replaced_by("zoneId"),
        updates=_put(
            "healthchecks.update",
            "healthcheck_id",
            *("address", "consecutiveFails", "consecutiveSuccesses", "description", "httpConfig"),
            *("interval", "name", "retries", "timeout", "type"),
            fixed=("zoneId",),
        ),
        deletes=(CloudflareCall("healthchecks.delete", _in_zone("healthcheck_id")),),
    ),
    "cloudflare:index/notificationPolicy:NotificationPolicy": Changes(
        replaces=replaced_by("accountId"),
        updates=_put(
            "alerting.policies.update",
            "policy_id",
            *("alertType", "description", "enabled", "filters", "mechanisms", "name"),
            fixed=("accountId",),
        ),
        deletes=(
            CloudflareCall(
                "alerting.policies.delete",
                lambda s: {"account_id": s["accountId"], "policy_id": s["id"]},
            ),
        ),
    ),
    "cloudflare:index/ruleset:Ruleset": Changes(
        replaces=replaced_by("kind", "phase", "zoneId"),
        updates=_put(
            "rulesets.update",
            "ruleset_id",
            *("name", "rules"),
            fixed=("kind", "phase", "zoneId"),
        ),
        deletes=(CloudflareCall("rulesets.delete", _in_zone("ruleset_id")),),
        delete_first=True,
    ),
    _CACHE: Changes(
        replaces=replaced_by("zoneId"),
        updates=again(_CACHE, "value"),
        deletes=(CloudflareCall("cache.smart_tiered_cache.delete", take(zone_id="zoneId")),),
    ),
    _SETTING: Changes(
        replaces=replaced_by("settingId", "zoneId"),
        updates=again(_SETTING, "value"),
        stays="a zone always has this setting",
    ),
}
