"""Settings that are refused, each with the message that the operator reads."""

from typing import Any

import pytest

from arca import checkout
from arca.emulator.program import engine, stackfile
from arca.errors import Explained
from settings.load import parse
from settings.rules import NEEDED_WITHOUT_NAT
from tests.changes import changed, refusal
from tests.graph import declare

REJECTED: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("dev", {"netwrok": {}}, "netwrok is {}", "no such key; the sections are stage, region"),
    ("dev", {"network.cdir": "x"}, 'network.cdir is "x"', "no such key"),
    ("dev", {"stage": "{half"}, 'stage is "{half"', "'dev', 'staging' or 'prod'"),
    ("dev", {"network": "wide"}, 'network is "wide"', "a valid dictionary"),
    ("dev", {"stage": "test"}, 'stage is "test"', "'dev', 'staging' or 'prod'"),
    ("dev", {"region": "eu-west-1"}, 'region is "eu-west-1"', "'sa-east-1' or 'us-east-1'"),
    ("dev", {"network.cidr": "10.0.0.0/24"}, "network.cidr", "10.0.0.0/24 must be a private range"),
    ("dev", {"network.cidr": "8.0.0.0/16"}, "network.cidr", "8.0.0.0/16 must be a private range"),
    ("dev", {"network.zones": ["a"]}, "network.zones", "at least 2 items"),
    ("dev", {"network.zones": ["b", "a"]}, "network", "different letters in alphabetical order"),
    (
        "dev",
        {"network.zones": ["a", "d"]},
        'network.zones is ["a", "d"]',
        "letters of a, b, c, the zones of",
    ),
    ("dev", {"network.nat": "none"}, "network.interface_endpoints is []", "also ecr.api, ecr.dkr"),
    ("dev", {"service.cpu": 300}, "service.cpu is 300", "256, 512, 1024"),
    ("dev", {"service.memory_mib": 4096}, "service", "4096 does not go with cpu 256: one of 512, "),
    ("dev", {"service.port": 0}, "service.port is 0", "greater than or equal to 1"),
    (
        "dev",
        {"service.execute_command": True},
        "service",
        "needs /var/lib/amazon, /var/log/amazon in writable_paths",
    ),
    (
        "dev",
        {"service.deployment": {"strategy": "canary"}},
        "service",
        "needs scaling.min_tasks of at least 2, not 1",
    ),
    (
        "dev",
        {"service.scaling": {"min_tasks": 3, "max_tasks": 2}},
        "service.scaling",
        "the minimum 3 must not be above the maximum 2",
    ),
    (
        "dev",
        {"service.scaling": {"max_tasks": 501}, "database.proxy": True},
        "service.scaling.max_tasks is 501",
        "at most 500, half a target group's limit",
    ),
    (
        "dev",
        {"service.pool_size": 60},
        "service.pool_size is 60",
        "at most 52, because a deployment runs 2 tasks twice, 15 connections are reserved, and db.",
    ),
    ("dev", {"service.stop_seconds": 30}, "service.stop_seconds is 30", "at least load_balancer"),
    ("dev", {"database.backup_days": 0}, "database.backup_days is 0", "greater than or equal to 1"),
    (
        "dev",
        {"database.instance_class": "db.x2.big"},
        'database.instance_class is "db.x2.big"',
        "a class whose memory is known, of the families m6g, m7g, r6g, r7g, t4g",
    ),
    ("dev", {"database.storage_max_gib": 22, "database.storage_gib": 22}, "database", "10% above"),
    ("dev", {"database.insights": "none"}, "database.insights", "'standard' or 'advanced'"),
    (
        "dev",
        {"database.source": {"kind": "replica"}},
        'database.source.kind is "replica"',
        "only a secondary is a replica",
    ),
    (
        "dev",
        {"database.source": {"kind": "point-in-time"}},
        "database.source",
        "give either source",
    ),
    (
        "dev",
        {"database.managed_password": True, "database.read_replicas": 1},
        "database",
        "managed_password must be false where there is a replica",
    ),
    (
        "dev",
        {"database.managed_password": True, "database.blue_green_upgrades": True},
        "database",
        "managed_password must be false with blue_green_upgrades",
    ),
    ("dev", {"cache.multi_az": True}, "cache", "multi_az needs nodes of at least 2, not 1"),
    (
        "dev",
        {"proxy": {"max_connections_percent": 40}},
        "proxy.max_idle_percent is 50",
        "at most proxy.max_connections_percent, 40",
    ),
    (
        "dev",
        {"load_balancer": {"health_timeout_seconds": 15}},
        "load_balancer.health_timeout_seconds is 15",
        "below load_balancer.health_interval_seconds, 15",
    ),
    ("dev", {"alerting": {"slack_team_id": "T1"}}, "alerting is", "go together"),
    (
        "dev",
        {"alerting": {"pagerduty_key": [1]}},
        'alerting.pagerduty_key is "(not shown',
        "a valid string",
    ),
    ("dev", {"probe": {"timeout_seconds": 60}}, "probe.timeout_seconds is 60", "or equal to 50"),
    (
        "dev",
        {"observability": {"thresholds": {"p95": 1}}},
        "observability.thresholds.p95 is 1",
        "no such key",
    ),
    ("dev", {"owner.account_id": "12"}, 'owner.account_id is "12"', "match pattern"),
    ("dev", {"owner.image": "a/b:latest"}, "owner.image", "a tag that always means the same image"),
    ("dev", {"dns": {"failover": True}}, "dns.failover is true", "without recovery.replica_region"),
    (
        "dev",
        {"recovery": {"phase": "active"}},
        'recovery.phase is "active"',
        "none, because the role is primary",
    ),
    (
        "dev",
        {"recovery": {"replica_region": "sa-east-1"}},
        'recovery.replica_region is "sa-east-1"',
        "a region other than the stack's own",
    ),
    ("prod", {"database.multi_az": False}, "database.multi_az is false", "true in stage prod"),
    ("prod", {"database.backup_days": 7}, "database.backup_days is 7", "at least 14 in stage prod"),
    ("prod", {"protected": "false"}, "protected is false", "true in stage prod"),
    ("prod", {"cache.multi_az": False}, "cache.multi_az is false", "true in stage prod"),
    (
        "prod",
        {"network.nat": "single"},
        'network.nat is "single"',
        "per-zone or regional in stage prod",
    ),
    (
        "prod",
        {"service.fargate": {"on_demand_base": 0, "spot_weight": 1}},
        "service.fargate.on_demand_base is 0",
        "at least service.scaling.min_tasks, 3",
    ),
    ("prod", {"storage": {"audit_lock_days": 30}}, "storage.audit_lock_days is 30", "at least 365"),
    (
        "prod",
        {"database.managed_password": True},
        "database.managed_password is true",
        "RDS refuses a replica of such an instance",
    ),
    (
        "prod",
        {"database.blue_green_upgrades": True},
        "database.blue_green_upgrades is true",
        "RDS Blue/Green refuses cross-region replicas",
    ),
    (
        "dev",
        {"delivery": {"infra_repository": "acme/arca-infra"}},
        "delivery is",
        "infra_repository and application_repository go together",
    ),
    ("dev", {"delivery": {"review_stacks": True}}, "delivery is", "review_stacks needs"),
    ("dev", {"delivery.infra_repository": "acme"}, 'delivery.infra_repository is "acme"', "match"),
    (
        "dev",
        {"delivery.infra_repository": "acme@12/arca-infra"},
        'delivery.infra_repository is "acme@12/arca-infra"',
        "give both ids or none",
    ),
    (
        "staging",
        {"delivery.review_stacks": True},
        "delivery.review_stacks is true",
        "false in stage staging: only dev has them",
    ),
    ("prod", {"disposable": "true"}, "disposable is true", "false where protected is true"),
    (
        "dev",
        {"edge.owns_zone": False},
        "load_balancer.mutual_tls is true",
        "false where edge.owns_zone is false",
    ),
    ("dr", {"database.multi_az": False}, "database.multi_az is false", "true in stage prod"),
    ("dr", {"protected": "false"}, "protected is false", "true in stage prod"),
    ("dr", {"database.backup_days": 1}, "database.backup_days is 1", "at least 14 in stage prod"),
    (
        "dr",
        {"network.cidr": "10.30.0.0/16"},
        'network.cidr is "10.30.0.0/16"',
        "does not overlap the primary's, 10.30.0.0/16",
    ),
    ("dr", {"recovery.primary_stack": None}, "recovery.primary_stack is missing", "the primary's"),
    ("dr", {"recovery.primary_cidr": None}, "recovery.primary_cidr is missing", "the primary's"),
    (
        "dr",
        {"recovery.replica_region": "sa-east-1"},
        'recovery.replica_region is "sa-east-1"',
        "none, because the role is secondary",
    ),
    (
        "dr",
        {"database.source": {"kind": "new"}, "database.managed_password": True},
        "database.managed_password is true",
        "false where a DR replica follows",
    ),
    (
        "dev",
        {"recovery": {"primary_stack": "prod"}},
        'recovery.primary_stack is "prod"',
        "none, because the role is primary",
    ),
    (
        "dev",
        {"recovery": {"primary_cidr": "10.30.0.0/16"}},
        'recovery.primary_cidr is "10.30.0.0/16"',
        "none, because the role is primary",
    ),
    ("prod", {"disposable": "true", "protected": "false"}, "protected is false", "true in stage"),
    ("dr", {"dns": {"failover": False}}, "dns.failover is false", "one half of the failover pair"),
)


