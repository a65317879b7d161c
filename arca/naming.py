"""Tags and the few fixed names that an operator types or AWS needs."""

import hashlib
from dataclasses import dataclass

PROJECT = "arca"


def prefix(stack: str) -> str:
    """The beginning of every physical name in a stack, for example `arca-prod`."""
    return f"{PROJECT}-{stack}"


def physical(*parts: str, limit: int = 63, salt: str = "") -> str:
    """Join the parts with hyphens into a name of at most `limit` characters.

    A name that would be too long is cut and ends in a hash of the whole, so that two long
    names that differ anywhere stay different. A `salt` always adds the hash: give it whatever
    forces AWS to replace the resource, so that the replacement gets a name of its own and can
    be created before the old one goes.

    Limits: 32 for load balancers and target groups (Elastic Load Balancing API reference,
    CreateLoadBalancer and CreateTargetGroup), 63 for RDS identifiers and S3 buckets.
    """
    name = "-".join(part for part in parts if part)
    if not salt and len(name) <= limit:
        return name
    digest = hashlib.sha256(f"{name}\n{salt}".encode()).hexdigest()[:6]
    return f"{name[: limit - len(digest) - 1].rstrip('-')}-{digest}"


STATE_KEY_ALIAS = f"alias/{PROJECT}-state"
"""The key of the stacks' state, which `arca bootstrap` makes once an account."""


def state_bucket(account_id: str) -> str:
    """The bucket with the stacks' state, which `arca bootstrap` makes once an account."""
    return f"{PROJECT}-state-{account_id}"


def boundary_arn(account_id: str) -> str:
    """The permissions boundary of every role, which `arca bootstrap` makes once an account."""
    return f"arn:aws:iam::{account_id}:policy/{PROJECT}-boundary"


def role_path(stack: str) -> str:
    """The path of a stack's roles: what a pipeline may change is said by path, not by name."""
    return f"/{PROJECT}/{stack}/"


DELIVERY_PATH = f"/{PROJECT}-delivery/"
"""The path of the pipeline's own roles, which no pipeline may change."""


@dataclass(frozen=True)
class Names:
    """The DNS names of a stack, all below the domain of its stage."""

    domain: str
    region: str

    @property
    def public(self) -> str:
        """The API, as customers know it; at Cloudflare."""
        return f"api.{self.domain}"

    @property
    def regional_public(self) -> str:
        """The same through Cloudflare, but always this region: what health checks ask."""
        return f"api-{self.region}.{self.domain}"

    @property
    def origin_zone(self) -> str:
        """The zone in Route 53, delegated from Cloudflare."""
        return f"origin.{self.domain}"

    @property
    def origin(self) -> str:
        """What Cloudflare connects to, whichever region answers; in the origin zone."""
        return f"api.{self.origin_zone}"

    @property
    def regional_origin(self) -> str:
        """This region's load balancer; in the origin zone."""
        return f"{self.region}.{self.origin_zone}"


def default_tags(*, stack: str, stage: str, owner: str, cost_center: str) -> dict[str, str]:
    """The tags that the AWS provider puts on everything in a stack.

    The component and the data class differ within a stack, so components.component adds
    those two to what each component declares.
    """
    return {
        "project": PROJECT,
        "stack": stack,
        "stage": stage,
        "owner": owner,
        "cost-center": cost_center,
        "managed-by": "pulumi",
    }
