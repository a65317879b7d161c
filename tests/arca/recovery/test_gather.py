"""What is asked of AWS about a standby, and what each answer becomes."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, get_args

import boto3
import pytest

from arca.check import Check as NamedCheck
from arca.outputs import Outputs, ReplicatedSecret
from arca.recovery import gather as gathering
from arca.recovery import records
from arca.recovery.budgets import PhaseName
from arca.recovery.check_tree import Check
from arca.recovery.facts import Facts, Lever, NotAsked, Replica, Secret, Waiting
from arca.recovery.journal_entry import Entry
from arca.recovery.permissions import STEPS, resources
from arca.recovery.readiness import readiness
from arca.recovery.record import phase
from arca.stack import Stack
from tests.arca.recovery.aws import UNANSWERED, Answer, ScriptedAws
from tests.arca.recovery.records import record, restore_test
from tests.stacks import graph

NOW = datetime(2026, 12, 1, tzinfo=UTC)
VERSION = "v" * 32
ROLE = "arn:aws:iam::123456789012:role/arca/operator"


COPIED: Mapping[str, Any] = {
    "VersionIdsToStages": {VERSION: ["AWSCURRENT"]},
    "PrimaryRegion": "sa-east-1",
}


@cache
def stack(name: str, endpoint: str | None = None) -> Stack:
    """Return a real stack's exports."""
    outputs = graph(name).outputs
    return Stack(name, Outputs.model_validate(outputs), endpoint)


def metric(**values: float) -> Mapping[str, Any]:
    """Return CloudWatch's values by minutes ago: `m3=7` is 7 three minutes ago."""
    points = [
        {"Timestamp": NOW - timedelta(minutes=int(ago[1:])), "Maximum": value}
        for ago, value in values.items()
    ]
    return {"Datapoints": points}


COPIES = sorted(get_args(ReplicatedSecret))


def simulated(*denied: str) -> Mapping[str, Any]:
    """Return IAM's verdict about every action."""
    names = {action for needs in STEPS.values() for need in needs for action in need.actions}
    return {
        "EvaluationResults": [
            {"EvalActionName": one, "EvalDecision": "implicitDeny" if one in denied else "allowed"}
            for one in sorted(names)
        ]
    }


def answers() -> dict[str, Answer]:
    """Return what AWS says about a good standby."""
    outputs = stack("dr").outputs
    container = {"image": f"{outputs.registry.repository_url}:1.2.3"}
    database: Mapping[str, Any] = {
        "DBInstanceStatus": "available",
        "ReadReplicaSourceDBInstanceIdentifier": "arn:aws:rds:sa-east-1:1:db:arca-prod",
    }
    return {
        "DescribeDBInstances": {"DBInstances": [database]},
        "GetMetricStatistics": metric(m9=400, m1=2),
        "DescribeDBInstanceAutomatedBackups": {
            "DBInstanceAutomatedBackups": [
                {"RestoreWindow": {"LatestTime": NOW - timedelta(minutes=8)}},
                {"RestoreWindow": {"LatestTime": NOW - timedelta(days=9)}},
                {},
            ]
        },
        "DescribeDBSnapshots": {
            "DBSnapshots": [
                {"Status": "available", "SnapshotCreateTime": NOW - timedelta(hours=30)},
                {
                    "Status": "available",
                    "SnapshotCreateTime": NOW - timedelta(hours=1),
                    "OriginalSnapshotCreateTime": NOW - timedelta(hours=3),
                },
                {"Status": "creating", "SnapshotCreateTime": NOW},
            ]
        },
        "DescribeTaskDefinition": {
            "taskDefinition": {"containerDefinitions": [{"image": "collector:1"}, container]}
        },
        "DescribeImages": {"imageDetails": [{"imageDigest": "sha256:1"}]},
        "DescribeSecret": COPIED,
        "GetParameter": "ParameterNotFound",
        "DescribeKey": {"KeyMetadata": {"KeyId": "k", "KeyState": "Enabled"}},
        "DescribeListeners": {
            "Listeners": [
                {"Certificates": [{"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"}]},
                {"Certificates": [{"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"}]},
            ]
        },
        "DescribeCertificate": {
            "Certificate": {
                "DomainName": "api.arca.example",
                "Status": "ISSUED",
                "NotAfter": NOW + timedelta(days=200),
            }
        },
        "GetHealthCheck": lever(inverted=False),
        "DescribeTargetHealth": {
            "TargetHealthDescriptions": [
                {"TargetHealth": {"State": "healthy"}},
                {"TargetHealth": {"State": "draining"}},
            ]
        },
        "GetObject": {"Body": io.BytesIO(b"{")},
        "GetCallerIdentity": {"Arn": "arn:aws:sts::123456789012:assumed-role/operator/ana"},
        "GetRole": {
            "Role": {
                "Path": "/arca/",
                "RoleName": "operator",
                "RoleId": "A" * 16,
                "Arn": ROLE,
                "CreateDate": NOW,
            }
        },
        "SimulatePrincipalPolicy": simulated(),
    }


