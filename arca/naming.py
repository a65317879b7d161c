"""Tags, severities, and the fixed names and ports that program and operator share."""

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

PROJECT = "arca"

Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
"""Severity of an alarm, from a complete outage (SEV1) to a ticket for the next sprint (SEV4)."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""All severities, the worst first."""


def prefix(stack: str) -> str:
    """Return the beginning of every physical name in a stack, for example `arca-prod`."""
    return f"{PROJECT}-{stack}"


def physical(*parts: str, limit: int = 63, salt: str = "") -> str:
    """Join the parts with hyphens into a name of at most `limit` characters.

    A name that is too long is cut and ends in a hash of the whole, so that two long names that
    differ anywhere stay different. A `salt` always adds the hash. Pass as salt the inputs whose
    change makes AWS replace the resource: the replacement then has another name, and Pulumi can
    create it before it deletes the old resource.

    Limits: 32 for load balancers and target groups (Elastic Load Balancing API reference,
    CreateLoadBalancer and CreateTargetGroup), 63 for RDS identifiers and S3 buckets.
    """
    name = "-".join(part for part in parts if part)
    if not salt and len(name) <= limit:
        return name
    digest = hashlib.sha256(f"{name}\n{salt}".encode()).hexdigest()[:6]
    return f"{name[: limit - len(digest) - 1].rstrip('-')}-{digest}"


BACKUP_TAG = {"backup": "daily"}
"""The tag of what AWS Backup backs up, where the stack has a plan."""
TEST_PORT = 8443
"""Port of the load balancer's test listener, which has no edge in front of it."""
STATE_KEY_ALIAS = f"alias/{PROJECT}-state"
"""Alias of the key that encrypts the stacks' state; `arca bootstrap` creates it."""


def state_bucket(account_id: str) -> str:
    """Return the name of the bucket of the stacks' state, which `arca bootstrap` creates."""
    return f"{PROJECT}-state-{account_id}"


def boundary_arn(account_id: str) -> str:
    """Return the permissions boundary of every role, which `arca bootstrap` creates."""
    return f"arn:aws:iam::{account_id}:policy/{PROJECT}-boundary"


def role_path(stack: str) -> str:
    """Return the path of a stack's roles; policies of the pipeline select roles by path."""
    return f"/{PROJECT}/{stack}/"


DELIVERY_PATH = f"/{PROJECT}-delivery/"
"""Path of the pipeline's own roles, which no pipeline may change."""


@dataclass(frozen=True)
class Names:
    """The DNS names of a stack, all below its stage's domain."""

    domain: str
    region: str

    @property
    def public(self) -> str:
        """The API's name for customers, at Cloudflare."""
        return f"api.{self.domain}"

    @property
    def regional_public(self) -> str:
        """This region's name at Cloudflare, which health checks use."""
        return f"api-{self.region}.{self.domain}"

    @property
    def origin_zone(self) -> str:
        """The zone in Route 53 that Cloudflare delegates."""
        return f"origin.{self.domain}"

    @property
    def origin(self) -> str:
        """The name that Cloudflare connects to, in the origin zone, for whichever region serves."""
        return f"api.{self.origin_zone}"

    @property
    def regional_origin(self) -> str:
        """The name of this region's load balancer, in the origin zone."""
        return f"{self.region}.{self.origin_zone}"


def default_tags(*, stack: str, stage: str, owner: str, cost_center: str) -> dict[str, str]:
    """Return the tags that the AWS provider adds to every resource in a stack.

    Component and data class differ within a stack, so components.component adds those two.
    """
    return {
        "project": PROJECT,
        "stack": stack,
        "stage": stage,
        "owner": owner,
        "cost-center": cost_center,
        "managed-by": "pulumi",
    }
