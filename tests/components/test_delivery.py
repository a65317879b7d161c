"""The pipeline's roles on the real stacks: their trust and their permissions."""

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
from tests.arca.bootstrap.linted import problems
from tests.arca.bootstrap.resolved import boundary_document
from tests.components.alone import alone, delivery
from tests.github.workflows import WORKFLOWS, jobs_of, loaded, steps
from tests.policies import allows, of_role
from tests.stacks import STACKS, graph, settings_of

READ_ONLY: Mapping[str, Any] = {
    "Effect": "Allow",
    "Action": ["*:Get*", "*:List*", "*:Describe*", "logs:FilterLogEvents", "logs:StartQuery"],
    "Resource": "*",
}
"""Wider than AWS's ReadOnlyAccess, so that only our own policy can deny a call."""
EVERYTHING: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OF_STATE_KEY = {"kms:ResourceAliases": [STATE_KEY_ALIAS]}


def account(stack: str) -> str:
    """Return the account of a stack's owner."""
    return settings_of(stack).owner.account_id


def iam(stack: str) -> str:
    """Return the beginning of the ARNs of IAM in a stack's account."""
    return f"arn:aws:iam::{account(stack)}"


def bucket(stack: str) -> str:
    """Return the ARN of the bucket with a stack's state."""
    return f"arn:aws:s3:::{state_bucket(account(stack))}"


def boundary(stack: str) -> list[Any]:
    """Return the statements of the boundary in a stack's account."""
    return list(boundary_document(account(stack))["Statement"])


def bounded(stack: str) -> Mapping[str, str]:
    """Return the context of a call that gives a role the boundary."""
    return {"iam:PermissionsBoundary": boundary_arn(account(stack))}


def roles(stack: str) -> dict[str, Registration]:
    """Return the pipeline's roles of a stack by purpose."""
    found = graph(stack).of("aws:iam/role:Role")
    return {
        role.name.removeprefix("delivery-"): role for role in found if role.component == "delivery"
    }


def region(stack: str) -> str:
    """Return a stack's region."""
    return str(graph(stack).outputs["region"])


@pytest.mark.parametrize("stack", STACKS)
def test_the_roles_are_the_purposes(stack: str) -> None:
    """Each purpose has a role; only dev has those of review stacks."""
    wanted = {"preview", "look", "infra", "release"}
    if stack == "dev":
        wanted |= {"review", "sweep"}
    assert set(roles(stack)) == wanted
    exported = graph(stack).outputs["delivery"]
    assert {key for key, arn in exported.items() if arn} == wanted
    for key, arn in exported.items():
        assert arn == f"{iam(stack)}:role/arca-delivery/arca-{stack}-{key}"


ISSUER = "token.actions.githubusercontent.com"
MAIN, TAGS, PULL_REQUESTS = "refs/heads/main", "refs/tags/*", "refs/pull/*/merge"
TRUST: Mapping[str, tuple[list[str], str]] = {
    # purpose: what starts its run, and the workflow's file with its job
    "preview": ([PULL_REQUESTS], "stack.yml@*"),
    "look": ([MAIN], "stack.yml@*"),
    "infra": ([MAIN], "stack.yml@*"),
    "release": ([MAIN, TAGS], "release-stage.yml@refs/heads/main"),
    "review": ([PULL_REQUESTS], "review.yml@*"),
    "sweep": ([MAIN], "review-sweep.yml@*"),
}


@pytest.mark.parametrize("stack", STACKS)
def test_the_trust_is_exact(stack: str) -> None:
    """Each role trusts one environment, what may start its run, and one file with the job."""
    for purpose, role in roles(stack).items():
        ours = settings_of(stack).delivery
        repository = ours.application_repository if purpose == "release" else ours.infra_repository
        refs, file = TRUST[purpose]
        assert json.loads(role.inputs["assumeRolePolicy"]) == {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"{iam(stack)}:oidc-provider/{ISSUER}"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            f"{ISSUER}:aud": "sts.amazonaws.com",
                            f"{ISSUER}:sub": f"repo:{repository}:environment:{stack}-{purpose}",
                            f"{ISSUER}:environment": f"{stack}-{purpose}",
                        },
                        "StringLike": {
                            f"{ISSUER}:ref": refs,
                            f"{ISSUER}:job_workflow_ref": (
                                f"{ours.infra_repository}/.github/workflows/{file}"
                            ),
                        },
                    },
                }
            ],
        }