def journal(kind: str, *done: PhaseName, days: float = 0) -> Mapping[str, Any]:
    """Return SSM's answer about a journal whose last phase ended some days ago."""
    when = NOW - timedelta(days=days)
    entry = Entry.model_validate(
        {
            "kind": kind,
            "run": "1",
            "operator": "ana",
            "primary": "prod",
            "secondary": "dr",
            "declared": when - timedelta(days=30),
            "beat": when,
            "phases": [phase(name, when, when, outcome="OK", seen="") for name in done],
        }
    )
    value = {"Name": "j", "Value": entry.text(), "Version": 1, "LastModifiedDate": when}
    return {"Parameter": value}


def lever(*, inverted: bool) -> Mapping[str, Any]:
    """Return Route 53's answer about the lever."""
    config = {"Type": "CALCULATED", "Inverted": inverted}
    return {
        "HealthCheck": {
            "Id": "hc",
            "CallerReference": "c",
            "HealthCheckVersion": 1,
            "HealthCheckConfig": config,
        }
    }


@pytest.fixture
def drills(tmp_path: Path) -> Path:
    """Return a directory with a drill and a restore test on AWS that passed."""
    folder = tmp_path / "drills"
    for one in (record, restore_test):
        records.write(one(environment="aws", endpoint=None), folder)
    return folder


def gather(
    monkeypatch: pytest.MonkeyPatch, drills: Path, **changes: Answer
) -> tuple[Facts, ScriptedAws]:
    """Return the facts that AWS's answers become."""
    aws = ScriptedAws(**{**answers(), **changes}).use(monkeypatch)
    return gathering.gather(stack("dr"), primary(), now=NOW, drills=drills), aws


def primary() -> Stack:
    """Return prod with a lever in its exports."""
    outputs = stack("prod").outputs
    edge = outputs.edge.model_copy(update={"failover_lever_id": "hc"})
    return replace(stack("prod"), outputs=outputs.model_copy(update={"edge": edge}))


def red(facts: Facts) -> list[Check]:
    """Return the checks that failed."""
    return [one for one in readiness(facts).leaves() if one.outcome == "FAILED"]


