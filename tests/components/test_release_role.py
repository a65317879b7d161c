"""The role of a release: everything that its commands call, and nothing else."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files as package
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from components.delivery.permissions import IMAGES
from tests import ROOT, commands
from tests.github.workflows import jobs_of
from tests.policies import allows, of_role
from tests.sources import imports
from tests.stacks import STACKS, graph, settings_of

PREFIX = {"elbv2": "elasticloadbalancing"}
"""Services to which IAM gives another name than the SDK."""
NOT_CALLED = {
    # By the publisher's function, in a module that the budget's gate reads too.
    "cloudwatch:PutMetricData",
    # By `arca verify --versions`, which a person types: no release waits for another version.
    "elasticache:DescribeCacheEngineVersions",
    "elasticloadbalancing:DescribeSSLPolicies",
    "rds:DescribeCertificates",
    "rds:DescribeDBEngineVersions",
    "synthetics:DescribeRuntimeVersions",
}
"""What the files call, and no release does."""
BY_OPTION = {"--quotas": ROOT / "arca" / "cli" / "account_quotas.py"}
"""What a command imports only for an option that a person types: no release waits for a quota."""
CALLED_BY_OTHERS = {
    *(f"ecr:{action}" for action in IMAGES),
    *("ecr:GetAuthorizationToken", "iam:PassRole"),
    *("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "kms:Decrypt"),
}
"""Calls that skopeo, ECS and Pulumi make for the release."""


def files() -> Iterator[Path]:
    """Yield every file that the commands of release-stage.yml import, as it types them."""
    scripts = "\n".join(s.get("run", "") for s in jobs_of("release-stage")["release"]["steps"])
    assert [option for option in BY_OPTION if option in scripts] == []
    names = {line.split()[0] for line in commands.ARCA.findall(scripts.replace("\\\n", " "))}
    waiting = [f"arca.cli.{name}" for name in sorted(names)]
    assert len(waiting) >= 5
    seen = set(BY_OPTION.values())
    while waiting:
        path = ROOT.joinpath(*waiting.pop().split(".")).with_suffix(".py")
        if path.is_file() and path not in seen:
            seen.add(path)
            waiting += imports(path)
            yield path


@cache
def called() -> frozenset[str]:
    """Return the IAM actions of every operation that the files name.

    An operation counts when its name appears and any file creates a client of its service. This
    finds too many rather than too few.
    """
    services, names = set[str](), set[str]()
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "client":
                services |= {str(a.value) for a in node.args[1:] if isinstance(a, ast.Constant)}
    assert {"ecs", "ecr", "ssm", "cloudwatch", "logs"} <= services
    return frozenset(
        f"{PREFIX.get(service, service)}:{operation}"
        for service in services
        for operation in _operations(service)
        if xform_name(operation) in names
    )


def _operations(service: str) -> list[str]:
    make: Any = get_session().get_service_model
    return list(make(service).operation_names)


def tasks(stack: str) -> list[dict[str, Any]]:
    """Return the inputs of both task definitions."""
    kind = "aws:ecs/taskDefinition:TaskDefinition"
    return [dict(graph(stack).one(kind, n).inputs) for n in ("service", "service-migrations")]


def resources(stack: str) -> dict[str, list[str]]:
    """Return the resources of each call, as the stack declares them."""
    out = graph(stack).outputs
    here = f"{out['region']}:{settings_of(stack).owner.account_id}"
    ecs, of_service = f"arn:aws:ecs:{here}", f"{out['service']['cluster']}/{out['service']['name']}"
    containers = [one for task in tasks(stack) for one in json.loads(task["containerDefinitions"])]
    given = {s["valueFrom"] for one in containers for s in one.get("secrets", [])}
    parameter = f"arn:aws:ssm:{here}:parameter"
    journal = f"{parameter}/arca-{stack}/operations/release"
    families = [out["service"][key] for key in ("task_family", "migration_family")]
    roles = {task[key] for task in tasks(stack) for key in ("executionRoleArn", "taskRoleArn")}
    logs = {one["logConfiguration"]["options"]["awslogs-group"] for one in containers}
    deployment = f"{ecs}:service-deployment/{of_service}/0123"
    image = [f"arn:aws:ecr:{here}:repository/{out['registry']['repository_name']}"]
    return {
        "ecr:DescribeImageScanFindings": image,
        "ecr:DescribeImages": image,
        "ecs:ContinueServiceDeployment": [deployment],
        "ecs:RegisterTaskDefinition": [f"{ecs}:task-definition/{one}:*" for one in families],
        "ecs:RunTask": [f"{ecs}:task-definition/{family}:7" for family in families],
        "ecs:StopServiceDeployment": [deployment],
        "ecs:StopTask": [f"{ecs}:task/{out['service']['cluster']}/0123"],
        "ecs:UpdateService": [f"{ecs}:service/{of_service}"],
        "iam:GetRole": sorted(roles),
        "logs:GetLogEvents": [
            f"arn:aws:logs:{here}:log-group:{group}:log-stream:api/api/0123" for group in logs
        ],
        "route53:GetHealthCheck": ["arn:aws:route53:::healthcheck/0123"],
        "secretsmanager:DescribeSecret": sorted(
            {":".join(arn.split(":")[:7]) for arn in given if ":secretsmanager:" in arn}
        ),
        "ssm:DeleteParameter": [journal],
        "ssm:GetParameter": [journal],
        "ssm:GetParameters": sorted(arn for arn in given if ":ssm:" in arn),
        "ssm:PutParameter": [journal],
    }


@pytest.mark.parametrize("stack", STACKS)
def test_a_release_may_call_what_it_calls(stack: str) -> None:
    """The role allows each call on the resources that the stack declares."""
    can, known = of_role(graph(stack), "delivery-release"), resources(stack)
    out = graph(stack).outputs
    inside = {
        "aws:RequestedRegion": str(out["region"]),
        "ecs:cluster": cluster(stack),
    }
    assert set(known) <= called()
    if stack == "dr":
        # No migration runs there: the database is a replica of the primary's.
        own = f":task-definition/{out['service']['task_family']}:"
        for action in ("ecs:RegisterTaskDefinition", "ecs:RunTask"):
            known[action] = [one for one in known[action] if own in one]
    for action in sorted(called() - NOT_CALLED):
        listed = known.get(action, ["*"])
        assert listed, action
        for resource in listed:
            assert allows(can, action, resource, inside), (action, resource)


def cluster(stack: str) -> str:
    """Return the ARN of a stack's cluster."""
    out = graph(stack).outputs
    account = settings_of(stack).owner.account_id
    return f"arn:aws:ecs:{out['region']}:{account}:cluster/{out['service']['cluster']}"


