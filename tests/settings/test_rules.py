"""Rules between sections, at their limits; test_messages.py has the message of each mistake."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import set_all_config

from arca import checkout, stackfile
from arca.errors import Explained
from arca.stackfile import StackFile
from components.access import CloudflareRanges
from settings.load import load, parse, problems_of
from settings.model import Settings
from settings.rules import NEEDED_WITHOUT_NAT
from tests.changes import NO_ROUTES, changed, refusal
from tests.graph import declare
from tests.settings.bad_files import PROD

PLACEHOLDERS: Mapping[str, Any] = {
    "owner": {
        "account_id": "000000000000",
        "domain": "arca-api.example",
        "cloudflare_account_id": "0" * 32,
        "cloudflare_zone_id": "0" * 32,
        "image": "arca-api:placeholder",
        "contact_email": "oncall@arca-api.example",
    },
    "delivery": {
        "infra_repository": "your-org/arca-infra",
        "application_repository": "your-org/arca-api",
    },
    **NO_ROUTES,
}
"""What the committed files hold until an owner fills them in."""
FILLED: Mapping[str, Any] = {
    "owner": {
        "account_id": "123456789012",
        "domain": "acme.com",
        "cloudflare_account_id": "0123456789abcdef0123456789abcdef",
        "cloudflare_zone_id": "abcdef0123456789abcdef0123456789",
        "image": "arca-api:1.0.0",
        "contact_email": "oncall@acme.com",
    },
    "delivery": {
        "infra_repository": "acme/arca-infra",
        "application_repository": "acme/arca-api",
    },
    **NO_ROUTES,
}
"""An owner's values, without a pager."""


def on_aws(stack: str, changes: Mapping[str, Any]) -> str:
    """Return everything that is wrong in a changed stack on AWS."""
    file = StackFile(f"Pulumi.{stack}.yaml", changed(stack, changes))
    return "\n".join(problem.text(file.name) for problem in problems_of(file))


def parsed(stack: str, changes: dict[str, Any]) -> Settings:
    """Return the settings of a stack's file with some values changed."""
    config = changed(stack, changes)
    return parse(StackFile(f"Pulumi.{stack}.yaml", config), emulated=True)


ACCEPTED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("prod", {"database.backup_days": 14}),
    ("prod", {"storage": {"audit_lock_days": 365}}),
    ("prod", {"service.fargate": {"on_demand_base": 3, "spot_weight": 1}}),
    ("prod", {"service.fargate": {"on_demand_base": 0, "spot_weight": 0}}),
    ("prod", {"network.nat": "regional"}),
    ("dev", {"observability.alarms": False}),
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
    ("dev", {"service.environment": {"TOKEN_TTL_SECONDS": "9", "JWT_ISSUER": "https://a.com"}}),
    ("dev", {"service.environment": {"SIGNING_PUBLIC_KEY": "x", "COMPASS": "x"}}),
    ("dev", {"service.environment": {"UPSTREAM": "https://a.com:8443/user@b", "PATHS": "x"}}),
    ("dev", {"disposable": "true"}),
    ("dev", {"service.collector": {"cpu": 255, "memory_mib": 511}}),
    ("dev", {"service.collector": {"enabled": False, "memory_mib": 512}}),
    ("dev", {"edge": {"blocked_paths": ["/v1/admin"], "cache_paths": ["/version"]}}),
    ("dev", {"cache.engine": "redis", "cache.engine_version": "7.1"}),
    ("dev", {"cache.engine_version": "7.2"}),
    ("dev", {"service.health_command": ["CMD-SHELL", "/app/healthcheck"]}),
    ("dev", {"owner.domain": "a.b-c.example"}),
    ("dev", {"edge.owns_zone": False, "load_balancer": {"mutual_tls": False}}),
)


@pytest.mark.parametrize(
    ("stack", "changes"),
    ACCEPTED,
    ids=[f"{stack}-{'-'.join(changes)}" for stack, changes in ACCEPTED],
)
def test_accepted_at_the_limit(stack: str, changes: dict[str, Any]) -> None:
    """A value exactly at its limit is accepted, and so is one whose rule does not apply."""
    assert parsed(stack, changes)


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
    with pytest.raises(Explained, match=wanted):
        parsed(stack, changes)


def test_without_nat_a_task_needs_every_endpoint() -> None:
    """Each endpoint that a task starts through is needed where there is no NAT."""
    for missing in NEEDED_WITHOUT_NAT:
        rest = [name for name in NEEDED_WITHOUT_NAT if name != missing]
        changes = {"network.nat": "none", "network.interface_endpoints": rest}
        with pytest.raises(Explained, match=f"also {missing}, because network.nat is none"):
            parsed("dev", changes)


def test_what_only_aws_refuses_is_marked() -> None:
    """One validation finds it, and the emulated cloud accepts the same file."""
    changes: dict[str, Any] = {"owner.image": "arca-api:placeholder", "alerting": {}}
    file = StackFile("Pulumi.prod.yaml", changed("prod", changes))
    problems = problems_of(file)
    missing = {"owner.image", "alerting.pagerduty_key", "alerting.emails"}
    assert missing <= {one.path for one in problems}
    assert all(one.only_aws for one in problems)
    assert parse(file, emulated=True)
    wrong = StackFile("Pulumi.dev.yaml", changed("dev", {"stage": "stagging"}))
    only_aws = {one.path: one.only_aws for one in problems_of(wrong)}
    assert only_aws["stage"] is False


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_only_production_needs_a_pager(stack: str) -> None:
    """A stack of another stage runs on AWS without an integration key."""
    assert on_aws(stack, FILLED) == ""
    assert "alerting.pagerduty_key is missing" in on_aws("prod", FILLED)