def test_a_good_standby_is_ready(monkeypatch: pytest.MonkeyPatch, drills: Path) -> None:
    """The newest value counts, and only the standby's region is asked."""
    facts, aws = gather(monkeypatch, drills)
    assert red(facts) == []
    minute = NOW - timedelta(minutes=1)
    replica = Replica("arca-dr", "available", follows=True, lag_seconds=2, lag_at=minute)
    assert facts.replica == replica
    assert facts.newest_restorable == NOW - timedelta(minutes=8)
    assert facts.last_copied_backup == NOW - timedelta(hours=3)
    assert facts.lever == Lever("hc", exists=True, pulled=False)
    assert facts.healthy_targets == 2
    assert isinstance(facts.secrets, tuple)
    assert len(facts.secrets) == 5
    assert isinstance(facts.certificates, tuple)
    assert len(facts.certificates) == 1
    assert isinstance(facts.replication_latency, dict)
    assert list(facts.replication_latency.values()) == [2, 2]
    assert {region for region, _ in aws.asked} == {"us-east-1"}
    assert {operation for _, operation in aws.asked} == set(answers())


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"DescribeDBInstances": "DBInstanceNotFound"}, ["status", "replication", "lag"]),
        (
            {"DescribeDBInstances": {"DBInstances": [{"DBInstanceStatus": "available"}]}},
            ["replication"],
        ),
        ({"GetMetricStatistics": metric()}, ["lag"]),
        ({"GetMetricStatistics": metric(m1=900)}, ["lag"]),
        (
            {"DescribeDBInstanceAutomatedBackups": "DBInstanceAutomatedBackupNotFound"},
            ["newest restorable time"],
        ),
        ({"DescribeDBSnapshots": {"DBSnapshots": []}}, ["last copied backup"]),
        ({"DescribeImages": "ImageNotFoundException"}, ["image"]),
        ({"DescribeImages": "RepositoryNotFoundException"}, ["image"]),
        ({"DescribeSecret": "ResourceNotFoundException"}, sorted(stack("dr").outputs.secret_arns)),
        ({"DescribeSecret": {}}, sorted(stack("dr").outputs.secret_arns)),
        (
            {
                "DescribeSecret": {
                    "DeletedDate": NOW,
                    "VersionIdsToStages": {VERSION: ["AWSCURRENT"]},
                }
            },
            sorted(stack("dr").outputs.secret_arns),
        ),
        # A secret of its own is no copy; the cache's token has none.
        (
            {"DescribeSecret": {**COPIED, "PrimaryRegion": "us-east-1"}},
            COPIES,
        ),
        ({"DescribeSecret": {"VersionIdsToStages": COPIED["VersionIdsToStages"]}}, COPIES),
        ({"DescribeKey": "NotFoundException"}, sorted(stack("dr").outputs.key_arns)),
        ({"GetHealthCheck": "NoSuchHealthCheck"}, ["lever"]),
        ({"GetHealthCheck": lever(inverted=True)}, ["lever"]),
        ({"DescribeTargetHealth": {"TargetHealthDescriptions": []}}, ["targets"]),
        ({"GetObject": "NoSuchKey"}, ["state in s3://arca-state-000000000000/"] * 2),
        ({"SimulatePrincipalPolicy": simulated("rds:PromoteReadReplica")}, ["promote"]),
        ({"SimulatePrincipalPolicy": simulated("s3:PutObject")}, ["update"]),
        ({"SimulatePrincipalPolicy": simulated("iam:PutRolePolicy")}, ["activate"]),
        (
            {"SimulatePrincipalPolicy": simulated("rds:CreateDBInstanceReadReplica")},
            ["fail back"],
        ),
        ({"GetParameter": journal("failover")}, ["recovery"]),
        ({"GetParameter": journal("failback", "verify", days=8)}, ["recovery"]),
    ],
)
def test_what_is_missing_is_red(
    monkeypatch: pytest.MonkeyPatch, drills: Path, changes: dict[str, Answer], failed: list[str]
) -> None:
    """Each answer of AWS makes its own checks fail."""
    facts, _ = gather(monkeypatch, drills, **changes)
    found = [one.name for one in red(facts)]
    assert len(found) == len(failed)
    assert all(name.startswith(start) for name, start in zip(found, failed, strict=True))


@pytest.mark.parametrize(
    ("changes", "told", "do"),
    [
        ({"DescribeKey": "AccessDeniedException"}, "AccessDenied", "use the operator's role"),
        ({"DescribeDBInstances": UNANSWERED}, "AWS does not answer", "check the network"),
        ({"DescribeListeners": "Throttling"}, "Throttling", "see the message above"),
        ({"SimulatePrincipalPolicy": "AccessDenied"}, "AccessDenied", "use the operator's role"),
    ],
)
def test_a_call_that_fails_makes_its_check_fail(
    monkeypatch: pytest.MonkeyPatch, drills: Path, changes: dict[str, Answer], told: str, do: str
) -> None:
    """The others are made all the same: one missing permission hides nothing."""
    facts, aws = gather(monkeypatch, drills, **changes)
    (check,) = red(facts)
    assert told in check.seen
    assert (check.wanted, check.do) == ("an answer of the healthy region", do)
    assert len({name for _, name in aws.asked}) > 10