def claims(stack: str, purpose: str, **changed: str | None) -> dict[str, str]:
    """Return what GitHub says of the job that a purpose has; None leaves a claim out."""
    ours = settings_of(stack).delivery
    repository = ours.application_repository if purpose == "release" else ours.infra_repository
    file = TRUST[purpose][1].partition("@")[0]
    pull = purpose in ("preview", "review")
    ref = "refs/pull/7/merge" if pull else MAIN
    said: dict[str, str | None] = {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{repository}:environment:{stack}-{purpose}",
        "environment": f"{stack}-{purpose}",
        "ref": ref,
        "job_workflow_ref": f"{ours.infra_repository}/.github/workflows/{file}@{ref}",
        **changed,
    }
    return {f"{ISSUER}:{name}": text for name, text in said.items() if text is not None}


def logs_in(stack: str, purpose: str, **changed: str | None) -> bool:
    """Return whether the role's trust lets such a job in."""
    (statement,) = json.loads(roles(stack)[purpose].inputs["assumeRolePolicy"])["Statement"]
    trusts = [{**statement, "Resource": "*"}]
    action = "sts:AssumeRoleWithWebIdentity"
    return allows(trusts, action, "role", claims(stack, purpose, **changed))


@pytest.mark.parametrize("stack", STACKS)
def test_a_job_logs_in_by_all_of_its_claims(stack: str) -> None:
    """A claim that is missing or another one closes the role."""
    for purpose in roles(stack):
        assert logs_in(stack, purpose), purpose
        for name in ("aud", "sub", "environment", "ref", "job_workflow_ref"):
            assert not logs_in(stack, purpose, **{name: None}), (purpose, name)
            assert not logs_in(stack, purpose, **{name: "another"}), (purpose, name)


@pytest.mark.parametrize("stack", STACKS)
def test_who_pushes_a_branch_or_a_tag_logs_in_to_nothing(stack: str) -> None:
    """Even where GitHub created the environment without rules.

    A branch of this repository can change every workflow; a branch or a tag of the application's
    repository can call any file of it, or of this one at any commit.
    """
    infra = settings_of(stack).delivery.infra_repository
    for purpose in roles(stack):
        for ref in ("refs/heads/evil", "refs/heads/main2", "refs/heads/refs/heads/main"):
            assert not logs_in(stack, purpose, ref=ref), (purpose, ref)
        assert logs_in(stack, purpose, ref="refs/tags/v1") == (purpose == "release")
    stage = f"{infra}/.github/workflows/release-stage.yml"
    for file in (
        "acme/arca-api/.github/workflows/release-stage.yml@refs/heads/main",
        f"{infra}/.github/workflows/stack.yml@refs/heads/main",
        f"{stage}@refs/heads/evil",
        f"{stage}@refs/tags/v1",
        f"{stage}@{'a' * 40}",
    ):
        assert not logs_in(stack, "release", job_workflow_ref=file), file


def test_sts_knows_each_claim() -> None:
    """A condition key that STS does not know would close the role for ever.

    IAM User Guide, "Available keys for AWS OIDC federation", GitHub.
    """
    known = {
        *("actor", "actor_id", "job_workflow_ref", "repository", "repository_id", "workflow"),
        *("ref", "environment", "enterprise_id", "aud", "sub", "amr"),
    }
    for role in roles("dev").values():
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        used = {key for keys in statement["Condition"].values() for key in keys}
        assert used <= {f"{ISSUER}:{name}" for name in known}


def test_each_role_names_the_file_that_has_its_job() -> None:
    """The workflows' own jobs: which file runs in which environment."""
    for purpose, (_, pattern) in TRUST.items():
        file = pattern.partition("@")[0].removesuffix(".yml")
        environments = {str(job.get("environment")) for job in jobs_of(file).values()}
        wanted = {f"dev-{purpose}", f"${{{{ inputs.stack }}}}-{purpose}"}
        wanted |= {"${{ inputs.stack }}-${{ inputs.purpose }}"} if file == "stack" else set()
        assert environments & wanted, purpose


def attached(stack: str, purpose: str) -> set[str]:
    """Return the managed policies of a role."""
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
    """Roles that change resources have services by AWS's policy, and IAM by their own."""
    for purpose in roles(stack):
        wanted = {f"arn:aws:iam::aws:policy/{name}" for name in MANAGED[purpose]}
        assert attached(stack, purpose) == wanted, purpose


