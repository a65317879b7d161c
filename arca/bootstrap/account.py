"""What an account has of the bootstrap's resources, and the accounts that are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from arca.bootstrap.template import BUDGET_NAME, GITHUB_AUDIENCE, GITHUB_ISSUER, template
from arca.clients import Account, account_client, explained
from arca.errors import ArcaError, Refused
from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef
    from mypy_boto3_s3 import S3Client

FIRST_REGION = "us-east-1"
NOT_FOUND = 404

Identifier = Mapping[str, str]
"""The property and the value by which CloudFormation knows a resource that it imports."""


@dataclass(frozen=True)
class AccountResources:
    """The bootstrap's resources that exist, whether or not a stack has them."""

    identifiers: Mapping[str, Identifier]
    """The identifier of each, by its logical id in the template."""
    has_identity_provider: bool


def require_account(account: Account) -> None:
    """Raise Refused when the credentials are of another account than the named one."""
    sts = account_client(account, "sts")
    with explained(account, "The account cannot be read"):
        found = sts.get_caller_identity()["Account"]
    if found != account.account_id:
        raise Refused(
            f"The credentials are of account {found}, not of {account.account_id}.",
            where=account.where,
            wanted=f"credentials of {account.account_id}",
            do="log in to that account, or name the one that you mean with --account",
        )


def find_resources(account: Account, stack_key_id: str | None) -> AccountResources:
    """Find what exists of the bootstrap's resources; `stack_key_id` is the stack's key, if any.

    Raises Refused when the state's bucket is in another region or belongs to another account, and
    when an identity provider of somebody else does not let AWS's audience in. Raises ArcaError
    when the state's key cannot be used.
    """
    found: dict[str, Identifier] = {}
    with explained(account, "The state's bucket cannot be read"):
        found |= _find_bucket(account)
    with explained(account, "The state's key cannot be read"):
        found |= _find_key(account, stack_key_id)
    iam = account_client(account, "iam")
    arn = boundary_arn(account.account_id)
    with explained(account, "The permissions boundary cannot be read"):
        try:
            iam.get_policy(PolicyArn=arn)
            found["Boundary"] = {"PolicyArn": arn}
        except iam.exceptions.NoSuchEntityException:
            pass
    with explained(account, "GitHub's identity provider cannot be read"):
        has_provider = _has_identity_provider(account)
    return AccountResources(found, has_provider)


def has_budget(account: Account) -> bool:
    """Return whether the account has the monthly budget."""
    budgets = account_client(account, "budgets")
    with explained(account, "The monthly budget cannot be read"):
        try:
            budgets.describe_budget(AccountId=account.account_id, BudgetName=BUDGET_NAME)
        except budgets.exceptions.NotFoundException:
            return False
    return True


def _find_bucket(account: Account) -> dict[str, Identifier]:
    s3 = account_client(account, "s3")
    name = state_bucket(account.account_id)
    if name not in {bucket.get("Name") for bucket in s3.list_buckets()["Buckets"]}:
        _refuse_foreign_bucket(s3, name)
        return {}
    # S3 names no location for its first region (Amazon S3 API Reference, GetBucketLocation).
    region = s3.get_bucket_location(Bucket=name).get("LocationConstraint") or FIRST_REGION
    if region != account.region:
        raise Refused(
            f"The state is in {region}, not in {account.region}.",
            where=f"s3://{name}, {account.where}",
            wanted=f"--region {region}: a bucket and its key stay in one region",
            do=f"run it again with --region {region}; nothing was changed",
        )
    found: dict[str, Identifier] = {"StateBucket": {"BucketName": name}}
    try:
        s3.get_bucket_policy(Bucket=name)
        found["StateBucketPolicy"] = {"Bucket": name}
    except ClientError as error:
        if _status(error) != NOT_FOUND:
            raise
    return found


def _refuse_foreign_bucket(s3: "S3Client", name: str) -> None:
    """Raise Refused when a bucket of this name exists, which is not this account's."""
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if _status(error) == NOT_FOUND:
            return
    raise Refused(
        f"The bucket name {name} belongs to another account.",
        where=f"s3://{name}",
        wanted="a bucket of this account: whoever owns it would read every stack's state",
        do="find out who has it; nothing was put into it",
    )


def _status(error: ClientError) -> int:
    return cast("Any", error.response)["ResponseMetadata"]["HTTPStatusCode"]


def _find_key(account: Account, stack_key_id: str | None) -> dict[str, Identifier]:
    """Find the key: the stack's, or the alias's, or the one with the tags of the template."""
    kms = account_client(account, "kms")
    named = _describe_key(kms, STATE_KEY_ALIAS)
    key = named or (_describe_key(kms, stack_key_id) if stack_key_id else _tagged_key(kms))
    if key is None:
        return {}
    if key.get("KeyState") != "Enabled":
        arn = key.get("Arn", key["KeyId"])
        mend = {"PendingDeletion": f"aws kms cancel-key-deletion --key-id {arn} && "}
        raise ArcaError(
            f"The state's key is {key.get('KeyState')}.",
            where=arn,
            wanted="an enabled key: without it no state can be read",
            do=f"{mend.get(key.get('KeyState', ''), '')}aws kms enable-key --key-id {arn}, "
            "then run this again",
        )
    found: dict[str, Identifier] = {"StateKey": {"KeyId": key["KeyId"]}}
    if named is not None:
        found["StateKeyAlias"] = {"AliasName": STATE_KEY_ALIAS}
    return found


def _describe_key(kms: "KMSClient", key_id: str) -> "KeyMetadataTypeDef | None":
    try:
        return kms.describe_key(KeyId=key_id)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None


def _tagged_key(kms: "KMSClient") -> "KeyMetadataTypeDef | None":
    """Return the enabled key with the template's tags, which an interrupted run left unnamed."""
    tags = template()["Resources"]["StateKey"]["Properties"]["Tags"]
    wanted = {(tag["Key"], tag["Value"]) for tag in tags}
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            key = kms.describe_key(KeyId=listed.get("KeyId", ""))["KeyMetadata"]
            if key.get("KeyManager") == "CUSTOMER" and key.get("KeyState") == "Enabled":
                found = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
                if {(tag.get("TagKey"), tag.get("TagValue")) for tag in found} >= wanted:
                    return key
    return None


def _has_identity_provider(account: Account) -> bool:
    """Return whether GitHub's provider exists; raises Refused when it lacks AWS's audience."""
    iam = account_client(account, "iam")
    arn = f"arn:aws:iam::{account.account_id}:oidc-provider/{GITHUB_ISSUER}"
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except iam.exceptions.NoSuchEntityException:
        return False
    audiences = found["ClientIDList"]
    if GITHUB_AUDIENCE not in audiences:
        raise Refused(
            f"The identity provider {GITHUB_ISSUER} exists without the audience {GITHUB_AUDIENCE}.",
            where=arn,
            wanted=f"{GITHUB_AUDIENCE} among its audiences: {', '.join(audiences) or 'none'}",
            do="aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {arn} --client-id {GITHUB_AUDIENCE}, "
            "then run this again",
        )
    return True