def test_a_primary_whose_exports_are_lost_is_skipped(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """What needs them says why; the rest is checked."""
    ScriptedAws(**answers()).use(monkeypatch)
    lost = NotAsked("the exports of prod cannot be read")
    facts = gathering.gather(stack("dr"), lost, now=NOW, drills=drills)
    tree = readiness(facts)
    why = [one.name for one in tree.leaves() if one.seen == lost.why]
    assert why == ["newest restorable time", "last copied backup", "lever"]
    assert tree.outcome == "OK"


def test_the_emulated_cloud_has_neither_state_nor_policies(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """Neither is asked for, and a drill in the emulated cloud counts."""
    aws = ScriptedAws(**answers()).use(monkeypatch)
    emulated = stack("dr", "http://127.0.0.1:1")
    facts = gathering.gather(emulated, primary(), now=NOW, drills=drills)
    assert (facts.states, facts.permissions) == (gathering.EMULATED, gathering.EMULATED)
    assert not {"GetObject", "SimulatePrincipalPolicy"} & {name for _, name in aws.asked}


def test_a_lag_that_rds_does_not_know_is_none(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """It says -1 then, which is less than any limit."""
    facts, _ = gather(monkeypatch, drills, GetMetricStatistics=metric(m1=-1))
    assert isinstance(facts.replica, Replica)
    assert (facts.replica.lag_seconds, facts.replica.lag_at) == (None, None)
    assert [one.name for one in red(facts)] == ["lag"]


def test_quotas_are_asked_for_only_on_request(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """They take long: the stacks are recorded for them."""
    facts, _ = gather(monkeypatch, drills)
    assert facts.quotas == NotAsked("add --quotas to ask for them")
    known = [NamedCheck("quota", "OK", "enough")]
    facts = gathering.gather(stack("dr"), primary(), now=NOW, drills=drills, quotas=lambda: known)
    assert facts.quotas == tuple(known)


@pytest.mark.parametrize(("files", "told"), [({}, "none has passed"), ({"bad.json": "{"}, "JSON")])
def test_a_drill_without_a_good_record_is_red(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], told: str
) -> None:
    """No record, or one that somebody damaged."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    facts, _ = gather(monkeypatch, tmp_path)
    checks = red(facts)
    assert [one.name for one in checks] == ["drill", "restore test"]
    assert all(told in one.seen for one in checks)


def test_a_user_is_simulated_under_its_own_name(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """Only a role's session needs its role to be looked up."""
    user = {"Arn": "arn:aws:iam::123456789012:user/ana"}
    _, aws = gather(monkeypatch, drills, GetCallerIdentity=user)
    assert "GetRole" not in {name for _, name in aws.asked}


SERVICES = {"elasticloadbalancing": "elbv2"}


@pytest.mark.parametrize(
    "action",
    sorted(
        {one for needs in STEPS.values() for need in needs for one in need.actions}
        # IAM has these names alone.
        - {"iam:PassRole", "s3:ListBucket"}
    ),
)
def test_each_action_is_an_operation_of_aws(action: str) -> None:
    """As botocore names it."""
    service, _, operation = action.partition(":")
    model: Any = boto3.session.Session()._session.get_service_model(  # noqa: SLF001
        SERVICES.get(service, service)
    )
    assert operation in model.operation_names


def test_the_secrets_copy_that_failed_is_told(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """Secrets Manager says it where the secret has copies of its own."""
    said = {
        **COPIED,
        "ReplicationStatus": [{"Region": "us-east-1", "Status": "Failed"}],
    }
    facts, _ = gather(monkeypatch, drills, DescribeSecret=said)
    assert isinstance(facts.secrets, tuple)
    assert facts.secrets[0] == Secret(
        facts.secrets[0].name, present=True, has_value=True, in_step=False
    )


def test_a_fail_back_may_wait_for_a_day(monkeypatch: pytest.MonkeyPatch, drills: Path) -> None:
    """It counts from its last phase, and then there is no standby."""
    waits = journal("failback", "switch", "verify", days=0.9)
    facts, _ = gather(monkeypatch, drills, GetParameter=waits)
    since = NOW - timedelta(days=0.9)
    assert facts.recovery == Waiting("failback", "ana", since, "verify", only_clean_up=True)
    assert red(facts) == []
    facts, _ = gather(monkeypatch, drills, GetParameter=journal("failback", "switch", days=0.9))
    (check,) = red(facts)
    assert "after switch" in check.seen


def test_each_action_is_simulated_on_its_resource(
    monkeypatch: pytest.MonkeyPatch, drills: Path
) -> None:
    """A role may be scoped to the platform's names, and then it may do nothing on `*`."""
    _, aws = gather(monkeypatch, drills)
    bodies = aws.given
    asked = {one["ResourceArns.member.1"] for one in bodies}
    assert asked == set(resources(stack("dr"), primary()).values())
    assert len(bodies) == len(asked)
    by_arn = {one["ResourceArns.member.1"]: one for one in bodies}
    promoted = by_arn[stack("dr").outputs.database.arn]
    assert "rds:PromoteReadReplica" in promoted.values()
    assert "rds:PromoteReadReplica" not in by_arn["*"].values()
    # The pipeline's policies demand the boundary of whoever creates a role.
    assert f"arn:aws:iam::{stack('dr').outputs.account_id}:policy/arca-boundary" in (
        promoted.values()
    )
    regions = {arn.split(":")[3] for arn in asked if arn.startswith(("arn:aws:ecs", "arn:aws:rds"))}
    assert regions == {"us-east-1", "sa-east-1"}


def test_a_secret_that_is_no_copy_any_more(monkeypatch: pytest.MonkeyPatch, drills: Path) -> None:
    """Nobody says then that its value is the primary's; nor does anybody read a value."""
    facts, aws = gather(
        monkeypatch, drills, DescribeSecret={**COPIED, "PrimaryRegion": "us-east-1"}
    )
    assert {one.seen for one in red(facts)} == {"is no copy of the primary's any more"}
    assert "GetSecretValue" not in {name for _, name in aws.asked}