@pytest.mark.parametrize(
    ("stack", "changes", "shown", "wanted"),
    REJECTED,
    ids=[f"{stack}-{'-'.join(changes)}" for stack, changes, _, _ in REJECTED],
)
def test_refused(stack: str, changes: dict[str, Any], shown: str, wanted: str) -> None:
    """The message names the key, its value, and what is accepted."""
    lines = refusal(stack, changes).splitlines()
    assert lines[0] == f"Pulumi.{stack}.yaml: 1 setting is wrong. Nothing was changed."
    assert lines[1].startswith(f"  arca-api:{shown}"), lines[1]
    assert lines[2].startswith("    wanted: ")
    assert wanted in lines[2]
    assert lines[3].startswith(f"Correct Pulumi.{stack}.yaml")


ACCEPTED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("prod", {"database.backup_days": 14}),
    ("prod", {"storage": {"audit_lock_days": 365}}),
    ("prod", {"service.fargate": {"on_demand_base": 3, "spot_weight": 1}}),
    ("prod", {"service.fargate": {"on_demand_base": 0, "spot_weight": 0}}),
    ("prod", {"network.nat": "regional"}),
    ("prod", {"database.managed_password": True, "recovery": {}, "dns": {}}),
    ("prod", {"database.blue_green_upgrades": True, "recovery": {}, "dns": {}}),
    ("staging", {"service.fargate": {"on_demand_base": 0, "spot_weight": 1}}),
    ("staging", {"storage": {"audit_lock_days": 30}}),
    ("dev", {"service.pool_size": 52}),
    # 2 times 3 tasks with 35 connections each, and 15 that are reserved: db.t4g.small has 225.
    ("dev", {"service.pool_size": 35, "service.scaling": {"min_tasks": 1, "max_tasks": 3}}),
    ("dev", {"service.pool_size": 60, "database.proxy": True}),
    ("dev", {"service.scaling": {"max_tasks": 500}, "database.proxy": True}),
    ("dev", {"proxy": {"max_connections_percent": 50}}),
    ("dev", {"load_balancer": {"health_timeout_seconds": 14}}),
    ("dev", {"service.stop_seconds": 40, "load_balancer": {"deregistration_seconds": 40}}),
    ("dev", {"network.nat": "none", "network.interface_endpoints": list(NEEDED_WITHOUT_NAT)}),
    ("dev", {"network.zones": ["b", "c"]}),
    ("dev", {"disposable": "true"}),
    ("dev", {"edge.owns_zone": False, "load_balancer": {"mutual_tls": False}}),
)


