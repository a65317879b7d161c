"""The pipeline's roles on the real stacks: whom they trust, what they can and cannot do."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import get_session

from arca.emulator.program.engine import Registration
from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket
from components.delivery.delivery import SESSION_SECONDS
from tests import ROOT
from tests.arca.bootstrap.resolved import boundary_document
from tests.github.workflows import loaded, steps
from tests.graph import ACCOUNT, declare
from tests.policies import allows, of_role
from tests.stacks import STACKS, graph
from tests.test_rejected import changed

READ_ONLY: Mapping[str, Any] = {
    "Effect": "Allow",
    "Action": ["*:Get*", "*:List*", "*:Describe*", "logs:FilterLogEvents", "logs:StartQuery"],
    "Resource": "*",
}
"""Wider than AWS's ReadOnlyAccess, so that what stays closed is closed by us."""
EVERYTHING: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BOUNDARY = list(boundary_document(ACCOUNT)["Statement"])
BUCKET = f"arn:aws:s3:::{state_bucket(ACCOUNT)}"
IAM = f"arn:aws:iam::{ACCOUNT}"
OF_STATE_KEY = {"kms:ResourceAliases": [STATE_KEY_ALIAS]}
BOUNDED = {"iam:PermissionsBoundary": boundary_arn(ACCOUNT)}


def roles(stack: str) -> dict[str, Registration]:
    """The pipeline's roles of a stack, by purpose."""
    found = graph(stack).of("aws:iam/role:Role")
    return {
        role.name.removeprefix("delivery-"): role for role in found if role.component == "delivery"
    }


def region(stack: str) -> str:
    """A stack's region."""
    return str(graph(stack).outputs["region"])


@pytest.mark.parametrize("stack", STACKS)
def test_the_roles_are_the_purposes(stack: str) -> None:
    """Review stacks stand in dev's account only."""
    wanted = {"preview", "look", "infra", "release"}
    if stack == "dev":
        wanted |= {"review", "sweep"}
    assert set(roles(stack)) == wanted
    exported = graph(stack).outputs["delivery"]
    assert {key for key, arn in exported.items() if arn} == wanted
    for key, arn in exported.items():
        assert arn == f"{IAM}:role/arca-delivery/arca-{stack}-{key}"


@pytest.mark.parametrize("stack", STACKS)
def test_the_trust_is_exact(stack: str) -> None:
    """One environment of one repository: no branch, no pull request, no pattern."""
    for purpose, role in roles(stack).items():
        repository = "your-org/arca-api" if purpose == "release" else "your-org/arca-infra"
        issuer = "token.actions.githubusercontent.com"
        assert json.loads(role.inputs["assumeRolePolicy"]) == {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"{IAM}:oidc-provider/{issuer}"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            f"{issuer}:aud": "sts.amazonaws.com",
                            f"{issuer}:sub": f"repo:{repository}:environment:{stack}-{purpose}",
                        }
                    },
                }
            ],
        }


def attached(stack: str, purpose: str) -> set[str]:
    """The managed policies of a role."""
    return {
        node.inputs["policyArn"]
        for node in graph(stack).of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if node.name.startswith(f"delivery-{purpose}-")
    }


CHANGES = {"PowerUserAccess", "IAMReadOnlyAccess"}
MANAGED: Mapping[str, set[str]] = {
    "preview": {"ReadOnlyAccess"},
    "look": {"ReadOnlyAccess"},
    "infra": CHANGES,
    "review": CHANGES,
    "sweep": CHANGES,
    "release": set(),
}


@pytest.mark.parametrize("stack", STACKS)
def test_awss_policies_are_these(stack: str) -> None:
    """Whoever changes may use services, and IAM only as its own policy says."""
    for purpose in roles(stack):
        wanted = {f"arn:aws:iam::aws:policy/{name}" for name in MANAGED[purpose]}
        assert attached(stack, purpose) == wanted, purpose


def asked_seconds() -> list[int]:
    """How long the workflows' logins are to last: as the action says, and where a job says else."""
    prepare = loaded(ROOT / ".github" / "actions" / "prepare" / "action.yml")
    (login,) = (s for s in prepare["runs"]["steps"] if "configure-aws" in s.get("uses", ""))
    of_action = login["with"]["role-duration-seconds"]
    name = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", str(of_action))
    if name is None:
        return [int(of_action)]
    given = [step.get("with", {}).get(name[1]) for _, step in steps()]
    return [int(prepare["inputs"][name[1]]["default"]), *(int(one) for one in given if one)]


