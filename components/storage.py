"""The buckets: invoice documents, audit records, access logs and small artifacts."""

from collections.abc import Callable, Mapping
from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import BACKUP_TAG
from arca.outputs import BucketRole, ReplicatedBucket
from components.bucket import ReadyBucket, expire, private_bucket
from components.component import Component, Place
from components.iam import Statement, allow, service_role
from components.spec import Spec
from components.wires import BucketCopy, EncryptionKey, Primary

RULE = "dr"
"""The id of the replication's rule."""


class StorageSpec(Spec):
    """The buckets and how long their objects live."""

    documents_archive_after_days: int = Field(
        default=90,
        ge=30,
        description="Days after which an invoice document moves to infrequent access.",
    )
    documents_noncurrent_days: int = Field(
        default=365,
        ge=1,
        description="Days during which an overwritten or deleted document can be restored.",
    )
    audit_lock_days: int = Field(
        default=365,
        ge=1,
        description="Days during which object lock keeps an audit record from being deleted.",
    )
    audit_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = Field(
        default="GOVERNANCE",
        description="GOVERNANCE: an IAM permission can lift the lock. COMPLIANCE: nobody can, "
        "not even the account's root user.",
    )
    logs_days: int = Field(default=90, ge=1, description="Days that access logs are kept.")


