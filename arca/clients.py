"""Make the boto3 clients of the operator's side, and explain the errors of their calls.

The types of clients come from boto3-stubs, which only type checking needs. `client` and
`account_client` have an overload for each service that is used.
"""

import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, cast, overload
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidConfigError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)
from botocore.parsers import ResponseParserError

from arca.errors import ArcaError
from arca.stack import Stack

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_budgets import BudgetsClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

EXPIRED_CODES = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
}
"""Error codes of different services for credentials that are no longer valid."""
THROTTLING_CODES = {"Throttling", "ThrottlingException", "TooManyRequestsException"}
DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
LOGGED_OUT = (SSOError, TokenRetrievalError, LoginError)
"""Errors of `aws sso login` and `aws login`: the login has expired, or there was none."""
UNANSWERED = (AwsConnectionError, HTTPClientError)
"""Errors of a call that was never sent, or that got no answer in time."""
SILENCE = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)
"""Those of a network on which nothing answers; a proxy or a wrong certificate is no silence."""
UNUSABLE_CONFIGURATION = (
    ProfileNotFound,
    ConfigParseError,
    ConfigNotFound,
    InvalidConfigError,
    PartialCredentialsError,
    CredentialRetrievalError,
)
"""Errors in this machine's own AWS configuration."""
CONFIGURATION_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
)
"""Variables that an error message shows, because they choose the configuration; none is secret."""
MOST_ATTEMPTS = 5
EMULATED_ATTEMPTS = 3
READ_TIMEOUT_SECONDS = 8
"""A call of these APIs takes less than two seconds; a longer silence is a lost connection, and the
operator reads of it within ten seconds."""
CONNECT_TIMEOUT_SECONDS = 5
LOG = logging.getLogger(__name__)
ANSWER_SHOWN = 80
"""Characters that a message shows of an answer that cannot be read."""
HTML = (b"<html", b"<!doctype html")
MAKING = Lock()
"""Held while a client is made, which is not thread-safe."""


class Unreachable(ArcaError):
    """AWS gave no answer of its own, or no time for one: it may have done what it was asked."""


class Silent(Unreachable):
    """Nothing answered. Throttling, a failure of AWS's own and a proxy's page are answers."""


@overload
def client(
    stack: Stack, service: Literal["application-autoscaling"], *, region: str | None = None
) -> "ApplicationAutoScalingClient": ...
@overload
def client(
    stack: Stack, service: Literal["cloudwatch"], *, region: str | None = None
) -> "CloudWatchClient": ...
@overload
def client(stack: Stack, service: Literal["ecr"], *, region: str | None = None) -> "ECRClient": ...
@overload
def client(
    stack: Stack, service: Literal["ecs"], *, region: str | None = None, once: bool = False
) -> "ECSClient": ...
@overload
def client(
    stack: Stack, service: Literal["elbv2"], *, region: str | None = None
) -> "ElasticLoadBalancingv2Client": ...
@overload
def client(stack: Stack, service: Literal["iam"], *, region: str | None = None) -> "IAMClient": ...
@overload
def client(
    stack: Stack, service: Literal["logs"], *, region: str | None = None
) -> "CloudWatchLogsClient": ...
@overload
def client(
    stack: Stack, service: Literal["route53"], *, region: str | None = None
) -> "Route53Client": ...
@overload
def client(
    stack: Stack, service: Literal["secretsmanager"], *, region: str | None = None
) -> "SecretsManagerClient": ...
@overload
def client(stack: Stack, service: Literal["ssm"], *, region: str | None = None) -> "SSMClient": ...
@overload
def client(
    stack: Stack,
    service: Literal["acm", "elasticache", "kms", "rds", "route53", "s3", "sts", "synthetics"],
    *,
    once: bool = False,
) -> Any: ...
def client(stack: Stack, service: str, *, region: str | None = None, once: bool = False) -> Any:
    """Return the client of a service for a stack's AWS, in the stack's region or another one.

    All callers share one client for each service and region; a client is thread-safe (Boto3
    documentation, "Clients"). It retries with jitter, within bounds. Source: AWS SDKs and Tools
    Reference Guide, "Retry behavior", mode `standard`. With `once` it sends each call once.

    Raises ArcaError where this machine's AWS configuration cannot be used.
    """
    return _make(stack, service, region or stack.outputs.region, once=once)


@lru_cache
def _client(service: str, region: str, endpoint: str | None, *, once: bool = False) -> Any:
    make = cast("Callable[..., Any]", boto3.client)
    emulated = endpoint is not None
    made: Any = make(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="emulated" if emulated else None,
        aws_secret_access_key="emulated" if emulated else None,
        config=config(emulated=emulated, once=once),
    )
    # A port out of range is a ValueError here, and not at the first call.
    _ = urlsplit(str(made.meta.endpoint_url)).port
    made.meta.events.register("before-parse", _require_protocol)
    made.meta.events.register("needs-retry", _say_silence)
    return made


def _say_silence(
    operation: "OperationModel", attempts: int, caught_exception: Exception | None, **_: object
) -> None:
    """Say that AWS did not answer a call, before botocore tries again."""
    if isinstance(caught_exception, UNANSWERED):
        LOG.warning("AWS does not answer %s (attempt %d)", operation.name, attempts)


def _require_protocol(
    response_dict: Mapping[str, Any], operation_model: "OperationModel", **_: object
) -> None:
    """Raise ResponseParserError for an answer that is not in the protocol of the service.

    Botocore takes a page of HTML, as a proxy sends it, for an answer without any field, or for XML.
    """
    content: bytes = response_dict["body"].lstrip()
    json = "json" in operation_model.service_model.resolved_protocol
    if content.lower().startswith(HTML) or (json and content[:1] not in (b"", b"{")):
        start = content[:ANSWER_SHOWN].decode(errors="replace")
        raise ResponseParserError(f"the answer is no {'JSON' if json else 'XML of AWS'}: {start}")


