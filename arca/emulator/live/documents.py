"""S3's side of the living cloud: objects reach the replicas of their buckets.

moto stores a replication's rules and copies nothing. Here each new object is copied a moment later,
unless one of the two regions is lost.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Documents:
    """Copies what the buckets of the stacks replicate. `client` as for Databases."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client
        self._copied: set[tuple[str, str, str]] = set()

    def reconcile(self, exports: Iterable[Mapping[str, Any]], lost: frozenset[str]) -> None:
        """Copy the objects that a replica lacks."""
        for one in exports:
            copies = one.get("recovery")
            if not copies or {one["region"], copies["region"]} & lost:
                continue
            for role, target in copies["replica_buckets"].items():
                self._copy(one["region"], one["buckets"][role], copies["region"], target)

    def _copy(self, region: str, source: str, to_region: str, target: str) -> None:
        origin, copy = self._client("s3", region), self._client("s3", to_region)
        for page in origin.get_paginator("list_objects_v2").paginate(Bucket=source):
            for found in page.get("Contents", []):
                key = (source, str(found["Key"]), str(found["ETag"]))
                if key in self._copied:
                    continue
                content = origin.get_object(Bucket=source, Key=found["Key"])["Body"].read()
                copy.put_object(Bucket=target, Key=found["Key"], Body=content)
                self._copied.add(key)