def asked_seconds() -> list[int]:
    """Return the seconds of each login: the action's default, and what jobs set instead."""
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
    """No login asks for more than the role allows, which AWS would refuse."""
    asked = asked_seconds()
    assert asked[0] == SESSION_SECONDS == max(asked)
    for role in roles(stack).values():
        assert role.inputs["maxSessionDuration"] == SESSION_SECONDS, role.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_of_the_platform_is_bounded(stack: str) -> None:
    """Each role has the boundary, and a path: its stack's, or the pipeline's own."""
    found = graph(stack).of("aws:iam/role:Role")
    assert len(found) > 10
    for role in found:
        own = "/arca-delivery/" if role.component == "delivery" else f"/arca/{stack}/"
        assert role.inputs["path"] == own
        assert role.inputs["permissionsBoundary"] == boundary_arn(account(stack))


def test_without_repositories_there_are_no_roles() -> None:
    """Without repositories there is no role and no export."""
    bare = alone(delivery, "staging", {"delivery": {}})
    assert [r for r in bare.of("aws:iam/role:Role") if r.component == "delivery"] == []
    assert bare.outputs.get("delivery") is None


def test_the_trust_takes_githubs_ids() -> None:
    """Logins of repositories created since July 2026 carry the ids in their subject."""
    ids = {
        "infra_repository": "acme@12/arca-infra@345",
        "application_repository": "acme@12/arca-api@678",
    }
    declared = alone(delivery, "staging", {"delivery": ids})
    for purpose, name in (("infra", "arca-infra@345"), ("release", "arca-api@678")):
        role = declared.one("aws:iam/role:Role", f"delivery-{purpose}")
        condition = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]
        assert condition["StringEquals"]["token.actions.githubusercontent.com:sub"] == (
            f"repo:acme@12/{name}:environment:staging-{purpose}"
        )
        # Only the subject has the ids.
        file = condition["StringLike"][f"{ISSUER}:job_workflow_ref"]
        assert file.startswith("acme/arca-infra/.github/workflows/")


@pytest.mark.parametrize("stack", STACKS)
def test_who_runs_unasked_may_no_more(stack: str) -> None:
    """`look` has the permissions of `preview`, and `sweep` those of `review`."""
    twins = [("preview", "look"), *([("review", "sweep")] if stack == "dev" else [])]
    for one, other in twins:
        assert of_role(graph(stack), f"delivery-{one}") == of_role(
            graph(stack), f"delivery-{other}"
        )
        assert attached(stack, one) == attached(stack, other) != set()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("purpose", ["preview", "look"])
def test_a_preview_reads_no_secret_and_no_customer(stack: str, purpose: str) -> None:
    """ReadOnlyAccess would allow logs and objects, and the role's denial wins."""
    can = [READ_ONLY, *of_role(graph(stack), f"delivery-{purpose}")]
    here = f"{region(stack)}:{account(stack)}"
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
"""Calls that return a secret, a log line, a trace or a query with its values."""


@pytest.mark.parametrize("purpose", ["preview", "look"])
def test_a_preview_is_closed_to_customers(purpose: str) -> None:
    """The role denies these calls, so that ReadOnlyAccess can never allow them."""
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
    """A stack reads its own state; a secondary also reads its primary's."""
    can = of_role(graph(stack), f"delivery-{purpose}")
    mine = {stack, "prod"} if stack == "dr" else {stack}
    for other in STACKS:
        state = f"{bucket(stack)}/.pulumi/stacks/arca-api/{other}.json"
        assert allows(can, "s3:GetObject", state) == (other in mine)
        assert not allows(can, "s3:PutObject", state)
        assert not allows(can, "s3:DeleteObject", state)
    keys = f"arn:aws:kms:us-east-1:{account(stack)}:key/1"
    assert allows(can, "kms:Decrypt", keys, OF_STATE_KEY)
    for aliases in ({}, {"kms:ResourceAliases": [f"alias/arca-{stack}-data"]}):
        assert not allows(can, "kms:Decrypt", keys, aliases)


