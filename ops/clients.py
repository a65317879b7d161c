"""The only maker of boto3 clients on the operator's side, and what its errors mean."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from errors import ArcaError
from ops.stack import Stack

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId",
           "UnrecognizedClientException"}  # fmt: skip # error codes of different services
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
ATTEMPTS = 5


def client(stack: Stack, service: str, *, region: str | None = None) -> Any:
    """A client for a stack's AWS: retried with jitter within a bound, never waiting for long.

    Source: AWS SDKs and Tools Reference Guide, "Retry behavior", mode `standard`.
    """
    make = cast("Callable[..., Any]", boto3.client)
    emulated = stack.endpoint is not None
    return make(
        service,
        region_name=region or stack.outputs.region,
        endpoint_url=stack.endpoint,
        aws_access_key_id="emulated" if emulated else None,
        aws_secret_access_key="emulated" if emulated else None,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1 if emulated else ATTEMPTS},
            connect_timeout=5,
            read_timeout=60,
        ),
    )


@contextmanager
def explained(stack: Stack, what: str) -> Generator[None]:
    """Turn what AWS or the way to it says into one clear error."""
    try:
        yield
    except NoCredentialsError:
        raise ArcaError(
            f"{what}: there are no AWS credentials.",
            where=stack.where,
            wanted="credentials for the stack's account",
            do="log in, for example `aws sso login`, and run this again",
        ) from None
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        do = f"run `make up STACK={stack.name}` again" if stack.endpoint else "look at the network"
        raise ArcaError(
            f"{what}: AWS does not answer: {error}",
            where=stack.where,
            wanted="an answer",
            do=do,
        ) from None
    except ClientError as error:
        raise _refused(stack, what, error) from None
    except BotoCoreError as error:
        raise ArcaError(
            f"{what}: {error}", where=stack.where, wanted="an answer of AWS", do="try again"
        ) from None


def _refused(stack: Stack, what: str, error: ClientError) -> ArcaError:
    detail = error.response.get("Error", {})
    code = detail.get("Code", "")
    if code in EXPIRED:
        wanted, do = "valid credentials", "log in again, for example `aws sso login`"
    elif code in DENIED:
        wanted, do = f"the permission for {error.operation_name}", "use the operator's role"
    else:
        wanted, do = f"that {error.operation_name} is accepted", "see the message above"
    message = f"{what}: {code}: {detail.get('Message', '')}"
    return ArcaError(message, where=stack.where, wanted=wanted, do=do)
