"""Stack files with mistakes: each is a valid file and a few lines that spoil it."""

from collections.abc import Mapping

AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
"""The access key that AWS's documentation shows; in two parts, so that scanners pass it."""
GITHUB_TOKEN = "ghp" + "_" + "a1B2" * 9
OWNER = """config:
  arca-api:owner:
    account_id: "123456789012"
    domain: acme.com
    cloudflare_account_id: 0123456789abcdef0123456789abcdef
    cloudflare_zone_id: fedcba9876543210fedcba9876543210
    image: arca-api:1.0.0
    contact_email: oncall@acme.com
"""
PRIMARY_OWNER = OWNER.replace(
    "fedcba9876543210fedcba9876543210", "abcdef0123456789abcdef0123456789"
)
"""A primary shares its zone with its secondary, and with no other stack."""
RECOVERY = "  arca-api:recovery: {replica_region: us-east-1}\n"
DEV = f"""{OWNER}  arca-api:stage: dev
  arca-api:region: sa-east-1
"""
BACKUPS = "  arca-api:backups: {enabled: true}\n"
PROD = f"""{OWNER}  arca-api:stage: prod
  arca-api:region: sa-east-1
  arca-api:protected: true
  arca-api:cache: {{nodes: 2, multi_az: true}}
{BACKUPS}"""
PROD_NETWORK = "  arca-api:network: {nat: per-zone}\n"
PROD_DATABASE = "  arca-api:database: {multi_az: true, backup_days: 14}\n"
DR = f"""{PRIMARY_OWNER}  arca-api:stage: prod
  arca-api:region: us-east-1
  arca-api:protected: true
  arca-api:cache: {{nodes: 2, multi_az: true}}
  arca-api:database: {{multi_az: true, backup_days: 14, source: {{kind: replica}}}}
{BACKUPS}"""
DR_NETWORK = "  arca-api:network: {nat: per-zone}\n"
DR_DNS = "  arca-api:dns: {failover: true}\n"
DR_RECOVERY = (
    "  arca-api:recovery: {role: secondary, primary_stack: prod, primary_cidr: 10.30.0.0/16}\n"
)
DR_REST = DR_NETWORK + DR_DNS + DR_RECOVERY
PRIMARY = (
    PROD.replace(OWNER, PRIMARY_OWNER)
    + PROD_DATABASE
    + RECOVERY
    + DR_DNS
    + "  arca-api:network: {nat: per-zone, cidr: 10.30.0.0/16}\n"
)
"""The file of the stack prod beside each of these files."""


def dev(section: str, *lines: str) -> str:
    """Return dev's file with one more section."""
    return f"{DEV}  arca-api:{section}:\n" + "".join(f"    {line}\n" for line in lines)


