"""The platform, read downwards: settings in, components in order, outputs out."""

import pulumi

from arca.outputs import Outputs
from components import dns
from components.access import Access
from components.alerting import Alerting
from components.audit_trail import AuditTrail
from components.backups import Backups
from components.cache import Cache
from components.certificate import Certificate
from components.database import Database
from components.delivery import Delivery
from components.edge import EdgeRegion, EdgeZone
from components.endpoints import Endpoints
from components.experiments import Experiments
from components.firewall import Firewall
from components.flow_logs import FlowLogs
from components.keys import Keys
from components.load_balancer import LoadBalancer
from components.network import Network
from components.observability import Observability, Watched
from components.origin_pulls import OriginPulls
from components.parameters import Parameters
from components.primary import read_primary, recovery_outputs
from components.probe import Probe
from components.proxy import DatabaseProxy
from components.registry import Registry
from components.secrets import Secrets, owner_given
from components.service import Environment, Permissions, Service, threshold_variables
from components.storage import Storage
from settings import cloudflare_zone, load, place, released

s = load()
owner, here = s.owner, place(s)
at_data = released(here) if s.recovery.release_data else here
primary = read_primary(s.recovery.primary_stack)

keys = Keys("keys", s.keys, here, primary=primary)
key = keys.arns
secrets = Secrets(
    "secrets",
    s.secrets,
    here,
    key=keys["secrets"],
    primary=primary,
    owner_made_by_rds=s.database.managed_password,
)
storage = Storage("storage", s.storage, here, key=keys["documents"], primary=primary)
buckets = storage.buckets
registry = Registry("registry", s.registry, here, key=keys["images"], primary=primary)

network = Network("network", s.network_now, here)
access = Access(
    "access",
    here,
    vpc_id=network.vpc_id,
    subnet_ids=network.subnet_ids,
    service_port=s.service.port,
    nat_addresses=network.nat_addresses,
)
FlowLogs(
    "flow-logs",
    s.flow_logs,
    here,
    vpc_id=network.vpc_id,
    key_arn=key["logs"],
)
Endpoints("endpoints", s.network.interface_endpoints, here, at=access.at("endpoint"))

database = Database(
    "database",
    s.database,
    at_data,
    at=access.at("database"),
    key=keys["data"],
    secrets_key_arn=key["secrets"],
    log_key_arn=key["logs"],
    owner=secrets.database_owner,
    replica_of=primary.database_arn if primary and s.following else s.follows_arn,
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
        at=access.at("proxy"),
    )
backups = None
if s.backups.enabled:
    backups = Backups(
        "backups",
        s.backups,
        here,
        key=keys["data"],
        database_arn=database.arn,
        at=access.at("restored"),
        fills=s.backs_up,
    )
database_host = proxy.endpoint if proxy else database.address
if s.serving or not s.secondary:
    cache = Cache(
        "cache",
        s.cache,
        at_data,
        at=access.at("cache"),
        key_arn=key["data"],
        log_key_arn=key["logs"],
        token=secrets.values["cache-token"],
        generation=s.database.generation,
    )

zone = cloudflare_zone(s)
names = zone.names
if primary:
    origin_zone_id, client_ca_pem = primary.origin_zone_id, primary.client_ca_pem
else:
    origin_zone = dns.OriginZone("origin-zone", here, names)
    pulls = OriginPulls("origin-pulls", here, zone=zone, owns_zone=s.edge.owns_zone)
    EdgeZone("edge", s.edge, here, zone=zone, origin_name_servers=origin_zone.name_servers)
    origin_zone_id, client_ca_pem = origin_zone.zone_id, pulls.ca_pem
certificate = Certificate(
    "certificate", here, zone=zone, origin_zone_id=origin_zone_id, validates=primary is None
)
load_balancer = LoadBalancer(
    "load-balancer",
    s.load_balancer_now,
    here,
    at=access.at("load-balancer"),
    certificate_arn=certificate.arn,
    hosts=[names.public, names.regional_public],
    service_port=s.service.port,
    ipv6=s.network.ipv6,
    buckets=buckets,
    client_ca_pem=client_ca_pem,
    weights_shifted_by_ecs=s.service.weights_shifted_by_ecs,
    fenced=s.fenced,
)
Firewall("firewall", s.firewall, here, load_balancer_arn=load_balancer.arn, log_key_arn=key["logs"])
records = dns.OriginRecords(
    "origin",
    s.dns,
    here,
    names=names,
    zone_id=origin_zone_id,
    role=s.recovery.role,
    alias=load_balancer.alias,
)
EdgeRegion("edge-region", s.edge, here, zone=zone)