@pytest.mark.parametrize("stack", STACKS)
def test_a_login_lasts_as_long_as_the_workflows_ask(stack: str) -> None:
    """AWS refuses a login that asks for more than the role's longest."""
    asked = asked_seconds()
    assert asked[0] == SESSION_SECONDS == max(asked)
    for role in roles(stack).values():
        assert role.inputs["maxSessionDuration"] == SESSION_SECONDS, role.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_of_the_platform_is_bounded(stack: str) -> None:
    """Below its stack's path, which the pipeline may change, or the pipeline's own."""
    found = graph(stack).of("aws:iam/role:Role")
    assert len(found) > 10
    for role in found:
        own = "/arca-delivery/" if role.component == "delivery" else f"/arca/{stack}/"
        assert role.inputs["path"] == own
        assert role.inputs["permissionsBoundary"] == boundary_arn(ACCOUNT)


def test_without_repositories_there_are_no_roles() -> None:
    """Both stay out, and the export says so."""
    bare = declare("staging", changed("staging", {"delivery": {}}))
    assert [r for r in bare.of("aws:iam/role:Role") if r.component == "delivery"] == []
    assert bare.outputs.get("delivery") is None


def test_the_trust_takes_githubs_ids() -> None:
    """Repositories made or renamed since July 2026 carry them in the subject of each login."""
    ids = {
        "infra_repository": "acme@12/arca-infra@345",
        "application_repository": "acme@12/arca-api@678",
    }
    declared = declare("staging", changed("staging", {"delivery": ids}))
    for purpose, name in (("infra", "arca-infra@345"), ("release", "arca-api@678")):
        role = declared.one("aws:iam/role:Role", f"delivery-{purpose}")
        condition = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]
        assert condition["StringEquals"]["token.actions.githubusercontent.com:sub"] == (
            f"repo:acme@12/{name}:environment:staging-{purpose}"
        )


@pytest.mark.parametrize("stack", STACKS)
def test_who_runs_unasked_may_no_more(stack: str) -> None:
    """`look` is a preview and `sweep` a review, each for main alone."""
    twins = [("preview", "look"), *([("review", "sweep")] if stack == "dev" else [])]
    for one, other in twins:
        assert of_role(graph(stack), f"delivery-{one}") == of_role(
            graph(stack), f"delivery-{other}"
        )
        assert attached(stack, one) == attached(stack, other) != set()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("purpose", ["preview", "look"])
def test_a_preview_reads_no_secret_and_no_customer(stack: str, purpose: str) -> None:
    """ReadOnlyAccess would give logs and objects; what is denied wins."""
    can = [READ_ONLY, *of_role(graph(stack), f"delivery-{purpose}")]
    here = f"{region(stack)}:{ACCOUNT}"
    secret = f"arn:aws:secretsmanager:{here}:secret:arca-{stack}/database-owner-abcdef"
    assert not allows(can, "secretsmanager:GetSecretValue", secret)
    assert not allows(can, "secretsmanager:BatchGetSecretValue", "*")
    assert allows(can, "secretsmanager:DescribeSecret", secret)
    key = f"arn:aws:kms:{here}:key/1"
    assert not allows(
        can, "kms:Decrypt", key, {"kms:ResourceAliases": [f"alias/arca-{stack}-data"]}
    )
    assert not allows(can, "kms:Decrypt", key)
    assert allows(can, "kms:Decrypt", key, OF_STATE_KEY)
    assert not allows(can, "s3:GetObject", "arn:aws:s3:::storage-documents-1234567/invoice.pdf")
    assert allows(can, "ec2:DescribeVpcs", "*")


CUSTOMERS = (
    *("logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogFields", "logs:GetLogObject"),
    *("logs:GetLogRecord", "logs:GetQueryResults", "logs:ListAnomalies", "logs:StartLiveTail"),
    *("logs:StartQuery", "logs:Unmask"),
    *("pi:DescribeDimensionKeys", "pi:GetDimensionKeyDetails"),
    *("rds:DownloadCompleteDBLogFile", "rds:DownloadDBLogFilePortion"),
    *("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"),
    *("xray:GetInsightSummaries", "xray:StartTraceRetrieval"),
)
"""Reads that show a secret, a log line, a trace or a query with its values."""