@pytest.mark.parametrize(
    ("stack", "changes"),
    ACCEPTED,
    ids=[f"{stack}-{'-'.join(changes)}" for stack, changes in ACCEPTED],
)
def test_accepted_at_the_limit(stack: str, changes: dict[str, Any]) -> None:
    """A value exactly at its limit is accepted, and so is one whose rule does not apply."""
    assert parse(changed(stack, changes), emulated=True)


@pytest.mark.parametrize(
    ("stack", "changes", "wanted"),
    [
        ("prod", {"database.backup_days": 13}, "backup_days is 13\n"),
        ("prod", {"storage": {"audit_lock_days": 364}}, "audit_lock_days is 364\n"),
        ("prod", {"service.fargate": {"on_demand_base": 2, "spot_weight": 1}}, "base is 2\n"),
        ("dev", {"service.pool_size": 53}, "pool_size is 53\n"),
        ("dev", {"proxy": {"max_connections_percent": 49}}, "max_idle_percent is 50\n"),
    ],
)
def test_refused_beyond_the_limit(stack: str, changes: dict[str, Any], wanted: str) -> None:
    """The first value beyond a limit is refused."""
    with pytest.raises(ValueError, match=wanted):
        parse(changed(stack, changes), emulated=True)


def test_without_nat_a_task_needs_every_endpoint() -> None:
    """Each endpoint that a task starts through is needed where there is no NAT."""
    for missing in NEEDED_WITHOUT_NAT:
        rest = [name for name in NEEDED_WITHOUT_NAT if name != missing]
        changes = {"network.nat": "none", "network.interface_endpoints": rest}
        with pytest.raises(ValueError, match=f"also {missing}, because network.nat is none"):
            parse(changed("dev", changes), emulated=True)


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_only_production_needs_a_pager(stack: str) -> None:
    """A stack of another stage runs on AWS without an integration key."""
    with pytest.raises(ValueError, match=r"owner\.account_id") as error:
        parse(stackfile.stack_config(stack), emulated=False)
    assert "pagerduty" not in str(error.value)


