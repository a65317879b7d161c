"""The boundary of every role: what no pipeline can do, and what its updates still need."""

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket
from tests.arca.bootstrap.resolved import boundary_document
from tests.graph import ACCOUNT
from tests.policies import Context, allows
from tests.stacks import STACKS, graph

BOUNDARY = list(boundary_document(ACCOUNT)["Statement"])
EVERYTHING: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
IAM = f"arn:aws:iam::{ACCOUNT}"
STATE = f"arn:aws:s3:::{state_bucket(ACCOUNT)}"
A_STATE = f"{STATE}/.pulumi/stacks/arca-api/prod.json"
AUDIT = "arn:aws:s3:::storage-audit-1234567"
KEY = f"arn:aws:kms:sa-east-1:{ACCOUNT}:key/1"

OF_PROD: Context = {"aws:ResourceTag/stack": "prod", "kms:ResourceAliases": "alias/arca-prod-data"}
OF_REVIEW: Context = {"aws:ResourceTag/stack": "review-7"}
OF_STATE: Context = {"kms:ResourceAliases": STATE_KEY_ALIAS}

PATTERNS: Mapping[str, Callable[[Any, str], bool]] = {
    "StringLike": lambda found, wanted: found is not None and fnmatchcase(found, wanted),
    "StringNotLike": lambda found, wanted: found is None or not fnmatchcase(found, wanted),
    "Null": lambda found, wanted: (found is None) == (wanted == "true"),
}
"""Conditions that only the boundary has (IAM User Guide, "IAM JSON policy elements: Condition
operators"): a pattern is not met by a key that is missing, its negation is."""


def in_force(
    statements: Iterable[Mapping[str, Any]], context: Context
) -> Iterable[Mapping[str, Any]]:
    """The statements whose patterns are met, without them."""
    for statement in statements:
        conditions = dict(statement.get("Condition", {}))
        patterns = {name: conditions.pop(name) for name in PATTERNS if name in conditions}
        if all(
            PATTERNS[operator](context.get(key), wanted)
            for operator, keys in patterns.items()
            for key, wanted in keys.items()
        ):
            yield {**statement, "Condition": conditions}


def can(action: str, resource: str, context: Context | None = None) -> bool:
    """Whether the boundary leaves the call to a role that may do everything by itself."""
    known = context or {}
    return allows(list(in_force(BOUNDARY, known)), action, resource, known)


@pytest.mark.parametrize("stack", STACKS)
def test_infra_cannot_escape(stack: str) -> None:
    """Even with every right of its own, the boundary holds."""
    own = f"{IAM}:role/arca-delivery/arca-{stack}-infra"
    for action, resource in (
        ("iam:CreateRole", f"{IAM}:role/arca/{stack}/x"),
        ("iam:CreateRole", f"{IAM}:role/x"),
        ("iam:UpdateAssumeRolePolicy", f"{IAM}:role/admin"),
        ("iam:PutRolePolicy", own),
        ("iam:UpdateAssumeRolePolicy", own),
        ("iam:PassRole", own),
        ("sts:AssumeRole", f"{IAM}:role/admin"),
        ("cloudtrail:StopLogging", "*"),
    ):
        assert not can(action, resource), action