@pytest.mark.parametrize("purpose", ["preview", "look"])
def test_a_preview_is_closed_to_customers(purpose: str) -> None:
    """Whatever AWS adds to ReadOnlyAccess: it is denied, not only not given."""
    can = [EVERYTHING, *of_role(graph("prod"), f"delivery-{purpose}")]
    model: Any = get_session().get_service_model("xray")
    traces = {f"xray:{o}" for o in model.operation_names if re.search("Get.*Trace|ListRet", o)}
    traces -= {"xray:GetTraceSegmentDestination"}
    assert {"xray:BatchGetTraces", "xray:GetTraceSummaries", "xray:GetTraceGraph"} <= traces
    for action in (*CUSTOMERS, *sorted(traces), "xray:BatchGetTraceSummaryById"):
        assert not allows(can, action, "*"), action
    # The stacks declare these, and so a preview compares them.
    for action in ("xray:GetGroup", "xray:GetSamplingRules", "logs:GetDataProtectionPolicy"):
        assert allows(can, action, "*"), action


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("purpose", ["preview", "release"])
def test_a_state_is_read_by_its_own_stack(stack: str, purpose: str) -> None:
    """And by the secondary that needs its primary's exports."""
    can = of_role(graph(stack), f"delivery-{purpose}")
    mine = {stack, "prod"} if stack == "dr" else {stack}
    for other in STACKS:
        state = f"{BUCKET}/.pulumi/stacks/arca-api/{other}.json"
        assert allows(can, "s3:GetObject", state) == (other in mine)
        assert not allows(can, "s3:PutObject", state)
        assert not allows(can, "s3:DeleteObject", state)
    keys = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
    assert allows(can, "kms:Decrypt", keys, OF_STATE_KEY)
    for aliases in ({}, {"kms:ResourceAliases": [f"alias/arca-{stack}-data"]}):
        assert not allows(can, "kms:Decrypt", keys, aliases)


@pytest.mark.parametrize("stack", STACKS)
def test_infra_can_do_its_work(stack: str) -> None:
    """What an update needs is within its own policy and the boundary, by its own path."""
    own = of_role(graph(stack), "delivery-infra")
    role = f"{IAM}:role/arca/{stack}/service-task-1234567"

    def can(*call: Any) -> bool:
        return allows(own, *call) and allows(BOUNDARY, *call)

    assert can("iam:CreateRole", role, BOUNDED)
    assert can("iam:PutRolePolicy", role, BOUNDED)
    assert can("iam:PassRole", role)
    assert can("iam:UpdateAssumeRolePolicy", role)
    elsewhere = f"{IAM}:role/arca/elsewhere/service-task-1234567"
    assert not can("iam:CreateRole", elsewhere, BOUNDED)
    assert not can("iam:PassRole", elsewhere)
    types = {node.type for node in graph(stack).custom() if node.type.startswith("aws:")}
    services = {t.split(":")[1].split("/")[0] for t in types} - {"iam"}
    called = {SAME.get(service, service) for service in services}
    (platform,) = [one for one in BOUNDARY if one["Sid"] == "Platform"]
    assert called <= {action.removesuffix(":*") for action in platform["Action"]}
    # Whether a review stack may be paid for.
    assert allows(BOUNDARY, "budgets:ViewBudget", "*")
    assert allows(BOUNDARY, "s3:PutObject", f"{BUCKET}/.pulumi/stacks/arca-api/{stack}.json")


SAME = {
    "appautoscaling": "application-autoscaling",
    "kinesis": "firehose",
    "lb": "elasticloadbalancing",
    "vpc": "ec2",
}
"""Pulumi's modules whose API is called otherwise."""


@pytest.mark.parametrize("purpose", ["review", "sweep"])
def test_a_review_makes_roles_of_review_stacks_only(purpose: str) -> None:
    """Dev's own roles stay out of its reach."""
    can = of_role(graph("dev"), f"delivery-{purpose}")
    assert allows(can, "iam:CreateRole", f"{IAM}:role/arca/review-7/x", BOUNDED)
    assert not allows(can, "iam:CreateRole", f"{IAM}:role/arca/review-7/x")
    assert not allows(can, "iam:CreateRole", f"{IAM}:role/arca/dev/x", BOUNDED)
    assert not allows(can, "iam:PassRole", f"{IAM}:role/arca/dev/x")
