"""Where Pulumi keeps the stacks' state: an encrypted bucket, and the key of its secrets."""

import json
from collections.abc import Callable
from typing import Any, cast

from botocore.exceptions import ClientError

from arca.bootstrap.boundary import STATE_KEY_ALIAS, state_bucket
from arca.bootstrap.pieces import Aspect, Piece
from arca.clients import Account, account_client, explained
from arca.errors import ArcaError, Refused

NONCURRENT_DAYS = 365
"""Days that a state of before can be brought back."""
FIRST_REGION = "us-east-1"
TAGS = {"project": "arca", "purpose": "state"}
PUBLIC_ACCESS = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def require_region(account: Account) -> None:
    """Refuse a region that the state is not in: its bucket stays where it was made.

    A key of another region could not encrypt it, and Pulumi would be sent to an address without a
    state.
    """
    s3, name = account_client(account, "s3"), state_bucket(account.account_id)
    with explained(account, "The state's bucket cannot be looked at"):
        if not _listed(s3, name):
            return
        # S3 names no location for its first region (Amazon S3 API Reference, GetBucketLocation).
        found = str(s3.get_bucket_location(Bucket=name).get("LocationConstraint") or FIRST_REGION)
    if found != account.region:
        raise Refused(
            f"The state is in {found}, not in {account.region}.",
            where=f"s3://{name}, {account.where}",
            wanted=f"--region {found}: a bucket and its key stay in one region",
            do=f"run it again with --region {found}; nothing was changed",
        )


def key(account: Account) -> Piece:
    """The key, known by its alias."""
    kms = account_client(account, "kms")
    made: list[str] = []

    def create() -> None:
        tags = [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()]
        answer = kms.create_key(Description="arca: Pulumi's state and its secrets", Tags=tags)
        made.append(answer["KeyMetadata"]["KeyId"])

    def key_id() -> str | None:
        # A list does not name a new key at once (AWS KMS Developer Guide, "Eventual consistency").
        return made[0] if made else _key_id(kms)

    def named() -> bool:
        return _key_behind_alias(kms) is not None

    def name() -> None:
        kms.create_alias(AliasName=STATE_KEY_ALIAS, TargetKeyId=key_id())

    def rotates() -> bool:
        return bool(kms.get_key_rotation_status(KeyId=key_id())["KeyRotationEnabled"])

    return Piece(
        f"key {STATE_KEY_ALIAS}",
        lambda: key_id() is not None,
        create,
        (
            Aspect("alias", named, name),
            Aspect("rotation", rotates, lambda: kms.enable_key_rotation(KeyId=key_id())),
        ),
    )


def _key_id(kms: Any) -> str | None:
    """The key behind the alias, or one that an interrupted run left without it."""
    behind = _key_behind_alias(kms)
    if behind is not None:
        return str(behind["KeyId"])
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            found = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if found["KeyManager"] == "CUSTOMER" and found["KeyState"] == "Enabled":
                tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
                if {tag["TagKey"]: tag["TagValue"] for tag in tags}.items() >= TAGS.items():
                    return str(key["KeyId"])
    return None


def _key_behind_alias(kms: Any) -> dict[str, Any] | None:
    try:
        found = kms.describe_key(KeyId=STATE_KEY_ALIAS)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None
    if found["KeyState"] != "Enabled":
        raise ArcaError(
            f"The state's key is {found['KeyState']}.",
            where=found["Arn"],
            wanted="an enabled key: without it no state can be read",
            do="cancel its deletion or enable it in KMS, then run this again",
        )
    return dict(found)


def bucket(account: Account) -> Piece:
    """The bucket: versioned, encrypted, private, TLS-only."""
    s3 = account_client(account, "s3")
    name = state_bucket(account.account_id)
    policy = _tls_only(name)
    lifecycle = {
        "ID": "old-states",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }

    def encryption() -> dict[str, Any]:
        found = _key_behind_alias(account_client(account, "kms"))
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": found["Arn"] if found else ""}
        return {"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}

    def put(operation: str, **content: Any) -> Callable[[], object]:
        return lambda: getattr(s3, operation)(Bucket=name, **content)

    def encrypted() -> bool:
        found = _asked(lambda: s3.get_bucket_encryption(Bucket=name))
        rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        return [rule.items() >= encryption().items() for rule in rules] == [True]

    def put_encryption() -> None:
        configuration = {"Rules": [encryption()]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=configuration)

    def closed() -> bool:
        found = _asked(lambda: s3.get_public_access_block(Bucket=name))
        return bool(found.get("PublicAccessBlockConfiguration") == PUBLIC_ACCESS)

    def owned() -> bool:
        found = _asked(lambda: s3.get_bucket_ownership_controls(Bucket=name))
        rules = found.get("OwnershipControls", {}).get("Rules", [])
        return bool(rules == [{"ObjectOwnership": "BucketOwnerEnforced"}])

    def tls_only() -> bool:
        found = _asked(lambda: s3.get_bucket_policy(Bucket=name))
        return bool(json.loads(found.get("Policy", "{}")) == policy)

    def expires() -> bool:
        found = _asked(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name))
        return [rule.items() >= lifecycle.items() for rule in found.get("Rules", [])] == [True]

    ownership = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    return Piece(
        f"bucket {name}",
        lambda: _our_bucket(s3, name),
        lambda: _create_bucket(s3, name, account.region),
        (
            Aspect(
                "versions",
                lambda: s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
                put("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"}),
            ),
            Aspect("encryption", encrypted, put_encryption),
            Aspect(
                "public access blocked",
                closed,
                put("put_public_access_block", PublicAccessBlockConfiguration=PUBLIC_ACCESS),
            ),
            Aspect(
                "ownership",
                owned,
                put("put_bucket_ownership_controls", OwnershipControls=ownership),
            ),
            Aspect("TLS only", tls_only, put("put_bucket_policy", Policy=json.dumps(policy))),
            Aspect(
                "old states expire",
                expires,
                put(
                    "put_bucket_lifecycle_configuration",
                    LifecycleConfiguration={"Rules": [lifecycle]},
                ),
            ),
        ),
    )


def _our_bucket(s3: Any, name: str) -> bool:
    """Whether it is this account's; raises Refused when it is somebody else's."""
    if _listed(s3, name):
        return True
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if _status(error) == 404:
            return False
    raise _taken(name)


def _listed(s3: Any, name: str) -> bool:
    return name in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def _create_bucket(s3: Any, name: str, region: str) -> None:
    # S3 takes every region here but this one (Amazon S3 API Reference, CreateBucket).
    where = {"LocationConstraint": region} if region != FIRST_REGION else None
    try:
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    except s3.exceptions.BucketAlreadyExists:
        raise _taken(name) from None


def _taken(name: str) -> Refused:
    return Refused(
        f"The bucket name {name} belongs to another account.",
        where=f"s3://{name}",
        wanted="a bucket of this account: whoever owns it would read every stack's state",
        do="find out who has it; nothing was put into it",
    )


def _asked(ask: Callable[[], Any]) -> dict[str, Any]:
    """An answer; nothing where S3 says that there is no such configuration."""
    try:
        return dict(ask())
    except ClientError as error:
        if _status(error) == 404:
            return {}
        raise


def _status(error: ClientError) -> int:
    return cast("Any", error.response)["ResponseMetadata"]["HTTPStatusCode"]


def _tls_only(name: str) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{name}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
