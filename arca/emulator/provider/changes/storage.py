"""Changes of buckets (S3)."""

from collections.abc import Mapping

from arca.emulator.provider.changes.definition import Changes, Update, again, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, take

_BUCKET = "aws:s3/bucket:Bucket"
_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"


def _configured(
    token: str, *inputs: str, delete: str = "", stays: str = "", only_validated: str = ""
) -> tuple[str, Changes]:
    """Return the changes of one property of a bucket, which one call overwrites."""
    calls = (ApiCall("s3", delete, take("bucket"), only_validated=only_validated),)
    return token, Changes(
        replaces=replaced_by("bucket"),
        updates=again(token, *inputs),
        deletes=calls if delete else (),
        stays=stays,
    )


CHANGES: Mapping[str, Changes] = {
    _BUCKET: Changes(
        replaces=replaced_by("bucket", "objectLockEnabled"),
        updates=(Update(("tags",), (CALLS[_BUCKET][1],)),),
        deletes=(ApiCall("s3", "delete_bucket", take("bucket")),),
        name="bucket",
    ),
    _OBJECT: Changes(
        replaces=replaced_by("bucket", "key"),
        updates=again(
            _OBJECT, "content", "contentBase64", "contentType", "tags", gives=("versionId",)
        ),
        deletes=(ApiCall("s3", "delete_object", take("bucket", "key")),),
    ),
    **dict(
        (
            _configured(
                "aws:s3/bucketVersioning:BucketVersioning",
                "versioningConfiguration",
                stays="a bucket's versioning cannot be taken back, only suspended",
            ),
            _configured(
                "aws:s3/bucketServerSideEncryptionConfiguration:"
                "BucketServerSideEncryptionConfiguration",
                "rules",
                delete="delete_bucket_encryption",
            ),
            _configured(
                "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
                "rule",
                delete="delete_bucket_ownership_controls",
            ),
            _configured(
                "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
                "blockPublicAcls",
                "blockPublicPolicy",
                "ignorePublicAcls",
                "restrictPublicBuckets",
                delete="delete_public_access_block",
            ),
            _configured(
                "aws:s3/bucketPolicy:BucketPolicy",
                "policy",
                delete="delete_bucket_policy",
                only_validated="moto got no policy",
            ),
            _configured(
                "aws:s3/bucketLogging:BucketLogging",
                "targetBucket",
                "targetPrefix",
                stays="logging goes with its bucket",
            ),
            _configured(
                "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
                "rules",
                delete="delete_bucket_lifecycle",
            ),
            _configured(
                "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
                "rule",
                stays="a bucket's object lock cannot be taken off",
            ),
            _configured(
                "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
                "role",
                "rules",
                delete="delete_bucket_replication",
            ),
        )
    ),
}
