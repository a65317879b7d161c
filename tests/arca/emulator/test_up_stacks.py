"""Tests that every real stack comes up in the emulated AWS, checked with plain boto3."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from arca import stackfile
from arca.cli.local import resource_totals
from arca.emulator import server, up
from arca.emulator.state import State
from arca.errors import Refused
from arca.outputs import Outputs
from tests import ROOT
from tests.arca.emulator.local_cloud import client, free_port, listening, quiet
from tests.changes import changed


def check(report: up.UpReport) -> None:
    """Compare what AWS describes with what the stack exports."""
    exports = Outputs.model_validate(report.exports)
    service = client("ecs", report).describe_services(
        cluster=exports.service.cluster, services=[exports.service.name]
    )["services"][0]
    assert exports.service.task_family in service["taskDefinition"]
    rules = client("elbv2", report).describe_rules(RuleArns=[exports.service.production_rule_arn])
    weights = {
        group["TargetGroupArn"]: group["Weight"]
        for group in rules["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    }
    assert weights == {
        exports.service.blue_target_group_arn: 100,
        exports.service.green_target_group_arn: 0,
    }
    green = exports.service.green_target_group_arn
    assert [green.rpartition(":")[2]] == exports.observability.bindings["green"][-1:]
    tags = client("ec2", report).describe_vpcs(VpcIds=[exports.network.vpc_id])["Vpcs"][0]["Tags"]
    assert {"Key": "stack", "Value": report.stack} in tags
    assert {"Key": "component", "Value": "network"} in tags
    group = client("ec2", report).describe_security_groups(
        GroupIds=[exports.network.service_security_group_id]
    )["SecurityGroups"][0]
    open_ingress = [r for rule in group["IpPermissions"] for r in rule["IpRanges"]]
    assert open_ingress == []
    recorded = sum(counts["recorded"] for counts in report.components.values())
    validated = {name for name, counts in report.components.items() if counts["validated"]}
    assert validated <= {
        *(
            "alerting",
            "backups",
            "cache",
            "database",
            "flow-logs",
            "load-balancer",
            "observability",
            "probe",
            "registry",
            "storage",
        )
    }
    # What is recorded are passwords, keys, certificates and providers; of Cloudflare, nothing is.
    of_cloudflare = [counts for name, counts in report.components.items() if "edge" in name]
    assert of_cloudflare
    assert sum(counts["recorded"] for counts in of_cloudflare) == 0
    assert recorded < sum(counts["created"] for counts in report.components.values()) / 20


def shown_in_readme() -> str:
    """Return the line with the numbers of resources in the sample in README.md."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^`(\d+ resources: .*)`$", page, re.MULTILINE)
    return line


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_a_stack_comes_up(stack: str, state: State) -> None:
    """The installed command brings a stack up with its own file, from any folder."""
    words = ("local", "up", "--stack", stack, "--port", str(free_port()), "--json")
    done = subprocess.run(
        # Like the installed command, and unlike a plain -m, it finds nothing through its folder.
        [sys.executable, "-P", "-m", "arca", *words],
        cwd=state.directory.parent,
        env={**os.environ, "ARCA_STATE_DIR": str(state.directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check(up.UpReport(**json.loads(done.stdout)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {
            "network.ipv6": True,
            "network.nat": "regional",
            "database.read_replicas": 1,
            "database.managed_password": False,
            "load_balancer": {"mutual_tls": False},
            "alerting": {
                "pagerduty_key": "0" * 32,
                "slack_team_id": "T0000000000",
                "slack_channel_id": "C0000000000",
                "emails": ["tickets@arca-staging.example"],
            },
            "probe.enabled": False,
            "service.scaling": {
                "min_tasks": 2,
                "max_tasks": 4,
                "schedules": [
                    {"name": "day", "schedule": "cron(0 8 * * ? *)", "min_tasks": 3, "max_tasks": 9}
                ],
            },
        },
        {
            "network.ipv6": True,
            "database.source": {"kind": "point-in-time", "source_instance_id": "arca-before"},
            "service.deployment": {"strategy": "linear"},
            "cache.engine": "redis",
            "cache.engine_version": "7.1",
        },
        {
            "database.source": {"kind": "snapshot", "snapshot_id": "before"},
            "service.deployment": {"strategy": "canary"},
            "service.scaling": {"min_tasks": 2, "max_tasks": 2},
        },
    ],
    ids=["network and schedules", "moment and linear", "snapshot and canary"],
)
def test_options_that_no_stack_switches_on(
    changes: dict[str, Any], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack comes up with options that no committed stack file uses."""

    def stack_config(stack: str) -> dict[str, str]:
        return changed(stack, changes if stack == "staging" else {})

    monkeypatch.setattr(stackfile, "stack_config", stack_config)
    report = up.up("staging", port=free_port(), state=state, watch=quiet)
    Outputs.model_validate(report.exports)


def test_dr_comes_up_beside_prod(state: State) -> None:
    """The stack dr joins prod's cloud; a second run is refused and leaves both as they are."""
    port = free_port()
    prod = up.up("prod", port=port, state=state, watch=quiet)
    check(prod)
    assert shown_in_readme() == resource_totals(prod.components)
    dr = up.up("dr", port=port, state=state, watch=quiet)
    check(dr)
    assert dr.exports["database"]["is_replica"] is True
    replica = client("rds", dr).describe_db_instances(DBInstanceIdentifier="arca-dr")
    source = replica["DBInstances"][0]["ReadReplicaSourceDBInstanceIdentifier"]
    assert source.endswith("arca-prod")
    assert (
        dr.exports["buckets"]["documents"]
        == prod.exports["recovery"]["replica_buckets"]["documents"]
    )
    record, running = up.status(state=state)
    assert running
    assert record is not None
    assert set(record.stacks) == {"prod", "dr"}
    with pytest.raises(Refused, match="dr is up already"):
        up.up("dr", port=port, state=state, watch=quiet)
    assert up.status(state=state) == (record, True)
    up.down(state=state)
    assert not server.alive(record)
    assert not listening(port)
