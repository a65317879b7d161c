"""The platform, read downwards: settings in, components in order, outputs out."""

from typing import Any

import pulumi

from arca.naming import default_tags
from components import dns
from components.access import Access
from components.alerting import Alerting
from components.audit_trail import AuditTrail
from components.cache import PORT as CACHE_PORT
from components.cache import Cache
from components.certificate import Certificate
from components.component import Place
from components.database import DATABASE as DATABASE_NAME
from components.database import PORT as DATABASE_PORT
from components.database import Database
from components.delivery import Delivery, Released
from components.edge import EdgeRegion, EdgeZone
from components.endpoints import Endpoints
from components.firewall import Firewall
from components.flow_logs import FlowLogs
from components.keys import Keys
from components.load_balancer import LoadBalancer
from components.network import Network
from components.observability import Observability, Watched
from components.origin_pulls import OriginPulls
from components.parameters import Parameters
from components.primary import Primary
from components.probe import Probe
from components.providers import providers
from components.proxy import DatabaseProxy
from components.registry import Registry
from components.secrets import Secrets, owner_given
from components.service import Environment, Permissions, Service, Traffic
from components.storage import Storage
from settings import load

s = load()
stack, owner, domain = pulumi.get_stack(), s.owner, s.owner.domain
tags = default_tags(stack=stack, stage=s.stage, owner=owner.team, cost_center=owner.cost_center)
here = Place(
    stack=stack,
    stage=s.stage,
    region=s.region,
    account_id=owner.account_id,
    replica_region=s.recovery.replica_region,
    protect=s.protected,
    disposable=s.disposable,
    providers=providers(region=s.region, account_id=owner.account_id, tags=tags),
)
primary = Primary.of(s.recovery.primary_stack)

keys = Keys("keys", s.keys, here, adopt=primary.key_arn if primary else None)
key, copy_key = keys.arns, keys.replica_arns
secrets = Secrets(
    "secrets",
    s.secrets,
    here,
    key_arn=key["secrets"],
    replica_key_arn=copy_key.get("secrets"),
    adopt=primary.secret_arn if primary else None,
    owner_made_by_rds=s.database.managed_password,
)
storage = Storage(
    "storage",
    s.storage,
    here,
    key_arn=key["documents"],
    replica_key_arn=copy_key.get("documents"),
    adopted_documents=primary.documents if primary else None,
)
registry = Registry(
    "registry",
    s.registry,
    here,
    key_arn=key["images"],
    replica_key_arn=copy_key.get("images"),
    adopted_name=primary.text("repository_name") if primary else None,
)

network = Network("network", s.network, here)
access = Access("access", here, vpc_id=network.vpc_id, service_port=s.service.port)
FlowLogs("flow-logs", s.flow_logs, here, vpc_id=network.vpc_id, key_arn=key["logs"])
Endpoints(
    "endpoints",
    s.network.interface_endpoints,
    here,
    vpc_id=network.vpc_id,
    subnet_ids=network.private,
    security_group_id=access.groups["endpoint"],
)

database = Database(
    "database",
    s.database,
    here,
    subnet_ids=network.isolated,
    security_group_id=access.groups["database"],
    key_arn=key["data"],
    replica_key_arn=copy_key.get("data"),
    log_key_arn=key["logs"],
    owner=secrets.database_owner,
    replica_of=primary.text("database_arn") if primary and s.following else None,
    standby=not s.serving,
)
proxy = cache = None
if s.serving and s.database.proxy:
    proxy = DatabaseProxy(
        "proxy",
        s.proxy,
        here,
        database_identifier=database.identifier,
        secret_arns=[secrets.arns["database-app"]],
        secrets_key_arn=key["secrets"],
        subnet_ids=network.isolated,
        security_group_id=access.groups["proxy"],
    )
if s.serving:
    cache = Cache(
        "cache",
        s.cache,
        here,
        subnet_ids=network.isolated,
        security_group_id=access.groups["cache"],
        key_arn=key["data"],
        log_key_arn=key["logs"],
        token=secrets.values["cache-token"],
    )

names = dns.Names(domain, s.region)
if primary:
    origin_zone_id, client_ca_pem = primary.text("origin_zone_id"), primary.text("client_ca_pem")
else:
    zone = dns.OriginZone("origin-zone", here, names)
    pulls = OriginPulls(
        "origin-pulls",
        here,
        zone_id=owner.cloudflare_zone_id,
        domain=domain,
        owns_zone=s.edge.owns_zone,
    )
    EdgeZone(
        "edge",
        s.edge,
        here,
        zone_id=owner.cloudflare_zone_id,
        names=names,
        origin_name_servers=zone.name_servers,
        health_path=s.dns.check_path,
    )
    origin_zone_id, client_ca_pem = zone.zone_id, pulls.ca_pem
certificate = Certificate(
    "certificate",
    here,
    names=names,
    cloudflare_zone_id=owner.cloudflare_zone_id,
    origin_zone_id=origin_zone_id,
    validates=primary is None,
)
load_balancer = LoadBalancer(
    "load-balancer",
    s.load_balancer,
    here,
    vpc_id=network.vpc_id,
    subnet_ids=network.public,
    security_group_id=access.groups["load-balancer"],
    certificate_arn=certificate.arn,
    hosts=[names.public, names.regional_public],
    service_port=s.service.port,
    ipv6=s.network.ipv6,
    logs_bucket=storage.buckets["logs"].name,
    artifacts_bucket=storage.buckets["artifacts"].name,
    client_ca_pem=client_ca_pem,
    weights_shifted_by_ecs=s.service.weights_shifted_by_ecs,
)
Firewall("firewall", s.firewall, here, load_balancer_arn=load_balancer.arn, log_key_arn=key["logs"])
records = dns.OriginRecords(
    "origin",
    s.dns,
    here,
    names=names,
    zone_id=origin_zone_id,
    role=s.recovery.role,
    load_balancer_dns_name=load_balancer.dns_name,
    load_balancer_zone_id=load_balancer.zone_id,
)
EdgeRegion(
    "edge-region",
    here,
    names=names,
    zone_id=owner.cloudflare_zone_id,
    cloudflare_account_id=owner.cloudflare_account_id,
    contact_email=owner.contact_email if s.edge.health_notifications else None,
    health_path=s.dns.check_path,
)