parameters = Parameters(
    "parameters",
    here,
    {
        **s.service.environment,
        "STAGE": s.stage,
        "PUBLIC_URL": f"https://{names.public}",
        **database.variables(host=database_host),
        "DATABASE_POOL_SIZE": str(s.service.pool_size),
        "DOCUMENTS_BUCKET": buckets["documents"].name,
        **threshold_variables(),
        **(cache.variables() if cache else {}),
    },
)
service = Service(
    "service",
    s.service_now,
    here,
    image=owner.image,
    at=access.at("service"),
    traffic=load_balancer.traffic,
    environment=Environment.of(
        parameters.arns, secrets.arns | database.managed_secret_arns, cache=cache is not None
    ),
    permissions=Permissions(
        secrets_key_arn=key["secrets"],
        documents_arn=buckets["documents"].arn,
        documents_key_arn=key["documents"],
        repository_name=registry.repository_name,
        database_resource_id=database.resource_id if s.database.iam_authentication else None,
    ),
    log_key_arn=key["logs"],
)

AuditTrail(
    "audit-trail",
    here,
    log_group=service.log_group,
    bucket_arn=buckets["audit"].arn,
    key_arn=key["documents"],
    log_key_arn=key["logs"],
)
alerting = Alerting("alerting", s.alerting, here, key_arn=key["alerts"])
probe = None
if s.serving and s.probe.enabled:
    probe = Probe(
        "probe",
        s.probe,
        here,
        url=f"https://{names.public}",
        artifacts=(buckets["artifacts"].name, buckets["artifacts"].arn),
        key_arn=key["documents"],
    )
observability = Observability(
    "observability",
    s.observability_now,
    here,
    serving=s.serving,
    watched=Watched(
        load_balancer=load_balancer.traffic.arn_suffix,
        blue=load_balancer.target_groups["blue"].arn_suffix,
        green=load_balancer.target_groups["green"].arn_suffix,
        certificate_arn=certificate.arn,
        health_check_id=records.health_check_id,
        cluster=service.cluster,
        service=service.name,
        log_group=service.log_group,
        database=database.identifier,
        cache_nodes=cache.node_ids if cache else [],
        copies=storage.watched(serving=s.serving),
        canary=probe.canary if probe else None,
        vault=backups.vault_name if backups and s.backs_up else None,
        database_sessions=s.database.max_connections,
        tasks=s.service_now.scaling.min_tasks,
        definitions=service.declared_tasks,
        repository_url=registry.repository_url,
    ),
    topics=alerting.topics,
    artifacts=buckets["artifacts"].name,
    log_key_arn=key["logs"],
    sample_percent=s.service.collector.sample_percent,
)
if s.experiments_zone:
    Experiments(
        "experiments",
        s.experiments,
        here,
        zone=s.experiments_zone,
        subnet_ids=[
            ids[s.network.zones.index(s.experiments_zone)] for ids in network.subnet_ids.values()
        ],
        cluster=service.cluster,
        service=service.name,
        database_arn=database.arn if s.database.multi_az else None,
        alarm_names=observability.alarm_names,
        log_key_arn=key["logs"],
    )
delivery = Delivery(
    "delivery",
    s.delivery,
    here,
    primary_stack=s.recovery.primary_stack,
    migrates=s.serving,
    released=service.release_scope(registry.repository_name),
)

outputs = Outputs[pulumi.Output[str]](
    stack=here.stack,
    stage=s.stage,
    role=s.recovery.role,
    phase=s.recovery.phase if primary or s.fenced else "active",
    region=s.region,
    account_id=owner.account_id,
    network=network.outputs(groups={**access.groups}),
    database=database.outputs(host=database_host, is_replica=s.following),
    backups=backups.outputs() if backups else None,
    cache=cache.outputs() if cache else None,
    service=service.outputs(
        load_balancer_arn=load_balancer.arn, load_balancer_dns_name=load_balancer.dns_name
    ),
    observability=observability.outputs(topics=alerting.topics, api_log_group=service.log_group),
    edge=records.outputs(),
    registry=registry.outputs(),
    delivery=delivery.outputs(),
    buckets={role: bucket.name for role, bucket in buckets.items()},
    key_arns={**key},
    secret_arns={**secrets.arns},
    secrets_without_value=list(owner_given()),
    recovery=recovery_outputs(
        here,
        cidr=s.network.cidr,
        database_arn=database.arn,
        key_arns=keys.replica_arns,
        secret_arns=secrets.replica_arns,
        copies=storage.copies,
        documents=storage.documents_replica,
        repository_name=registry.repository_name,
        origin_zone_id=origin_zone_id,
        client_ca_pem=client_ca_pem,
    ),
)
for name, value in outputs.model_dump(exclude_none=True).items():
    pulumi.export(name, value)
