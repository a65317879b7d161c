"""Buckets (S3)."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    tags,
    take,
    take_outputs,
)

DEFAULT_REGION = "us-east-1"
"""The region that CreateBucket refuses as a LocationConstraint (Amazon S3 API Reference)."""


def _bucket(state: ResourceState) -> dict[str, Any]:
    location = {"CreateBucketConfiguration": {"LocationConstraint": state["_region"]}}
    return {
        "Bucket": state["bucket"],
        "ObjectLockEnabledForBucket": state.get("objectLockEnabled", False),
        **({} if state["_region"] == DEFAULT_REGION else location),
    }


def _lifecycle(rule: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in rule.items() if key != "transitions"}
    return plain | ({"Transitions": rule["transitions"]} if "transitions" in rule else {})


def _configure(
    operation: str, key: str, value: Callable[[ResourceState], Any], *, only_validated: str = ""
) -> tuple[ApiCall, ...]:
    """Return the call that sets one property of a bucket."""
    return (
        ApiCall(
            "s3",
            operation,
            lambda s: {"Bucket": s["bucket"], key: value(s)},
            only_validated=only_validated,
        ),
    )


def _body(s: ResourceState) -> bytes:
    return b64decode(s["contentBase64"]) if "contentBase64" in s else s["content"].encode()


RESOURCES: Mapping[str, Resource] = {
    "aws:s3/bucket:Bucket": Resource(
        OutputTemplates("{name}", {"arn": "arn:aws:s3:::{name}"}, name_input="bucket"),
        calls=(
            ApiCall("s3", "create_bucket", _bucket),
            ApiCall(
                "s3",
                "put_bucket_tagging",
                lambda s: {"Bucket": s["bucket"], "Tagging": {"TagSet": tags(s)}},
            ),
        ),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_versioning",
            "VersioningConfiguration",
            lambda s: s["versioningConfiguration"],
        ),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Resource(
            OutputTemplates("{bucket}"),
            calls=_configure(
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
            ),
        )
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_ownership_controls",
            "OwnershipControls",
            lambda s: {"Rules": [{"ObjectOwnership": s["rule"]["objectOwnership"]}]},
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_public_access_block",
            "PublicAccessBlockConfiguration",
            take(
                "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"
            ),
        ),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_policy",
            "Policy",
            lambda s: s["policy"],
            only_validated=(
                "moto ignores conditions: the TLS-only Deny would refuse every object call"
            ),
        ),
    ),
    "aws:s3/bucketLogging:BucketLogging": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_logging",
            "BucketLoggingStatus",
            lambda s: {"LoggingEnabled": take("targetBucket", "targetPrefix")(s)},
            only_validated="moto wants an ACL grant, which a bucket without ACLs cannot have",
        ),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_lifecycle_configuration",
            "LifecycleConfiguration",
            lambda s: {"Rules": [_lifecycle(rule) for rule in s["rules"]]},
        ),
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_object_lock_configuration",
            "ObjectLockConfiguration",
            lambda s: {"ObjectLockEnabled": "Enabled", "Rule": s["rule"]},
        ),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": Resource(
        OutputTemplates("{bucket}"),
        calls=_configure(
            "put_bucket_replication",
            "ReplicationConfiguration",
            lambda s: {"Role": s["role"], "Rules": [_replication(rule) for rule in s["rules"]]},
        ),
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": Resource(
        OutputTemplates("{bucket}/{key}", {"versionId": "{hex}"}),
        calls=(
            ApiCall(
                "s3",
                "put_object",
                lambda s: {
                    "Bucket": s["bucket"],
                    "Key": s["key"],
                    "Body": _body(s),
                    "ContentType": s["contentType"],
                    "Tagging": urlencode(s["tags"]),
                },
                take_outputs(versionId="VersionId"),
            ),
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