class Storage(Component):
    """The buckets of a stack; all private, TLS-only and encrypted.

    Produces: four buckets; for a primary with a DR region, also replicas of the documents and the
    audit records there. A secondary adopts the documents' replica. The replicas belong to the
    primary, which writes them, so that recreating the DR stack loses nothing (ADR 0003).
    """

    buckets: dict[BucketRole, ReadyBucket]
    documents_replica: ReadyBucket | None
    copies: dict[ReplicatedBucket, BucketCopy]
    """What S3 copies into the DR region; empty without one."""
    copies_back: list[BucketCopy]
    """What S3 copies out of it: documents of a time when the DR stack served."""

    def __init__(
        self,
        name: str,
        spec: StorageSpec,
        place: Place,
        *,
        key: EncryptionKey,
        primary: Primary | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:storage:Storage", name, place, data_class="confidential", opts=opts)
        self._name = name

        logs = self._bucket("logs", key_arn=None, statements=_log_deliveries(place.account_id))
        expire(self, f"{name}-logs", logs, days=spec.logs_days)
        audit = self._bucket("audit", key_arn=key.arn, logs=logs, lock=True)
        self._lock(audit, "audit", spec)
        artifacts = self._bucket("artifacts", key_arn=key.arn, logs=logs)
        self.buckets = {"logs": logs, "audit": audit, "artifacts": artifacts}
        self.documents_replica = None
        self.copies, self.copies_back = {}, []
        if primary is not None:
            replicas = primary.replica_buckets
            self.buckets["documents"] = ReadyBucket(replicas["documents"], primary.documents_arn)
            self.copies = {
                role: BucketCopy(primary.source_buckets[role], replica, RULE)
                for role, replica in replicas.items()
            }
        else:
            documents = self._bucket("documents", key_arn=key.arn, logs=logs, tags=BACKUP_TAG)
            self._archive(documents, "documents", spec)
            self.buckets["documents"] = documents
            if place.replica_region is not None and key.replica_arn is not None:
                replica = self._bucket(
                    "documents-replica",
                    key_arn=key.replica_arn,
                    region=place.replica_region,
                    tags=BACKUP_TAG,
                )
                self._archive(replica, "documents-replica", spec, region=place.replica_region)
                keys = (key.arn, key.replica_arn)
                self._replicate("replication", "documents", documents, replica, keys)
                # What an active DR stack writes comes back by itself. S3 copies no copy (Amazon S3
                # User Guide, "What isn't replicated with replication configurations?").
                self._replicate(
                    "replication-back",
                    "documents-replica",
                    replica,
                    documents,
                    (key.replica_arn, key.arn),
                    region=place.replica_region,
                )
                self.copies_back = [BucketCopy(replica.name, documents.name, RULE)]
                self.documents_replica = replica
                copy = self._bucket(
                    "audit-replica",
                    key_arn=key.replica_arn,
                    region=place.replica_region,
                    lock=True,
                )
                self._lock(copy, "audit-replica", spec, region=place.replica_region)
                self._replicate("audit-replication", "audit", audit, copy, keys)
                self.copies = {
                    "documents": BucketCopy(documents.name, replica.name, RULE),
                    "audit": BucketCopy(audit.name, copy.name, RULE),
                }
        self.register_outputs({})

    def watched(self, *, serving: bool) -> list[BucketCopy]:
        """Return the copies that alarms watch: what a primary sends, or what a standby receives."""
        if self.documents_replica is None:
            return [] if serving else list(self.copies.values())
        return list(self.copies.values()) if serving else self.copies_back

    def _bucket(
        self,
        role: str,
        *,
        key_arn: pulumi.Input[str] | None,
        logs: ReadyBucket | None = None,
        lock: bool = False,
        region: str | None = None,
        tags: Mapping[str, str] | None = None,
        statements: Callable[[pulumi.Output[str]], tuple[Statement, ...]] = lambda _arn: (),
    ) -> ReadyBucket:
        bucket = private_bucket(
            self,
            f"{self._name}-{role}",
            key_arn=key_arn,
            region=region,
            lock=lock,
            tags=tags,
            statements=statements,
        )
        if logs is not None:
            aws.s3.BucketLogging(
                f"{self._name}-{role}",
                bucket=bucket.name,
                target_bucket=logs.name,
                target_prefix=f"s3/{role}/",
                opts=self.staying(),
            )
        return bucket

    def _lock(
        self, bucket: ReadyBucket, role: str, spec: StorageSpec, *, region: str | None = None
    ) -> None:
        aws.s3.BucketObjectLockConfiguration(
            f"{self._name}-{role}",
            bucket=bucket.name,
            region=region,
            rule={
                "default_retention": {"mode": spec.audit_lock_mode, "days": spec.audit_lock_days}
            },
            opts=self.staying(),
        )

    def _archive(
        self, bucket: ReadyBucket, role: str, spec: StorageSpec, *, region: str | None = None
    ) -> None:
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-{role}",
            bucket=bucket.name,
            region=region,
            rules=[
                {
                    "id": "archive",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "transitions": [
                        {
                            "days": spec.documents_archive_after_days,
                            "storage_class": "STANDARD_IA",
                        }
                    ],
                    "noncurrent_version_expiration": {
                        "noncurrent_days": spec.documents_noncurrent_days
                    },
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            opts=self.staying(),
        )

    def _replicate(
        self,
        name: str,
        role: str,
        source: ReadyBucket,
        replica: ReadyBucket,
        keys: tuple[pulumi.Input[str], pulumi.Input[str]],
        *,
        region: str | None = None,
    ) -> None:
        """Copy a bucket by the keys of both; `region` is the source's, where it is not ours."""
        key_arn, replica_key_arn = keys
        reads = [f"s3:{a}" for a in ("GetReplicationConfiguration", "ListBucket")]
        versions = [f"s3:GetObjectVersion{a}" for a in ("ForReplication", "Acl", "Tagging")]
        # An audit record keeps the end of its lock (Amazon S3 User Guide, "Using S3 Replication
        # with S3 Object Lock").
        locks = [f"s3:GetObject{a}" for a in ("Retention", "LegalHold")]
        writes = [f"s3:Replicate{a}" for a in ("Object", "Delete", "Tags")]
        # Amazon S3 User Guide, "Setting up permissions for live replication", whose trust policy
        # has no condition.
        copier = service_role(
            self,
            f"{self._name}-{name}",
            "s3.amazonaws.com",
            allow(reads, [source.arn]),
            allow(
                [*versions, *(locks if role == "audit" else ())],
                [pulumi.Output.concat(source.arn, "/*")],
            ),
            allow(writes, [pulumi.Output.concat(replica.arn, "/*")]),
            allow(["kms:Decrypt"], [key_arn]),
            # With a bucket key at the destination S3 also decrypts there (Amazon S3 User Guide,
            # "Replicating encrypted objects").
            allow(["kms:Encrypt", "kms:Decrypt"], [replica_key_arn]),
            confined=False,
        )
        aws.s3.BucketReplicationConfig(
            f"{self._name}-{role}",
            bucket=source.name,
            region=region,
            role=copier.arn,
            rules=[
                {
                    "id": RULE,
                    "status": "Enabled",
                    "priority": 0,
                    "filter": {"prefix": ""},
                    # A deletion by mistake must not reach the copy.
                    "delete_marker_replication": {"status": "Disabled"},
                    "source_selection_criteria": {
                        "sse_kms_encrypted_objects": {"status": "Enabled"}
                    },
                    "destination": {
                        "bucket": replica.arn,
                        "storage_class": "STANDARD" if region else "STANDARD_IA",
                        "encryption_configuration": {"replica_kms_key_id": replica_key_arn},
                        # Replication time control: 15 minutes, with metrics to alarm on.
                        "metrics": {"status": "Enabled", "event_threshold": {"minutes": 15}},
                        "replication_time": {"status": "Enabled", "time": {"minutes": 15}},
                    },
                }
            ],
            opts=self.child(depends_on=[copier.policy]),
        )


def _log_deliveries(account_id: str) -> Callable[[pulumi.Output[str]], tuple[Statement, ...]]:
    """Return the statements that let load balancers and S3 write.

    Sources: Elastic Load Balancing User Guide, "Enable access logs"; Amazon S3 User Guide,
    "Enabling Amazon S3 server access logging".
    """
    ours = {"StringEquals": {"aws:SourceAccount": account_id}}

    def statements(arn: pulumi.Output[str]) -> tuple[Statement, ...]:
        balancer, s3 = "logdelivery.elasticloadbalancing.amazonaws.com", "logging.s3.amazonaws.com"
        return (
            allow(
                ["s3:PutObject"],
                [pulumi.Output.concat(arn, "/load-balancer/*")],
                principal={"Service": balancer},
                sid="LoadBalancerLogs",
            ),
            allow(
                ["s3:PutObject"],
                [pulumi.Output.concat(arn, "/s3/*")],
                principal={"Service": s3},
                condition=ours,
                sid="BucketLogs",
            ),
        )

    return statements
