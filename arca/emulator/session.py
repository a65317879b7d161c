"""The session behind every client of the emulated AWS."""

from typing import Any, cast

import boto3


def session() -> Any:
    """A boto3 session with credentials; the emulation wants some and checks none."""
    make = cast("Any", boto3.Session)
    return make(
        aws_access_key_id="emulated",
        aws_secret_access_key="emulated",  # noqa: S106 - no secret
    )