@pytest.mark.parametrize("stack", STACKS)
def test_infra_can_do_its_work(stack: str) -> None:
    """Its policy and the boundary allow an update, below its own path only."""
    own, limit = of_role(graph(stack), "delivery-infra"), boundary(stack)
    role = f"{iam(stack)}:role/arca/{stack}/service-task-1234567"

    def can(*call: Any) -> bool:
        return allows(own, *call) and allows(limit, *call)

    assert can("iam:CreateRole", role, bounded(stack))
    assert can("iam:PutRolePolicy", role, bounded(stack))
    assert can("iam:PassRole", role)
    assert can("iam:UpdateAssumeRolePolicy", role)
    elsewhere = f"{iam(stack)}:role/arca/elsewhere/service-task-1234567"
    assert not can("iam:CreateRole", elsewhere, bounded(stack))
    assert not can("iam:PassRole", elsewhere)
    types = {node.type for node in graph(stack).custom() if node.type.startswith("aws:")}
    services = {t.split(":")[1].split("/")[0] for t in types} - {"iam"}
    called = {SAME.get(service, service) for service in services}
    (platform,) = [one for one in limit if one["Sid"] == "Platform"]
    assert called <= {action.removesuffix(":*") for action in platform["Action"]}
    # Whether a review stack may be paid for.
    assert allows(limit, "budgets:ViewBudget", "*")
    assert allows(limit, "s3:PutObject", f"{bucket(stack)}/.pulumi/stacks/arca-api/{stack}.json")


SAME = {
    "appautoscaling": "application-autoscaling",
    "kinesis": "firehose",
    "lb": "elasticloadbalancing",
    "vpc": "ec2",
}
"""Pulumi's modules whose API has another name."""


@pytest.mark.parametrize("purpose", ["review", "sweep"])
def test_a_review_makes_roles_of_review_stacks_only(purpose: str) -> None:
    """A review cannot create or pass dev's own roles."""
    can, roles_of = of_role(graph("dev"), f"delivery-{purpose}"), f"{iam('dev')}:role/arca"
    assert allows(can, "iam:CreateRole", f"{roles_of}/review-7/x", bounded("dev"))
    assert not allows(can, "iam:CreateRole", f"{roles_of}/review-7/x")
    assert not allows(can, "iam:CreateRole", f"{roles_of}/dev/x", bounded("dev"))
    assert not allows(can, "iam:PassRole", f"{roles_of}/dev/x")


def test_ask_23_a_login_is_bound_to_an_environment() -> None:
    """No role trusts a branch, a pull request or a pattern; no job logs in without one."""
    for stack in STACKS:
        for role in graph(stack).of("aws:iam/role:Role"):
            if role.component == "delivery":
                (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
                equal = statement["Condition"]["StringEquals"]
                purpose = role.name.removeprefix("delivery-")
                subject = equal["token.actions.githubusercontent.com:sub"]
                assert subject.endswith(f":environment:{stack}-{purpose}")
                assert "*" not in subject
    for path in WORKFLOWS:
        for job in loaded(path)["jobs"].values():
            if "id-token" in job["permissions"]:
                assert "environment" in job or "uses" in job, path


NEWER = "W3037 'getlogobject'"
"""An action of CloudWatch Logs' API that cfn-lint's list lacks; ours denies it."""


@pytest.mark.parametrize("stack", STACKS)
def test_cfn_lint_accepts_every_role(stack: str) -> None:
    """AWS's own schemas and its list of actions judge the trust and the permissions."""
    declared: dict[str, Any] = {
        f"Role{number}": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": role.inputs["name"],
                "Path": role.inputs["path"],
                "MaxSessionDuration": role.inputs["maxSessionDuration"],
                "AssumeRolePolicyDocument": json.loads(role.inputs["assumeRolePolicy"]),
                "ManagedPolicyArns": sorted(attached(stack, purpose)),
                "Policies": [
                    {
                        "PolicyName": "inline",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": of_role(graph(stack), role.name),
                        },
                    }
                ],
            },
        }
        for number, (purpose, role) in enumerate(roles(stack).items())
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": declared}
    found = [one for one in problems(json.dumps(template, indent=1)) if NEWER not in one]
    assert found == []
    # The same judge sees a wrong action, so it does look into the policies.
    (one,) = declared["Role0"]["Properties"]["Policies"]
    one["PolicyDocument"]["Statement"] = [
        {"Effect": "Allow", "Action": ["ecs:RegisterDefinition"], "Resource": "*"}
    ]
    assert "'registerdefinition'" in "".join(problems(json.dumps(template, indent=1)))