parameters = Parameters(
    "parameters",
    here,
    {
        **s.service.environment,
        "STAGE": s.stage,
        "PUBLIC_URL": f"https://{names.public}",
        "DATABASE_HOST": proxy.endpoint if proxy else database.address,
        "DATABASE_ADDRESS": database.address,
        "DATABASE_PORT": str(DATABASE_PORT),
        "DATABASE_NAME": DATABASE_NAME,
        "DATABASE_POOL_SIZE": str(s.service.pool_size),
        "DOCUMENTS_BUCKET": storage.buckets["documents"].name,
        **({"CACHE_HOST": cache.address, "CACHE_PORT": str(CACHE_PORT)} if cache else {}),
    },
)
service = Service(
    "service",
    s.service_now,
    here,
    image=owner.image,
    subnet_ids=network.private,
    security_group_id=access.groups["service"],
    traffic=Traffic(
        load_balancer=load_balancer.arn_suffix,
        blue_arn=load_balancer.target_groups["blue"].arn,
        green_arn=load_balancer.target_groups["green"].arn,
        production_rule=load_balancer.production_rule,
        test_rule=load_balancer.test_rule,
    ),
    environment=Environment.of(
        parameters.arns, secrets.arns | database.managed_secret_arns, cache=cache is not None
    ),
    permissions=Permissions(
        parameter_arns=list(parameters.arns.values()),
        secrets_key_arn=key["secrets"],
        documents_arn=storage.buckets["documents"].arn,
        documents_key_arn=key["documents"],
        repository_name=registry.repository_name,
        database_resource_id=database.resource_id if s.database.iam_authentication else None,
        execute_command=s.service.execute_command,
    ),
    log_key_arn=key["logs"],
)

artifacts = storage.buckets["artifacts"]
AuditTrail(
    "audit-trail",
    here,
    log_group=service.log_group,
    bucket_arn=storage.buckets["audit"].arn,
    key_arn=key["documents"],
)
alerting = Alerting("alerting", s.alerting, here, key_arn=key["alerts"])
probe = None
if s.serving and s.probe.enabled:
    probe = Probe(
        "probe",
        s.probe,
        here,
        url=f"https://{names.public}",
        artifacts=(artifacts.name, artifacts.arn),
        key_arn=key["documents"],
    )
observability = Observability(
    "observability",
    s.observability,
    here,
    serving=s.serving,
    watched=Watched(
        load_balancer=load_balancer.arn_suffix,
        blue=load_balancer.target_groups["blue"].arn_suffix,
        green=load_balancer.target_groups["green"].arn_suffix,
        certificate_arn=certificate.arn,
        health_check_id=records.health_check_id,
        cluster=service.cluster,
        service=service.name,
        log_group=service.log_group,
        database=database.identifier,
        cache_nodes=cache.node_ids if cache else [],
        canary=probe.canary if probe else None,
        database_sessions=s.database.max_connections,
    ),
    topics=alerting.topics,
    artifacts=artifacts.name,
    log_key_arn=key["logs"],
    sample_percent=s.service.collector.sample_percent,
)
delivery = Delivery(
    "delivery",
    s.delivery,
    here,
    primary_stack=s.recovery.primary_stack,
    released=Released(
        cluster=service.cluster,
        service=service.name,
        families=[service.task_family, service.migration_family],
        passed_role_arns=service.passed_role_arns,
        log_group=service.log_group,
        repository_name=registry.repository_name,
    ),
)

exports: dict[str, Any] = {
    "stack": stack,
    "stage": s.stage,
    "role": s.recovery.role,
    "phase": s.recovery.phase if primary else "active",
    "region": s.region,
    "account_id": owner.account_id,
    "network": {**network.exports, **access.exports},
    "database": {
        **database.exports,
        "host": proxy.endpoint if proxy else database.address,
        "is_replica": s.following,
    },
    "cache": cache and cache.exports,
    "service": {**service.exports, **load_balancer.exports},
    "observability": {
        **observability.exports,
        "topics": alerting.topics,
        "log_groups": {"api": service.log_group, **observability.log_groups},
    },
    "edge": records.exports,
    "registry": registry.exports,
    "delivery": delivery.role_arns or None,
    "buckets": {role: bucket.name for role, bucket in storage.buckets.items()},
    "key_arns": key,
    "secret_arns": secrets.arns,
    "secrets_without_value": list(owner_given()),
    "recovery": None,
}
if storage.documents_replica is not None:
    exports["recovery"] = {
        "region": s.recovery.replica_region,
        "account_id": owner.account_id,
        "cidr": str(s.network.cidr),
        "database_arn": database.arn,
        "key_arns": keys.replica_arns,
        "secret_arns": secrets.replica_arns,
        "documents_bucket": storage.documents_replica.name,
        "documents_arn": storage.documents_replica.arn,
        "repository_name": registry.repository_name,
        "origin_zone_id": origin_zone_id,
        "client_ca_pem": client_ca_pem,
    }
for name, value in exports.items():
    pulumi.export(name, value)