def test_the_whole_message() -> None:
    """The message is exactly this."""
    line = stackfile.read(stackfile.path_of("prod")).line(("database", "multi_az"))
    assert refusal("prod", {"database.multi_az": False}) == (
        "Pulumi.prod.yaml: 1 setting is wrong. Nothing was changed.\n"
        f"  Pulumi.prod.yaml:{line}: arca-api:database.multi_az is false\n"
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
        assert f"arca-api:{path}" in text


def test_a_missing_section_is_named() -> None:
    """The owner's section has no default."""
    config = stackfile.stack_config("dev")
    del config["arca-api:owner"]
    with pytest.raises(Explained, match="arca-api:owner is missing"):
        declare("dev", config)


def test_aws_refuses_every_placeholder_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the emulated run accepts placeholders."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    set_all_config(changed("prod", PLACEHOLDERS))
    with pytest.raises(pulumi.RunError) as raised:
        load()
    text = str(raised.value)
    assert "10 settings are wrong" in text
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


def test_aws_refuses_ranges_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The committed list may be old or wrong, and nobody else than Cloudflare knows."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    set_all_config(changed("dev", FILLED))
    day = date(2026, 1, 1)
    committed = CloudflareRanges.committed()
    for taken_on in (None, day):
        ranges = committed.model_copy(update={"taken_on": taken_on})
        monkeypatch.setattr(CloudflareRanges, "committed", lambda ranges=ranges: ranges)
        if taken_on is None:
            with pytest.raises(pulumi.RunError, match="`arca ranges refresh`, commit the file"):
                load()
        else:
            assert load()


@pytest.mark.parametrize(
    "receiver", [{"emails": ["a@b.com"]}, {"slack_channel_id": "C1", "slack_team_id": "T1"}]
)
def test_somebody_reads_what_pages_nobody(receiver: dict[str, Any]) -> None:
    """Half of production's alarms are SEV3 or SEV4."""
    text = on_aws("prod", {**FILLED, "alerting": receiver})
    assert "alerting.emails" not in text
    assert "alerting.emails is []" in on_aws("prod", FILLED)


def test_no_setting_makes_aws_accept_a_placeholder() -> None:
    """Only the emulated run decides that; a stack's file cannot claim to be emulated."""
    text = on_aws("prod", {**PLACEHOLDERS, "runs_on": "emulated"})
    assert "arca-api:runs_on\n    wanted: no such section" in text
    assert 'owner.account_id is "000000000000"\n    wanted: your own value' in text
    assert not stackfile.runs_emulated.get()


@pytest.mark.parametrize("changes", [{}, {"service.port": "x"}], ids=["a run", "a failed run"])
def test_the_emulated_run_ends(changes: dict[str, Any]) -> None:
    """What runs later in the same process is no emulated run."""
    with suppress(Explained):
        declare("dev", changed("dev", changes))
    assert not stackfile.runs_emulated.get()


@pytest.mark.parametrize("stack", ["dev", "review-7"])
@pytest.mark.parametrize("path", ["cache.nodes", "service.environment.A", "stage"])
def test_a_decrypted_value_is_never_shown(
    path: str, stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pulumi up` delivers it in plain text; a review stack has no file with its line."""
    section, *keys = path.split(".")
    config = changed("dev", {path: "sk_live_SUPERSECRET"})
    content = yaml.safe_load(stackfile.path_of("dev").read_text(encoding="utf-8"))
    place = content["config"]
    for key in (f"arca-api:{section}", *keys)[:-1]:
        place = place.setdefault(key, {})
    place[(f"arca-api:{section}", *keys)[-1]] = {"secure": "v1:abc"}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    set_all_config(config, [f"arca-api:{section}"])
    with pytest.raises(pulumi.RunError) as raised:
        load()
    text = str(raised.value)
    assert "SUPERSECRET" not in text
    where = path if stack == "dev" else section
    assert (
        f"arca-api:{where}\n    wanted: a value in plain text, because this key is not encrypted"
        in text
    )


@pytest.mark.parametrize("stack", ["dev", "review-7"])
def test_a_wrong_decrypted_id_is_not_shown(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloudflare's ids may be encrypted; the message has the key alone."""
    text = stackfile.path_of("dev").read_text(encoding="utf-8")
    text, replaced = re.subn(r"(cloudflare_zone_id: ).*", r"\g<1>{secure: v1:abc}", text, count=1)
    assert replaced
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    config = changed("dev", {"owner.cloudflare_zone_id": "SUPERSECRET"})
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    set_all_config(config, ["arca-api:owner"])
    with pytest.raises(pulumi.RunError) as raised:
        load()
    assert "SUPERSECRET" not in str(raised.value)
    assert "owner.cloudflare_zone_id has a value that is not shown" in str(raised.value)


def test_prod_is_of_the_stage_prod(tmp_path: Path) -> None:
    """Another stage in its file would switch off every rule of production."""
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(PROD.replace("stage: prod", "stage: dev"), encoding="utf-8")
    wrong = [one for one in problems_of(stackfile.read(path)) if one.path == "stage"]
    assert [one.wanted for one in wrong] == ["prod, because the stack is named prod"]
