"""The only maker of boto3 clients on the operator's side, and what its errors mean."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidConfigError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)

from arca.errors import ArcaError
from arca.stack import Stack

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId",
           "UnrecognizedClientException"}  # fmt: skip # error codes of different services
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
LOGGED_OUT = (SSOError, TokenRetrievalError, LoginError)
"""Of `aws sso login` and of `aws login`: expired, or never logged in."""
SETTINGS = (ProfileNotFound, ConfigParseError, ConfigNotFound, InvalidConfigError,
            PartialCredentialsError, CredentialRetrievalError)  # fmt: skip # this machine's own
NAMED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
         "AWS_ENDPOINT_URL")  # fmt: skip # variables that lead to it; none of them is a secret
ATTEMPTS = 5
MAKING = Lock()


def client(stack: Stack, service: str, *, region: str | None = None) -> Any:
    """A client for a stack's AWS: retried with jitter within a bound, never waiting for long.

    One for each service and thread-safe (Boto3 documentation, "Clients"); making one is not, and
    takes a while. Source: AWS SDKs and Tools Reference Guide, "Retry behavior", mode `standard`.
    Making one reads this machine's AWS configuration: raises ArcaError where that cannot be used.
    """
    return _made(stack, service, region or stack.outputs.region)


@lru_cache
def _client(service: str, region: str, endpoint: str | None) -> Any:
    make = cast("Callable[..., Any]", boto3.client)
    emulated = endpoint is not None
    return make(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="emulated" if emulated else None,
        aws_secret_access_key="emulated" if emulated else None,
        config=config(emulated=emulated),
    )


def config(*, emulated: bool) -> Config:
    """How calls are retried, and how long they may take."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": 3 if emulated else ATTEMPTS},
        max_pool_connections=20,
        connect_timeout=5,
        read_timeout=60,
    )


@dataclass(frozen=True)
class Account:
    """An account that has no stack yet; `endpoint` is an emulated cloud's, None on AWS."""

    account_id: str
    region: str
    endpoint: str | None

    @property
    def name(self) -> str:
        """What `make up` would bring up here."""
        return "dev"

    @property
    def where(self) -> str:
        """For a person: which account this is."""
        place = f"AWS account {self.account_id} in {self.region}"
        return f"{place}, emulated at {self.endpoint}" if self.endpoint else place


def account_client(account: Account, service: str) -> Any:
    """A client for an account, before any stack."""
    return _made(account, service, account.region)


def _made(stack: Stack | Account, service: str, region: str) -> Any:
    with MAKING:
        try:
            return _client(service, region, stack.endpoint)
        except (BotoCoreError, ValueError) as error:
            # Nothing was sent yet; a ValueError is about an AWS_ENDPOINT_URL that is no URL.
            raise _unusable(stack, f"AWS's {service} cannot be asked", error) from None


@contextmanager
def explained(stack: Stack | Account, what: str) -> Generator[None]:
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
    except LOGGED_OUT as error:
        raise ArcaError(
            f"{what}: the login has expired, or there was none: {error}",
            where=stack.where,
            wanted="a login that is valid",
            do="log in again with `aws sso login` (or `aws login`), and run this again",
        ) from None
    except SETTINGS as error:
        raise _unusable(stack, what, error) from None
    except ClientError as error:
        raise _refused(stack, what, error) from None
    except BotoCoreError as error:
        raise ArcaError(
            f"{what}: {error}", where=stack.where, wanted="an answer of AWS", do="try again"
        ) from None


def _unusable(stack: Stack | Account, what: str, error: Exception) -> ArcaError:
    named = (f"{name}={os.environ[name]}" for name in NAMED if os.environ.get(name))
    return ArcaError(
        f"{what}: {error}",
        where=f"this machine's AWS configuration ({', '.join(named) or '~/.aws'}), for "
        f"{stack.where}",
        wanted="a configuration and a profile that the AWS CLI can use too",
        do="correct what is named; `aws configure list` shows what is read",
    )


def _refused(stack: Stack | Account, what: str, error: ClientError) -> ArcaError:
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
