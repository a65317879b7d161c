"""The bucket that every component uses: private, versioned, encrypted, TLS only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.component import Component, after
from components.iam import Statement, deny_plain_http, document


@dataclass(frozen=True)
class ReadyBucket:
    """A bucket's name and ARN, known only once its policy and its versioning are in place.

    A load balancer can write to a bucket, and replication can begin, only after both.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]


def private_bucket(
    component: Component,
    name: str,
    *,
    key_arn: pulumi.Input[str] | None,
    region: str | None = None,
    lock: bool = False,
    protect: bool = True,
    tags: Mapping[str, str] | None = None,
    statements: Callable[[pulumi.Output[str]], tuple[Statement, ...]] = lambda _arn: (),
) -> ReadyBucket:
    """Declare the bucket and the five resources that close it to the public.

    Without a `key_arn`, S3's own key encrypts it (SSE-S3). A bucket that load balancers write
    to takes no other (Elastic Load Balancing User Guide, "Access logs for your Application
    Load Balancer"). `statements` returns further statements of the bucket's policy, given its
    ARN.

    On a protected stack Pulumi refuses to delete it, unless it is not to `protect` it. A disposable
    stack's bucket is deleted with its objects. Any other stays behind as closed as it
    was, and a stack that is made again gets another one.
    """
    place, child = component.place, component.staying()
    bucket = aws.s3.Bucket(
        name,
        # The pipeline's boundary refuses to delete a bucket named `storage-audit-...`.
        bucket_prefix=f"{place.prefix}-" if place.disposable else None,
        force_destroy=True if place.disposable else None,
        object_lock_enabled=lock or None,
        region=region,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(component.durable(), child) if protect else child,
    )
    versioning = aws.s3.BucketVersioning(
        name,
        bucket=bucket.bucket,
        region=region,
        versioning_configuration={"status": "Enabled"},
        opts=child,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.bucket,
        region=region,
        rules=[
            {
                "bucket_key_enabled": True,
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key_arn,
                },
            }
            if key_arn is not None
            else {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
        ],
        opts=child,
    )
    aws.s3.BucketOwnershipControls(
        name,
        bucket=bucket.bucket,
        region=region,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=child,
    )
    private = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        region=region,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    policy = aws.s3.BucketPolicy(
        name,
        bucket=bucket.bucket,
        region=region,
        policy=document(deny_plain_http(bucket.arn), *statements(bucket.arn)),
        # S3 refuses two changes to a bucket's access at the same moment.
        opts=component.staying(depends_on=[private]),
    )
    return ReadyBucket(
        after(bucket.bucket, policy.id, versioning.id),
        after(bucket.arn, policy.id, versioning.id),
    )


def expire(component: Component, name: str, bucket: ReadyBucket, *, days: int) -> None:
    """Delete a bucket's objects after some days, with their older versions."""
    aws.s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.name,
        rules=[
            {
                "id": "expire",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "expiration": {"days": days},
                "noncurrent_version_expiration": {"noncurrent_days": 1},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            }
        ],
        opts=component.staying(),
    )
