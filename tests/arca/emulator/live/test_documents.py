"""Documents that reach the replicas of their buckets, in moto."""

from collections.abc import Iterator
from typing import Any

import pytest

from arca.emulator.live.documents import Documents
from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh

HERE, THERE = "sa-east-1", "us-east-1"
SOURCE, COPY = "live-documents", "live-documents-copy"
EXPORTS = [
    {"region": THERE},
    {
        "region": HERE,
        "buckets": {"documents": SOURCE, "logs": "other"},
        "recovery": {"region": THERE, "replica_buckets": {"documents": COPY}},
    },
]
NOTHING = frozenset[str]()


@pytest.fixture
def aws() -> Iterator[Emulated]:
    """A bucket and its replica, which is moto's to keep and ours to fill."""
    cloud = fresh()
    buckets = {SOURCE: HERE, COPY: THERE}
    for name, region in buckets.items():
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        options: Any = {"CreateBucketConfiguration": place} if place else {}
        cloud.client("s3", region=region).create_bucket(Bucket=name, **options)
    yield cloud
    for name, region in buckets.items():
        s3 = cloud.client("s3", region=region)
        for key in keys(cloud, name):
            s3.delete_object(Bucket=name, Key=key)
        s3.delete_bucket(Bucket=name)


def keys(cloud: Emulated, bucket: str) -> list[str]:
    """Return the keys in a bucket."""
    found = cloud.client("s3").list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in found.get("Contents", [])]


def test_a_new_object_and_a_changed_one_are_copied(aws: Emulated) -> None:
    """Each once, with its content."""
    documents = Documents(lambda service, region: aws.client(service, region=region))
    s3 = aws.client("s3")
    for content in (b"first", b"second"):
        s3.put_object(Bucket=SOURCE, Key="invoices/1.json", Body=content)
        documents.reconcile(EXPORTS, NOTHING)
        assert s3.get_object(Bucket=COPY, Key="invoices/1.json")["Body"].read() == content
    s3.delete_object(Bucket=COPY, Key="invoices/1.json")
    documents.reconcile(EXPORTS, NOTHING)
    assert keys(aws, COPY) == []


@pytest.mark.parametrize("lost", [HERE, THERE])
def test_nothing_is_copied_while_one_of_the_regions_is_lost(aws: Emulated, lost: str) -> None:
    """It is copied when the region is back."""
    documents = Documents(lambda service, region: aws.client(service, region=region))
    aws.client("s3").put_object(Bucket=SOURCE, Key="a", Body=b"x")
    documents.reconcile(EXPORTS, frozenset({lost}))
    assert keys(aws, COPY) == []
    documents.reconcile(EXPORTS, NOTHING)
    assert keys(aws, COPY) == ["a"]
