"""The document of each authorized invoice, in the bucket.

It is stored after the commit: a bucket that is away delays a document and loses no invoice.
"""

import asyncio
import json
from typing import TYPE_CHECKING

from invoicing.errors import Unavailable
from invoicing.invoice import Invoice
from invoicing.traces import Traces

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 5, 2


class Documents:
    """Writes documents; the same invoice always gives the same object."""

    def __init__(self, bucket: str, traces: Traces) -> None:
        self._bucket, self._traces = bucket, traces
        self._client: S3Client | None = None

    async def store(self, invoice: Invoice) -> None:
        """Write an invoice's document; raises Unavailable."""
        key = f"invoices/{invoice.sequence.account_id}/{invoice.id}.json"
        body = json.dumps(invoice.as_json(), indent=2, ensure_ascii=False).encode()
        try:
            with self._traces.call("s3", "PutObject", {"rpc.system": "aws-api"}):
                await asyncio.to_thread(self._put, key, body)
        except Exception as error:
            raise Unavailable("documents", type(error).__name__) from error

    def _put(self, key: str, body: bytes) -> None:
        self._client = self._client or _client()
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentType="application/json"
        )


def _client() -> "S3Client":
    """Create a client; boto3 is loaded now, because it would double the time of a start."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # An emulated AWS on loopback has no names of buckets.
        s3={"addressing_style": "auto"},
    )
    client: S3Client = boto3.client("s3", config=config)  # pyright: ignore[reportUnknownMemberType] # other services
    return client