@pytest.mark.parametrize("wide", [False, True], ids=["as it is", "when it is widened"])
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", f"{IAM}:user/x"),
        ("iam:AttachUserPolicy", f"{IAM}:user/x"),
        ("iam:CreateAccessKey", f"{IAM}:user/x"),
        ("iam:UpdateAccessKey", f"{IAM}:user/x"),
        ("iam:CreateLoginProfile", f"{IAM}:user/x"),
        ("iam:CreateGroup", f"{IAM}:group/x"),
        ("iam:AddUserToGroup", f"{IAM}:group/x"),
        ("iam:AttachGroupPolicy", f"{IAM}:group/x"),
        ("iam:PutGroupPolicy", f"{IAM}:group/x"),
        ("iam:CreateSAMLProvider", f"{IAM}:saml-provider/x"),
        ("iam:UpdateSAMLProvider", f"{IAM}:saml-provider/x"),
        ("iam:CreateOpenIDConnectProvider", f"{IAM}:oidc-provider/x"),
        ("iam:DeleteOpenIDConnectProvider", f"{IAM}:oidc-provider/x"),
        ("iam:DeleteRolePermissionsBoundary", f"{IAM}:role/arca/dev/x"),
        ("iam:CreatePolicyVersion", boundary_arn(ACCOUNT)),
        ("iam:SetDefaultPolicyVersion", boundary_arn(ACCOUNT)),
        ("iam:DeletePolicy", boundary_arn(ACCOUNT)),
        ("iam:DeletePolicyVersion", boundary_arn(ACCOUNT)),
        ("organizations:LeaveOrganization", "*"),
        ("account:PutAlternateContact", "*"),
    ],
)
def test_no_other_way_in(action: str, resource: str, *, wide: bool) -> None:
    """The denials stand by themselves: whoever allows all of IAM some day meets them."""
    statements = [*BOUNDARY, *([EVERYTHING] if wide else [])]
    assert not allows(statements, action, resource)
    assert allows([*BOUNDARY, EVERYTHING], "iam:CreateRole", f"{IAM}:role/x")


SETTINGS = (
    *("DeleteBucket", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketObjectLockConfiguration"),
    *("PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock"),
    *("PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration"),
    "PutReplicationConfiguration",
)
"""By which a bucket is lost, emptied or given away."""


@pytest.mark.parametrize("action", SETTINGS)
@pytest.mark.parametrize("bucket", [AUDIT, STATE])
def test_audit_and_state_stay_as_they_are(bucket: str, action: str) -> None:
    """Of other buckets these are an update's ordinary work, and a review stack's whole life."""
    assert not can(f"s3:{action}", bucket)
    for other in ("storage-documents-1234567", "arca-review-7-20260101000000000000000001"):
        assert can(f"s3:{action}", f"arn:aws:s3:::{other}")


VAULT = f"arn:aws:backup:sa-east-1:{ACCOUNT}:backup-vault:arca-prod"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        *((f"kms:{one}", KEY) for one in ("CreateGrant", "DescribeKey", "RetireGrant")),
        *((f"kms:{one}", KEY) for one in ("Decrypt", "GenerateDataKey")),
        ("backup:CreateBackupVault", VAULT),
        ("backup-storage:MountCapsule", "*"),
    ],
)
def test_an_update_creates_a_vault(action: str, resource: str) -> None:
    """AWS Backup Developer Guide, "Backup vault creation and deletion", Required permissions."""
    assert can(action, resource, OF_PROD)


def test_records_stay() -> None:
    """Nobody deletes an audit record, marks one as deleted or lifts its lock."""
    record = f"{AUDIT}/service/2026/01/01/x"
    for action in ("BypassGovernanceRetention", "DeleteObject", "DeleteObjectVersion"):
        assert not can(f"s3:{action}", record), action
    assert can("s3:PutObject", record)
    # An owner's new cost center is an ordinary update.
    assert can("s3:PutBucketTagging", AUDIT)
    assert can("s3:PutBucketLogging", AUDIT)


def test_each_version_of_a_state_stays() -> None:
    """Pulumi writes, locks and unlocks; what was before stays, and so do the bucket's settings."""
    for action in ("GetObject", "PutObject", "DeleteObject"):
        assert can(f"s3:{action}", A_STATE), action
    assert can("s3:ListBucket", STATE)
    assert not can("s3:DeleteObjectVersion", A_STATE)
    for action in ("PutBucketNotification", "PutBucketTagging", "PutInventoryConfiguration"):
        assert not can(f"s3:{action}", STATE), action