def test_aws_limits_a_definition_by_its_family() -> None:
    """As cfn-lint's copy of AWS's Service Authorization Reference says."""
    listed = package("cfnlint").joinpath("data", "AdditionalSpecs", "Policies.json")
    actions = json.loads(listed.read_text(encoding="utf-8"))["ecs"]["Actions"]
    for action in ("registertaskdefinition", "runtask"):
        assert actions[action]["Resources"] == ["task-definition"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_release_registers_and_runs_known_families_only(stack: str) -> None:
    """And no migration in dr: whoever ran `env` as one would read the owner's password of prod."""
    can = of_role(graph(stack), "delivery-release")
    out = graph(stack).outputs
    ecs = f"arn:aws:ecs:{out['region']}:{settings_of(stack).owner.account_id}"
    ours, here = {"ecs:cluster": cluster(stack)}, f"{ecs}:task-definition/"
    service, migrations = out["service"]["task_family"], out["service"]["migration_family"]
    migrates = stack != "dr"
    register, run = "ecs:RegisterTaskDefinition", "ecs:RunTask"
    assert allows(can, register, f"{here}{service}:*")
    assert allows(can, register, f"{here}{migrations}:*") == migrates
    assert allows(can, run, f"{here}{migrations}:7", ours) == migrates
    # The smoke tests of a paused deployment.
    assert allows(can, run, f"{here}{service}:7", ours)
    assert not allows(can, run, f"{here}{service}:7", {"ecs:cluster": f"{ecs}:cluster/default"})
    assert not allows(can, run, f"{here}{service}:7")
    for other in ("evil", f"{service}-2", "arca-elsewhere-api"):
        assert not allows(can, register, f"{here}{other}:*"), other
    assert not allows(can, register, "*")


def test_a_release_may_migrate_where_dr_serves() -> None:
    """After a failover its database is the customers', and its image is copied as prod's was."""
    active = graph("dr", {"recovery.phase": "active"})
    can, out = of_role(active, "delivery-release"), active.outputs
    here = f"{out['region']}:{settings_of('dr').owner.account_id}"
    family = f"arn:aws:ecs:{here}:task-definition/{out['service']['migration_family']}"
    assert allows(can, "ecs:RegisterTaskDefinition", f"{family}:*")
    assert allows(can, "ecs:RunTask", f"{family}:7", {"ecs:cluster": cluster("dr")})
    repository = f"arn:aws:ecr:{here}:repository/{out['registry']['repository_name']}"
    assert allows(can, "ecr:PutImage", repository, {"aws:RequestedRegion": str(out["region"])})


@pytest.mark.parametrize("stack", STACKS)
def test_a_release_may_call_nothing_else(stack: str) -> None:
    """The policy names no action that nothing calls."""
    wanted = called() | CALLED_BY_OTHERS
    for statement in of_role(graph(stack), "delivery-release"):
        for action in statement["Action"]:
            beginning = action.rstrip("*")
            assert any(one == action or one.startswith(beginning) for one in wanted), action
            assert "*" not in action or beginning.endswith((":Describe", ":List")), action


@pytest.mark.parametrize("stack", STACKS)
def test_a_release_does_what_a_release_does(stack: str) -> None:
    """The role allows each call of `arca deploy` on this stack, and on no other."""
    can = of_role(graph(stack), "delivery-release")
    here, inside = (
        f"{graph(stack).outputs['region']}:{settings_of(stack).owner.account_id}",
        {"aws:RequestedRegion": graph(stack).outputs["region"]},
    )
    name, other = f"arca-{stack}", "arca-elsewhere"
    assert allows(can, "ecs:DescribeServices", "*", inside)
    assert not allows(can, "ecs:DescribeServices", "*", {"aws:RequestedRegion": "eu-west-1"})
    for action, kind in (
        ("ecs:UpdateService", "service/{}/api"),
        ("ecs:StopServiceDeployment", "service-deployment/{}/api/1"),
        ("ecs:ContinueServiceDeployment", "service-deployment/{}/api/1"),
        ("ecs:StopTask", "task/{}/0123"),
    ):
        assert allows(can, action, f"arn:aws:ecs:{here}:{kind.format(name)}"), action
        assert not allows(can, action, f"arn:aws:ecs:{here}:{kind.format(other)}"), action
    registry = graph(stack).outputs["registry"]["repository_name"]
    repository = f"arn:aws:ecr:{here}:repository/{registry}"
    for action in ("DescribeImages", "DescribeImageScanFindings", "PutImage"):
        assert allows(can, f"ecr:{action}", repository)
        assert not allows(can, f"ecr:{action}", f"arn:aws:ecr:{here}:repository/{other}-api")
    parameter = f"arn:aws:ssm:{here}:parameter/{name}"
    assert allows(can, "ssm:PutParameter", f"{parameter}/operations/release")
    assert not allows(can, "ssm:PutParameter", f"{parameter}/DATABASE_HOST")
    for group, ours in ((name, True), (other, False)):
        stream = f"arn:aws:logs:{here}:log-group:/{group}/api:log-stream:api/api/0123"
        assert allows(can, "logs:GetLogEvents", stream) == ours
        assert not allows(can, "logs:FilterLogEvents", stream)
    secret = f"arn:aws:secretsmanager:{here}:secret:{name}/database-owner-abcdef"
    assert not allows(can, "secretsmanager:GetSecretValue", secret)
    for action, beginning in (
        ("ssm:GetParameter", f"arn:aws:ssm:{here}:parameter/"),
        ("ssm:GetParameters", f"arn:aws:ssm:{here}:parameter/"),
        ("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:{here}:secret:"),
    ):
        assert allows(can, action, f"{beginning}{name}/x")
        # Another stack's, one that only begins likewise, and the account's own.
        for others in (f"{other}/x", f"{name}-2/x", "x"):
            assert not allows(can, action, f"{beginning}{others}"), (action, others)


@pytest.mark.parametrize("stack", STACKS)
def test_a_release_cannot_touch_iam(stack: str) -> None:
    """It passes only the tasks' roles, and only to ECS tasks."""
    statements = of_role(graph(stack), "delivery-release")
    actions = {a for s in statements for a in s["Action"] if a.startswith("iam:")}
    assert actions == {"iam:PassRole", "iam:GetRole"}
    states = graph(stack).states
    tasks = {"service-execution", "service-task"}
    tasks |= {"service-migration-execution", "service-migration"} if stack != "dr" else set()
    to_tasks = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    seen = set[str]()
    for role in graph(stack).of("aws:iam/role:Role"):
        arn = str(states[role.urn]["arn"])
        seen.add(role.name)
        assert allows(statements, "iam:PassRole", arn, to_tasks) == (role.name in tasks), role.name
        assert not allows(statements, "iam:PassRole", arn)
        assert not allows(
            statements, "iam:PassRole", arn, {"iam:PassedToService": "lambda.amazonaws.com"}
        )
    assert tasks < seen
