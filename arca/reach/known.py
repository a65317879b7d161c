"""The resource types that decide who reaches whom, and those that do not.

A type of these services that is in neither table could change an answer unseen. `reach` refuses a
graph that has one.
"""

from collections.abc import Mapping

from arca.graph import Graph, Resource
from arca.reach import filters, hosts, listeners, names, network

SERVICES = (
    *("aws:ec2/", "aws:vpc/", "aws:lb/", "aws:alb/", "aws:elb/", "aws:route53/"),
    *("aws:ec2transitgateway/", "aws:networkfirewall/", "aws:vpclattice/", "aws:directconnect/"),
    *("aws:servicediscovery/", "aws:globalaccelerator/", "aws:cloudfront/"),
    "cloudflare:",
)
READ = frozenset(
    {
        network.VPC,
        network.SUBNET,
        network.ROUTE,
        network.ROUTE_TABLE,
        network.ASSOCIATION,
        network.INTERNET_GATEWAY,
        network.NAT_GATEWAY,
        network.ENDPOINT,
        network.EIP,
        network.PREFIX_LIST,
        filters.GROUP,
        filters.ACL,
        *filters.GROUP_RULES.values(),
        hosts.LOAD_BALANCER,
        listeners.LISTENER,
        listeners.LISTENER_RULE,
        listeners.TARGET_GROUP,
        names.ZONE,
        names.RECORD,
        names.CLOUDFLARE_RECORD,
        "aws:route53/healthCheck:HealthCheck",
        "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings",
    }
)
NOT_READ: Mapping[str, str] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "no interface of the platform has it",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "IPv6 only",
    "aws:ec2/flowLog:FlowLog": "watches, and stops nothing",
    "aws:lb/trustStore:TrustStore": "part of the listener that verifies certificates",
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        "the setting turns it on"
    ),
    "cloudflare:index/healthcheck:Healthcheck": "asks, and lets nobody in",
    "cloudflare:index/notificationPolicy:NotificationPolicy": "tells, and stops nothing",
    "cloudflare:index/ruleset:Ruleset": "decides by path and rate, not by place",
    "cloudflare:index/tieredCache:TieredCache": "decides nothing about who is let in",
    "cloudflare:index/zoneSetting:ZoneSetting": "TLS and headers",
}
"""Types of these services that change no answer, and why."""


def unknown_resources(graph: Graph) -> list[str]:
    """Return the resources that could change an answer, and that nobody reads."""
    return [one.label for one in graph.resources if _is_unknown(one)]


def _is_unknown(one: Resource) -> bool:
    if one.type == filters.GROUP:
        return bool(one.items("ingress") or one.items("egress"))
    if one.type == network.ROUTE_TABLE:
        return bool(one.items("routes"))
    return one.type.startswith(SERVICES) and one.type not in READ | NOT_READ.keys()
