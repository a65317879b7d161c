"""The buckets' calls: S3."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from arca.emulator.provider.calls.table import Call, State, tags, take

HOME_OF_S3 = "us-east-1"
"""The one region that S3 must not be told (Amazon S3 API, CreateBucket)."""


def _bucket(state: State) -> dict[str, Any]:
    location = {"CreateBucketConfiguration": {"LocationConstraint": state["_region"]}}
    return {
        "Bucket": state["bucket"],
        "ObjectLockEnabledForBucket": state.get("objectLockEnabled", False),
        **({} if state["_region"] == HOME_OF_S3 else location),
    }


def _lifecycle(rule: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in rule.items() if key != "transitions"}
    return plain | ({"Transitions": rule["transitions"]} if "transitions" in rule else {})


def _configure(
    operation: str, key: str, value: Callable[[State], Any], *, only_validated: str = ""
) -> tuple[Call, ...]:
    """One call that sets one aspect of a bucket."""
    return (
        Call(
            "s3",
            operation,
            lambda s: {"Bucket": s["bucket"], key: value(s)},
            only_validated=only_validated,
        ),
    )


def _body(s: State) -> bytes:
    return b64decode(s["contentBase64"]) if "contentBase64" in s else s["content"].encode()


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:s3/bucket:Bucket": (
        Call("s3", "create_bucket", _bucket),
        Call(
            "s3",
            "put_bucket_tagging",
            lambda s: {"Bucket": s["bucket"], "Tagging": {"TagSet": tags(s)}},
        ),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _configure(
        "put_bucket_versioning", "VersioningConfiguration", lambda s: s["versioningConfiguration"]
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _configure(
            "put_bucket_encryption",
            "ServerSideEncryptionConfiguration",
            lambda s: {
                "Rules": [
                    {
                        "BucketKeyEnabled": rule.get("bucketKeyEnabled", False),
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": rule["applyServerSideEncryptionByDefault"][
                                "sseAlgorithm"
                            ],
                            "KMSMasterKeyID": rule["applyServerSideEncryptionByDefault"].get(
                                "kmsMasterKeyId"
                            ),
                        },
                    }
                    for rule in s["rules"]
                ]
            },
        )
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _configure(
        "put_bucket_ownership_controls",
        "OwnershipControls",
        lambda s: {"Rules": [{"ObjectOwnership": s["rule"]["objectOwnership"]}]},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _configure(
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        take("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _configure(
        "put_bucket_policy",
        "Policy",
        lambda s: s["policy"],
        only_validated="moto ignores conditions: the TLS-only Deny would refuse every object call",
    ),
    "aws:s3/bucketLogging:BucketLogging": _configure(
        "put_bucket_logging",
        "BucketLoggingStatus",
        lambda s: {"LoggingEnabled": take("targetBucket", "targetPrefix")(s)},
        only_validated="moto wants an ACL grant, which a bucket without ACLs cannot have",
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _configure(
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        lambda s: {"Rules": [_lifecycle(rule) for rule in s["rules"]]},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _configure(
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
        lambda s: {"ObjectLockEnabled": "Enabled", "Rule": s["rule"]},
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _configure(
        "put_bucket_replication",
        "ReplicationConfiguration",
        lambda s: {"Role": s["role"], "Rules": [_replication(rule) for rule in s["rules"]]},
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        Call(
            "s3",
            "put_object",
            lambda s: {
                "Bucket": s["bucket"],
                "Key": s["key"],
                "Body": _body(s),
                "ContentType": s["contentType"],
                "Tagging": urlencode(s["tags"]),
            },
            lambda answer: {"versionId": answer["VersionId"]},
        ),
    ),
}


def _replication(rule: Mapping[str, Any]) -> dict[str, Any]:
    destination = rule["destination"]
    return {
        **take("id", "status", "priority", "filter")(rule),
        "DeleteMarkerReplication": rule["deleteMarkerReplication"],
        "SourceSelectionCriteria": rule["sourceSelectionCriteria"],
        "Destination": {
            **take("bucket", "storageClass", "metrics", "replicationTime")(destination),
            "EncryptionConfiguration": {
                "ReplicaKmsKeyID": destination["encryptionConfiguration"]["replicaKmsKeyId"]
            },
        },
    }