@pytest.mark.parametrize("stack", STACKS)
def test_the_audit_bucket_is_the_one_that_is_meant(stack: str) -> None:
    """Pulumi names it after its logical name: the boundary knows it by that."""
    found = [
        b for b in graph(stack).of("aws:s3/bucket:Bucket") if b.inputs.get("objectLockEnabled")
    ]
    copies = ["storage-audit-replica"] if stack == "prod" else []
    assert [bucket.name for bucket in found] == ["storage-audit", *copies]
    for bucket in found:
        assert not {"bucket", "bucketPrefix"} & set(bucket.inputs)


@pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:DisableKey"])
@pytest.mark.parametrize("of", [OF_PROD, OF_STATE, {"aws:ResourceTag/stack": "dev"}, {}], ids=str)
def test_keys_stay(action: str, of: Context) -> None:
    """What a key encrypted, audit records too, is gone with it; a review stack's may go."""
    assert not can(action, KEY, of)
    assert can(action, KEY, OF_REVIEW)


def test_a_key_cannot_be_told_to_be_a_review_stacks() -> None:
    """Its tag is what protects it; all other tags are ordinary work."""

    def tagged(of: Context, **tags: str) -> Context:
        return {**of, **{f"aws:RequestTag/{k}": v for k, v in tags.items()}, "aws:TagKeys": [*tags]}

    assert not can("kms:TagResource", KEY, tagged(OF_PROD, stack="review-7"))
    assert not can("kms:UntagResource", KEY, {**OF_PROD, "aws:TagKeys": ["owner", "stack"]})
    assert can("kms:TagResource", KEY, tagged(OF_PROD, owner="platform"))
    assert can("kms:UntagResource", KEY, {**OF_PROD, "aws:TagKeys": ["owner"]})
    # A key that is being made has none, and a review stack's may keep its own.
    assert can("kms:TagResource", "*", tagged({}, stack="review-7", owner="platform"))
    assert can("kms:TagResource", "*", tagged({}, stack="prod", owner="platform"))
    assert can("kms:TagResource", KEY, tagged(OF_REVIEW, stack="review-7"))
    assert can("kms:UntagResource", KEY, {**OF_REVIEW, "aws:TagKeys": ["stack"]})


@pytest.mark.parametrize("stack", STACKS)
def test_every_key_says_whose_it_is(stack: str) -> None:
    """By the provider's default tags: without one nobody could take a review stack down."""
    (kept,) = [one for one in BOUNDARY if one["Sid"] == "Keys"]
    review = kept["Condition"]["StringNotLike"]["aws:ResourceTag/stack"]
    assert not fnmatchcase(stack, review)
    assert fnmatchcase("review-7", review)
    providers = graph(stack).of("pulumi:providers:aws")
    assert providers
    for provider in providers:
        assert json.loads(provider.inputs["defaultTags"])["tags"]["stack"] == stack
    for key in graph(stack).of("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"):
        assert "stack" not in key.inputs["tags"]


@pytest.mark.parametrize(
    "action",
    [
        *("CreateGrant", "DisableKey", "DisableKeyRotation", "PutKeyPolicy"),
        *("ScheduleKeyDeletion", "TagResource", "UntagResource"),
    ],
)
def test_the_states_key_stays_as_it_is(action: str) -> None:
    """Even where somebody made it look like a review stack's."""
    assert not can(f"kms:{action}", KEY, {**OF_STATE, **OF_REVIEW})
    assert can(f"kms:{action}", KEY, OF_REVIEW)


def test_the_states_key_is_used() -> None:
    """Pulumi reads and writes with it."""
    for action in ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"):
        assert can(f"kms:{action}", KEY, OF_STATE), action


@pytest.mark.parametrize("action", ["CreateAlias", "DeleteAlias", "UpdateAlias"])
@pytest.mark.parametrize("region", ["us-east-1", "sa-east-1"])
def test_the_name_of_the_states_key_stays(action: str, region: str) -> None:
    """By that name a preview knows what it may decrypt with."""
    keys = f"arn:aws:kms:{region}:{ACCOUNT}"
    assert not can(f"kms:{action}", f"{keys}:{STATE_KEY_ALIAS}")
    assert can(f"kms:{action}", f"{keys}:alias/arca-prod-data")