def config(*, emulated: bool, once: bool = False) -> Config:
    """Return how often calls are retried, and how long one may take: seconds."""
    most = EMULATED_ATTEMPTS if emulated else MOST_ATTEMPTS
    return Config(
        retries={"mode": "standard", "total_max_attempts": 1 if once else most},
        max_pool_connections=20,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
    )


@dataclass(frozen=True)
class Account:
    """An AWS account and a region of it, before any stack."""

    account_id: str
    region: str
    endpoint: str | None
    """The URL of the emulated AWS; None on AWS."""

    @property
    def name(self) -> str:
        """The stack that `make up` brings up where the emulated AWS does not answer."""
        return "dev"

    @property
    def where(self) -> str:
        """The account, in words for a message."""
        place = f"AWS account {self.account_id} in {self.region}"
        return f"{place}, emulated at {self.endpoint}" if self.endpoint else place


@overload
def account_client(account: Account, service: Literal["budgets"]) -> "BudgetsClient": ...
@overload
def account_client(
    account: Account, service: Literal["cloudformation"]
) -> "CloudFormationClient": ...
@overload
def account_client(account: Account, service: Literal["ec2"]) -> Any: ...
@overload
def account_client(account: Account, service: Literal["iam"]) -> "IAMClient": ...
@overload
def account_client(account: Account, service: Literal["kms"]) -> "KMSClient": ...
@overload
def account_client(account: Account, service: Literal["logs"]) -> "CloudWatchLogsClient": ...
@overload
def account_client(account: Account, service: Literal["pricing"]) -> Any: ...
@overload
def account_client(account: Account, service: Literal["s3"]) -> "S3Client": ...
@overload
def account_client(account: Account, service: Literal["service-quotas"]) -> Any: ...
@overload
def account_client(account: Account, service: Literal["sts"]) -> "STSClient": ...
def account_client(account: Account, service: str) -> Any:
    """Return the client of a service for an account; raises ArcaError as `client` does."""
    return _make(account, service, account.region)


def _make(stack: Stack | Account, service: str, region: str, *, once: bool = False) -> Any:
    with MAKING:
        try:
            return _client(service, region, stack.endpoint, once=once)
        except (BotoCoreError, ValueError) as error:
            # Nothing was sent yet; a ValueError means that AWS_ENDPOINT_URL is not a valid URL.
            raise _unusable(stack, f"No client for {service} can be made", error) from None


@contextmanager
def explained(stack: Stack | Account, what: str) -> Generator[None]:
    """Turn the errors of calls to AWS into an ArcaError; `what` says what failed."""
    try:
        yield
    except NoCredentialsError:
        raise ArcaError(
            f"{what}: there are no AWS credentials.",
            where=stack.where,
            wanted="credentials for the stack's account",
            do="log in, for example `aws sso login`, and run this again",
        ) from None
    except UNANSWERED as error:
        do = f"run `make up STACK={stack.name}` again" if stack.endpoint else "check the network"
        kind = Silent if isinstance(error, SILENCE) else Unreachable
        raise kind(
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
    except UNUSABLE_CONFIGURATION as error:
        raise _unusable(stack, what, error) from None
    except ClientError as error:
        raise _refused(stack, what, error) from None
    except ResponseParserError as error:
        raise Unreachable(
            f"{what}: the answer is not one of AWS: {' '.join(str(error).split())}",
            where=stack.where,
            wanted="an answer of AWS's API",
            do="look for a proxy or a login page between this machine and AWS, and at "
            "AWS_ENDPOINT_URL",
        ) from None
    except KeyError as error:
        raise Unreachable(
            f"{what}: the answer lacks {error}",
            where=stack.where,
            wanted="an answer of AWS's API",
            do="look for a proxy or a login page between this machine and AWS",
        ) from None
    except BotoCoreError as error:
        raise ArcaError(
            f"{what}: {error}", where=stack.where, wanted="an answer of AWS", do="run this again"
        ) from None


def _unusable(stack: Stack | Account, what: str, error: Exception) -> ArcaError:
    """Make the error for an AWS configuration of this machine that cannot be used."""
    shown = (
        f"{name}={os.environ[name]}" for name in CONFIGURATION_VARIABLES if os.environ.get(name)
    )
    return ArcaError(
        f"{what}: {error}",
        where=f"this machine's AWS configuration ({', '.join(shown) or '~/.aws'}), for "
        f"{stack.where}",
        wanted="a configuration and a profile that the AWS CLI can use too",
        do="correct it; `aws configure list` shows the values that are read",
    )


def _refused(stack: Stack | Account, what: str, error: ClientError) -> ArcaError:
    """Make the error for a call that AWS refused."""
    detail = error.response.get("Error", {})
    code = detail.get("Code", "")
    if code in EXPIRED_CODES:
        wanted, do = "valid credentials", "log in again, for example `aws sso login`"
    elif code in DENIED_CODES:
        wanted, do = f"the permission for {error.operation_name}", "use the operator's role"
    else:
        wanted, do = f"that {error.operation_name} is accepted", "see the message above"
    message = f"{what}: {code}: {detail.get('Message', '')}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    busy = status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in THROTTLING_CODES
    kind = Unreachable if busy else ArcaError
    return kind(message, where=stack.where, wanted=wanted, do=do)