FILES: Mapping[str, str] = {
    "a key of another strategy": dev(
        "service", "deployment: {strategy: blue-green, canary_percent: 5}"
    ),
    "a key of another section": dev("database", "nat: single"),
    "an account that Pulumi takes for a number": DEV.replace('"123456789012"', "098765432109"),
    "a zone that Pulumi takes for a number": DEV.replace(
        "fedcba9876543210fedcba9876543210", "1234567890123456e789012345678901"
    ),
    "production without alarms": PROD
    + PROD_NETWORK
    + PROD_DATABASE
    + "  arca-api:observability: {alarms: false}\n",
    "a pause without NAT": dev(
        "service", "scaling: {min_tasks: 2}", "deployment: {strategy: blue-green}"
    )
    + "  arca-api:network:\n    nat: none\n    interface_endpoints: "
    "[ecr.api, ecr.dkr, kms, logs, monitoring, secretsmanager, ssm, sts]\n",
    "an image of another region": DEV.replace(
        "image: arca-api:1.0.0",
        "image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/arca-dev/api:1",
    ),
    # Keys and sections.
    "a mistyped section": f"{DEV}  arca-api:netwrok: {{}}\n",
    "a section without its prefix": f"{DEV}  network: {{}}\n",
    "a section of another project": f"{DEV}  arca-ap:network: {{}}\n",
    "a setting of a provider": f"{DEV}  aws:region: sa-east-1\n",
    "a section twice": f"{DEV}  arca-api:keys: {{}}\n  arca-api:keys: {{}}\n",
    "a key twice": dev("database", "backup_days: 7", "backup_days: 8"),
    "config twice": f"{DEV}config:\n  arca-api:keys: {{}}\n",
    "a mistyped key beside config": f"{DEV}confg: {{}}\n",
    "a mistyped key of Pulumi": f"{DEV}encryptionsallt: v1:abc\n",
    "a tag": dev("cache", "nodes: !foo 1"),
    "a tag of Python": dev("cache", "nodes: !!python/name:os.system 1"),
    "a tagged section": f"{DEV}  arca-api:cache: !foo {{nodes: 1}}\n",
    "a sign that YAML reserves": dev("cache", "nodes: ="),
    "an alias of what contains it": f"{DEV}  arca-api:registry: &a\n    keep_images: *a\n",
    "a list as a key": dev("cache", "? [a]", ": 1"),
    "a list as a section": f"{DEV}  ? [a]\n  : 1\n",
    "an endless number": dev("cache", f"nodes: {'9' * 5000}"),
    "a mistyped key": dev("network", "cdir: 10.10.0.0/16"),
    "a mistyped key deep in a section": dev(
        "service", "deployment:", "  strategy: canary", "  canary_procent: 5"
    ),
    "a threshold that is none": dev("observability", "thresholds:", "  arca_p95: 1"),
    "a missing owner": "config:\n  arca-api:stage: dev\n  arca-api:region: sa-east-1\n",
    "a missing key": DEV.replace("    domain: acme.com\n", ""),
    "a missing key in a list": dev("edge", "rate_limits:", "  - path: /v1/auth"),
    "a section that is a text": f"{DEV}  arca-api:network: wide\n",
    "a section that is a list": f"{DEV}  arca-api:network: [a]\n",
    "half a section": f"{DEV}  arca-api:network: '{{half'\n",
    # Types.
    "a word for a number": dev("database", "storage_gib: twenty"),
    "a fraction for a whole number": dev("database", "storage_gib: 20.5"),
    "true for a number": dev("cache", "nodes: true"),
    "true for a number with a fraction": dev("service", "collector:", "  sample_percent: true"),
    "a word for true or false": dev("database", "multi_az: sometimes"),
    "a number for a text": dev("database", "engine_version: 17.6"),
    "zeros for an account": DEV.replace('"123456789012"', "000000000000"),
    "a number for a variable": dev("service", "environment:", "  WORKERS: 4"),
    "true for a variable": dev("service", "environment:", "  VERBOSE: true"),
    "a text for a list": dev("network", "zones: a"),
    "a number for a moment": dev(
        "database", "source:", "  kind: point-in-time", "  source_instance_id: x", "  at: soon"
    ),
    "a day that is none": dev(
        "database",
        "source:",
        "  kind: point-in-time",
        "  source_instance_id: x",
        "  at: 2026-13-45",
    ),
    # Ranges and choices.
    "too small": dev("database", "backup_days: 0"),
    "too big": dev("probe", "timeout_seconds: 60"),
    "a port that is none": dev("service", "port: 0"),
    "a stage that is none": DEV.replace("stage: dev", "stage: test"),
    "a stage almost": DEV.replace("stage: dev", "stage: stagging"),
    "a region that is none": DEV.replace("region: sa-east-1", "region: eu-west-1"),
    "a size that is none": dev("service", "cpu: 300"),
    "a retention that is none": dev("service", "log_days: 42"),
    "a strategy that is none": dev("service", "deployment:", "  strategy: bluegreen"),
    "no strategy": dev("service", "deployment:", "  bake_minutes: 5"),
    "an endpoint that is none": dev("network", "interface_endpoints: [ecr.dkr, ecr.apo]"),
    # Formats.
    "an account with two digits": DEV.replace('"123456789012"', '"12"'),
    "an address as a domain": DEV.replace("domain: acme.com", "domain: https://acme.com"),
    "a zone's name for its id": DEV.replace(
        "cloudflare_zone_id: fedcba9876543210fedcba9876543210", "cloudflare_zone_id: acme"
    ),
    "an image that changes": DEV.replace("arca-api:1.0.0", "arca-api:latest"),
    "an image without a tag": DEV.replace("arca-api:1.0.0", "arca-api"),
    "no e-mail address": DEV.replace("oncall@acme.com", "oncall"),
    "a receiver that is none": dev("alerting", "emails: [oncall]"),
    "a window without minutes": dev("database", "backup_window: 6-7"),
    "an hour that is none": dev("database", "backup_window: 24:00-25:00"),
    "a day of the week that is none": dev(
        "database", "maintenance_window: sunday:07:30-sunday:08:30"
    ),
    "a window that is too short": dev("database", "backup_window: 06:00-06:10"),
    "a snapshot's window that is too short": dev("cache", "snapshot_window: 05:00-05:30"),
    "windows that overlap": dev("database", "backup_window: 08:00-09:00"),
    "a cache's windows that overlap": dev("cache", "snapshot_window: 08:00-09:00"),
    "a version without its minor": dev("database", 'engine_version: "17"'),
    "a version that is too old": dev("database", 'engine_version: "14.1"'),
    "a class that RDS does not have": dev("database", "instance_class: db.t4g.mega"),
    "a class of another service": dev("database", "instance_class: cache.t4g.small"),
    "a node type that ElastiCache does not have": dev("cache", "node_type: cache.t4g.xlarge"),
    "Redis with Valkey's version": dev("cache", "engine: redis"),
    "Valkey with a version of Redis": dev("cache", 'engine_version: "7.1"'),
    "a writable path that is relative": dev("service", "writable_paths: [tmp]"),
    "the root as a writable path": dev("service", "writable_paths: [/tmp, /]"),
    "a health command that is none": dev("service", "health_command: []"),
    "a health command without its kind": dev("service", "health_command: [/app/healthcheck]"),
    "a health command of nothing": dev("service", "health_command: [CMD]"),
    "a domain of hyphens": DEV.replace("domain: acme.com", "domain: -.-.com"),
    "a domain with a line break": DEV.replace("domain: acme.com", 'domain: "acme.com\\n"'),
    "an address with a line break": DEV.replace("oncall@acme.com", '"oncall@acme.com\\n"'),
    "a path without its slash": dev("dns", "check_path: health"),
    "a cached path without its slash": dev("edge", "cache_paths: [docs]"),
    "a cached path that is empty": dev("edge", 'cache_paths: [""]'),
    "a blocked path without its slash": dev("edge", "blocked_paths: [/metrics, foo]"),
    "a blocked path with a quote": dev("edge", "blocked_paths: ['/a\"b']"),
    "an address without https": dev("observability", "repository_url: http://acme.com"),
    "a repository without an owner": dev(
        "delivery", "infra_repository: arca-infra", "application_repository: acme/api"
    ),
    "a repository with one id": dev(
        "delivery", "infra_repository: acme@1/infra", "application_repository: acme/api"
    ),
    "a range with host bits": dev("network", "cidr: 10.10.0.1/16"),
    "a range that is too small": dev("network", "cidr: 10.10.0.0/24"),
    "a public range": dev("network", "cidr: 8.0.0.0/16"),
    "a schedule with five fields": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "cron(0 8 * * ?)", min_tasks: 1, max_tasks: 2}',
    ),
    "a schedule at an hour that is none": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "cron(0 25 * * ? *)", min_tasks: 1, max_tasks: 2}',
    ),
    "a schedule with both kinds of days": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "cron(0 8 * * * *)", min_tasks: 1, max_tasks: 2}',
    ),
    "a rate of one days": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "rate(1 days)", min_tasks: 1, max_tasks: 2}',
    ),
    "a time zone that is none": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "rate(1 day)", timezone: Buenos Aires,',
        "      min_tasks: 1, max_tasks: 2}",
    ),
    "a variable in small letters": dev("service", "environment:", "  log-level: DEBUG"),
    # Secrets.
    "a secret in plain text": dev("alerting", "pagerduty_key: fedcba9876543210fedcba9876543210"),
    "a secret that is a list": dev("alerting", "pagerduty_key: [fedcba9876543210]"),
    "a secret under a mistyped key": dev(
        "alerting", "pagerduty_kee: fedcba9876543210fedcba9876543210"
    ),
    "a secret in the place of another": dev(
        "alerting", "slack_team_id: fedcba9876543210fedcba9876543210"
    ),
    "a secret outside of its section": f"{DEV}  arca-api:pagerduty_key: fedcba9876543210\n",
    "a secret in another section": dev(
        "observability", "pagerduty_key: fedcba9876543210fedcba9876543210"
    ),
    "a whole section encrypted": dev("alerting", "secure: v1:abc"),
    "an encrypted number": dev("cache", "nodes: {secure: v1:abc}"),
    "an encrypted text": dev("service", "environment:", "  UPSTREAM: {secure: v1:abc}"),
    "an encrypted item": dev("network", "zones: [a, {secure: v1:abc}]"),
    "an encrypted section": f"{DEV}  arca-api:cache: {{secure: v1:abc}}\n",
    "an encrypted stage": DEV.replace("stage: dev", "stage: {secure: v1:abc}"),
    "an encrypted id of Slack": dev("alerting", "slack_team_id: {secure: v1:abc}"),
    "a password as a variable": dev("service", "environment:", "  SMTP_PASSWORD: hunter2"),
    **{
        f"a variable named {name}": dev("service", "environment:", f"  {name}: hunter2")
        for name in ("DB_PASS", "SECRET_X", "CLAVE", "JWT", "SLACK_WEBHOOK", "WEBHOOK_URL")
    },
    "a variable with a password": dev(
        "service", "environment:", "  UPSTREAM: https://user:hunter2@x.com"
    ),
    "a variable with a key of AWS": dev("service", "environment:", f"  FOO: {AWS_KEY}"),
    "a variable with a token": dev("service", "environment:", f"  FOO: {GITHUB_TOKEN}"),
    "a variable with a private key": dev(
        "service", "environment:", '  FOO: "-----BEGIN PRIVATE KEY-----hunter2"'
    ),
    "a team that is a key": DEV.replace(
        "  arca-api:stage", f"    team: {AWS_KEY}\n  arca-api:stage"
    ),
    "an address with a token": dev(
        "observability", "repository_url: https://user:hunter2@github.com/x"
    ),
    "a secret in a wrong place": dev("cache", f"nodes: {AWS_KEY}"),
    "a variable that finds programs": dev("service", "environment:", "  PATH: /tmp"),
    "a variable that loads a library": dev("service", "environment:", "  LD_PRELOAD: /tmp/x.so"),
    "a variable that finds modules": dev("service", "environment:", "  PYTHONPATH: /tmp"),
    "a variable that the platform sets": dev("service", "environment:", "  DATABASE_HOST: x"),
    # Keys that do not go together.
    "memory that Fargate does not have": dev("service", "cpu: 256", "memory_mib: 4096"),
    "a collector as big as its task": dev(
        "service", "cpu: 256", "memory_mib: 512", "collector: {cpu: 256}"
    ),
    "a collector bigger than its task": dev(
        "service", "cpu: 256", "memory_mib: 512", "collector: {cpu: 512, memory_mib: 1024}"
    ),
    "a collector that takes all the memory": dev(
        "service", "cpu: 256", "memory_mib: 512", "collector: {memory_mib: 512}"
    ),
    "two limits of a path": dev(
        "edge",
        "rate_limits:",
        "  - {path: /v1/auth, requests: 20}",
        "  - {path: /v1/auth, requests: 10}",
    ),
    "a shell without its paths": dev("service", "execute_command: true"),
    "a canary of one task": dev("service", "deployment:", "  strategy: canary"),
    "more tasks than the maximum": dev("service", "scaling:", "  min_tasks: 3", "  max_tasks: 2"),
    "a schedule above its maximum": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "rate(1 day)", min_tasks: 3, max_tasks: 2}',
    ),
    "two schedules of a name": dev(
        "service",
        "scaling:",
        "  schedules:",
        '    - {name: day, schedule: "rate(1 day)", min_tasks: 1, max_tasks: 2}',
        '    - {name: day, schedule: "rate(2 days)", min_tasks: 1, max_tasks: 2}',
    ),
    "a base above the maximum": dev("service", "fargate:", "  on_demand_base: 3"),
    "no capacity": dev("service", "fargate:", "  on_demand_weight: 0"),
    "room to grow that is none": dev("database", "storage_gib: 200"),
    "two sources": dev(
        "database",
        "source:",
        "  kind: point-in-time",
        "  source_instance_id: x",
        "  source_backups_arn: y",
    ),
    "no source": dev("database", "source:", "  kind: point-in-time"),
    "a managed password with replicas": dev(
        "database", "managed_password: true", "read_replicas: 1"
    ),
    "a managed password with upgrades on a copy": dev(
        "database", "managed_password: true", "blue_green_upgrades: true"
    ),
    "failover without a second node": dev("cache", "multi_az: true"),
    "one of Slack's ids": dev("alerting", "slack_team_id: T024BE7LD"),
    "one of two repositories": dev("delivery", "infra_repository: acme/infra"),
    "review stacks of no repository": dev("delivery", "review_stacks: true"),
    "zones out of order": dev("network", "zones: [b, a]"),
    "one zone": dev("network", "zones: [a]"),
    "a zone that no region has": dev("network", "zones: [a, z]"),
    # Rules between sections.
    "a zone that the region lacks": dev("network", "zones: [a, d]"),
    "no way out of the network": dev("network", "nat: none"),
    "a pool that does not fit": dev("service", "pool_size: 120"),
    "more tasks than a target group takes": DEV
    + "  arca-api:database: {proxy: true}\n  arca-api:service: {scaling: {max_tasks: 501}}\n",
    "tasks that stop before they are drained": dev("service", "stop_seconds: 30"),
    "a health check that overlaps the next": dev("load_balancer", "health_timeout_seconds: 15"),
    "a proxy that keeps more than it may": dev("proxy", "max_connections_percent: 40"),
    "failover without a second region": dev("dns", "failover: true"),
    "a phase of a primary": dev("recovery", "phase: active"),
    "copies in the same region": dev("recovery", "replica_region: sa-east-1"),
    "a replica that is a primary": dev("database", "source:", "  kind: replica"),
    "mutual TLS in another's zone": dev("edge", "owns_zone: false"),
    "review stacks outside of dev": DEV.replace("stage: dev", "stage: staging")
    + "  arca-api:delivery: {infra_repository: acme/infra, application_repository: acme/api,\n"
    + "    review_stacks: true}\n",
    "more than a free zone has": dev("edge", "plan: free"),
    "periods of a higher plan": dev(
        "edge",
        "plan: pro",
        "rate_limits:",
        "  - {path: /v1/auth, requests: 20, period_seconds: 300, timeout_seconds: 86400}",
    ),
    "a period that Cloudflare does not have": dev(
        "edge",
        "rate_limits:",
        "  - {path: /v1/auth, requests: 20, period_seconds: 50}",
    ),
    "an exception that is none": dev(
        "edge",
        "plan: business",
        "rate_limits:",
        "  - {path: /v1/auth, requests: 20}",
        "  - {path: /v1, requests: 600}",
        "  - {path: /v1/reports, requests: 900}",
    ),
    "everything blocked": dev("edge", "blocked_paths: [/]"),
    "the API blocked": dev("edge", "blocked_paths: [/v1]"),
    "the health checks blocked": dev("edge", "blocked_paths: [/health]"),
    "the probe blocked": dev("edge", "blocked_paths: [/v1/status]"),
    "the probe's own path blocked": DEV
    + "  arca-api:edge: {blocked_paths: [/v1/inner]}\n"
    + "  arca-api:probe: {business_path: /v1/inner/status}\n",
    "everything cached": dev("edge", "cache_paths: [/]"),
    "customers' answers cached": dev("edge", "cache_paths: [/docs, /v1/invoices]"),
    "a beginning of the API cached": dev("edge", "cache_paths: [/v]"),
    "the health checks cached": dev("edge", "cache_paths: [/health]"),
    "no limit for passwords": dev("edge", "rate_limits:", "  - {path: /v1, requests: 600}"),
    "a firewall that is narrower than the edge": dev("firewall", "requests_per_5_minutes: 1000"),
    "a range of another stack": dev("network", "cidr: 10.30.0.0/16"),
    # Production and its second region.
    "one zone's database in prod": PROD + PROD_NETWORK + "  arca-api:database: {backup_days: 14}\n",
    "few backups in prod": PROD
    + PROD_NETWORK
    + "  arca-api:database: {multi_az: true, backup_days: 7}\n",
    "one NAT gateway in prod": PROD + PROD_DATABASE,
    "prod that is not protected": (PROD + PROD_NETWORK + PROD_DATABASE).replace(
        "protected: true", "protected: false"
    ),
    "prod that is disposable": PROD
    + PROD_NETWORK
    + PROD_DATABASE
    + "  arca-api:disposable: true\n",
    "one node in prod": (PROD + PROD_NETWORK + PROD_DATABASE).replace(
        "{nodes: 2, multi_az: true}", "{nodes: 1}"
    ),
    "prod on Spot": PROD
    + PROD_NETWORK
    + PROD_DATABASE
    + "  arca-api:service: {scaling: {min_tasks: 3, max_tasks: 9}, fargate: {spot_weight: 1}}\n",
    "prod without backups": PROD.replace(BACKUPS, "") + PROD_NETWORK + PROD_DATABASE,
    "backups beside the database's own": dev("backups", "enabled: true", "window: 05:30-06:30"),
    "backups during the maintenance": dev("backups", "enabled: true", "window: 08:00-09:00"),
    "a short time to begin a backup": dev("backups", "enabled: true", "window: 10:00-10:59"),
    "months that end before days": dev("backups", "daily_days: 60", "monthly_days: 59"),
    "locked backups of a stack that goes": f"{DEV}  arca-api:disposable: true\n{BACKUPS}",
    "short audit in prod": PROD
    + PROD_NETWORK
    + PROD_DATABASE
    + "  arca-api:storage: {audit_lock_days: 30}\n",
    "a managed password with a second region": PROD
    + PROD_NETWORK
    + "  arca-api:database: {multi_az: true, backup_days: 14, managed_password: true}\n"
    + RECOVERY,
    "upgrades on a copy with a second region": PROD
    + PROD_NETWORK
    + "  arca-api:database: {multi_az: true, backup_days: 14, blue_green_upgrades: true}\n"
    + RECOVERY,
    "a second region without its primary": DR
    + DR_NETWORK
    + DR_DNS
    + "  arca-api:recovery: {role: secondary}\n",
    "a second region of a stack that is none": DR
    + DR_NETWORK
    + DR_DNS
    + DR_RECOVERY.replace("prod", "prdo"),
    "a second region with its primary's range": DR
    + DR_DNS
    + DR_RECOVERY
    + "  arca-api:network: {nat: per-zone, cidr: 10.30.0.0/16}\n",
    "a second region that thinks of another range": DR
    + DR_NETWORK
    + DR_DNS
    + DR_RECOVERY.replace("10.30", "10.31"),
    "a second region that copies on": DR
    + DR_NETWORK
    + DR_DNS
    + DR_RECOVERY.replace("{role", "{replica_region: sa-east-1, role"),
    "a second region without failover": DR + DR_NETWORK + DR_RECOVERY,
    "a second region in another account": (DR + DR_REST).replace("123456789012", "210987654321"),
    "a second region with another domain": (DR + DR_REST).replace("domain: acme", "domain: acne"),
    "a second region of another zone": (DR + DR_REST).replace("_zone_id: abc", "_zone_id: cba"),
    "a second region of another customer": (DR + DR_REST).replace("_id: 012", "_id: 210"),
    "a second region of another stage": (DR + DR_REST).replace("stage: prod", "stage: staging"),
    "a second region where no copies are": (DR + DR_REST).replace("us-east-1", "sa-east-1"),
    "a second region with a small database": (DR + DR_REST).replace(
        "{multi_az", "{instance_class: db.t4g.small, multi_az"
    ),
    "a second region with little room": (DR + DR_REST).replace(
        "{multi_az", "{storage_max_gib: 199, multi_az"
    ),
    "a second region of another version": (DR + DR_REST).replace(
        "{multi_az", '{engine_version: "16.10", multi_az'
    ),
    # Several at once.
    "everything at once": dev("service", "prot: 1", "cpu: 300", "environment: {A_B: 1}")
    + "  arca-api:network: {zones: [a]}\n  arca-api:cache: {multi_az: true}\n  extra: {}\n",
}
"""The text of a wrong file by what is wrong with it."""
UNREADABLE: Mapping[str, bytes] = {
    "no UTF-8": DEV.encode() + b"  arca-api:service: {environment: {NAME: M\xe9xico}}\n",
    "a tab": DEV.encode() + b"  arca-api:network:\n\tzones: [a, b]\n",
    "an open bracket": DEV.encode() + b"  arca-api:network: {zones: [a, b}\n",
    "too many brackets": b"config: " + b"[" * 5000,
    "a billion laughs": DEV.encode()
    + b"  arca-api:network: {zones: [&a [a, a, a, a, a, a, a, a, a, a]"
    + b"".join(
        b", &%c [%s]" % (letter + 1, b", ".join([b"*%c" % letter] * 10)) for letter in b"abcdefg"
    )
    + b"]}\n",
    "no settings": b"conifg: {}\n",
    "no mapping": b"- a\n",
    "an empty file": b"",
    "a control character": b"config: \x00\n",
}