def test_the_whole_message() -> None:
    """The message is exactly this."""
    assert refusal("prod", {"database.multi_az": False}) == (
        "Pulumi.prod.yaml: 1 setting is wrong. Nothing was changed.\n"
        "  arca-api:database.multi_az is false\n"
        "    wanted: true in stage prod\n"
        "Correct Pulumi.prod.yaml (docs/configuration.md has every key) and run it again."
    )


def test_everything_wrong_is_said_at_once() -> None:
    """One message reports a wrong key, a wrong value and a broken rule."""
    changes: dict[str, Any] = {
        "service.prot": 1,
        "network.zones": ["a"],
        "cache.multi_az": False,
        "extra": {},
    }
    text = refusal("prod", changes)
    assert text.startswith("Pulumi.prod.yaml: 4 settings are wrong.")
    for path in ("service.prot", "network.zones", "cache.multi_az", "extra"):
        assert f"arca-api:{path} is" in text


def test_a_missing_section_is_named() -> None:
    """The owner's section has no default."""
    config = stackfile.stack_config("dev")
    del config["arca-api:owner"]
    with pytest.raises(Explained, match="arca-api:owner is missing"):
        declare("dev", config)


def test_aws_refuses_every_placeholder_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the emulated run accepts placeholders."""
    monkeypatch.setattr(engine, "EMULATED", {})
    text = refusal("prod", {})
    assert "9 settings are wrong" in text
    for key in ("infra_repository", "application_repository"):
        assert f'arca-api:delivery.{key} is "your-org/' in text
    for key in ("account_id", "domain", "cloudflare_account_id", "cloudflare_zone_id", "image"):
        assert f"arca-api:owner.{key} is" in text
    assert "arca-api:owner.contact_email" in text
    assert 'owner.account_id is "000000000000"\n    wanted: your own value; only `make up`' in text
    assert "\n    wanted: your own repository; only `make up` accepts this placeholder" in text
    assert (
        "arca-api:alerting.pagerduty_key is missing\n    wanted: PagerDuty's integration key"
        in text
    )


def test_no_stack_file_says_where_it_runs() -> None:
    """No file sets the key with which the emulated run accepts placeholders."""
    for stack in checkout.stack_names():
        assert "arca-api:runs_on" not in stackfile.stack_config(stack)
