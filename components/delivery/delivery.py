"""GitHub Actions' roles: one a purpose, each bound to one environment of one repository."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from arca.naming import DELIVERY_PATH
from components.component import Component, Place
from components.delivery import permissions
from components.delivery.permissions import Released
from components.delivery.spec import DeliverySpec
from components.iam import Statement, document

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
SESSION_SECONDS = 7200
"""How long a login may last; .github/actions/prepare asks for as much."""


@dataclass(frozen=True)
class Purpose:
    """One role before it exists."""

    repository: str
    managed: Sequence[str]
    statements: Sequence[Statement]


def subject(repository: str, environment: str) -> str:
    """The `sub` of a job in an environment.

    Only an environment can be guarded: by reviewers and by the branches that may use it. The
    subject `repo:...:pull_request` is one for every pull request of the repository, whoever
    opened it, and a branch is whatever somebody pushes (GitHub Docs, "OpenID Connect
    reference", subject claims).

    GitHub writes `owner@<id>/name@<id>` for every repository made or renamed since 15 July 2026,
    and so the setting may carry the ids ("Immutable subject claims").
    """
    return f"repo:{repository}:environment:{environment}"


class Delivery(Component):
    """The roles `preview`, `look`, `infra` and `release`; `review` and `sweep` with review stacks.

    `look` reads what `preview` reads and `sweep` does what `review` does, but they serve
    environments that only the main branch may use, so that no reviewer has to wake up for the
    daily look at drift or for a review stack whose time is over.

    Their identity provider, the permissions boundary and the state's bucket are the account's:
    `arca bootstrap` makes them before any stack. The roles stand outside of the path that the
    pipeline may change, so that no pull request widens what the pipeline itself may do.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: DeliverySpec,
        place: Place,
        *,
        primary_stack: str | None,
        released: Released,
    ) -> None:
        super().__init__("arca:delivery:Delivery", name, place, data_class="internal")
        self.role_arns = {}
        if spec.infra_repository is not None and spec.application_repository is not None:
            # A secondary reads its primary's exports, which are in the primary's state.
            stacks = [place.stack, *([primary_stack] if primary_stack else [])]
            changes = [permissions.POWER_USER, permissions.IAM_READ_ONLY]
            reads = Purpose(
                spec.infra_repository,
                [permissions.READ_ONLY],
                permissions.preview(place, stacks),
            )
            purposes = {
                "preview": reads,
                "look": reads,
                "infra": Purpose(
                    spec.infra_repository, changes, permissions.infra(place, place.stack)
                ),
                "release": Purpose(
                    spec.application_repository, [], permissions.release(place, stacks, released)
                ),
            }
            if spec.review_stacks:
                of_reviews = Purpose(
                    spec.infra_repository, changes, permissions.infra(place, "review-*")
                )
                purposes |= {"review": of_reviews, "sweep": of_reviews}
            for key, purpose in purposes.items():
                self.role_arns[key] = self._role(name, key, purpose)
        self.register_outputs({})

    def _role(self, name: str, key: str, purpose: Purpose) -> pulumi.Output[str]:
        place = self.place
        provider = f"arn:aws:iam::{place.account_id}:oidc-provider/{ISSUER}"
        claims = {
            f"{ISSUER}:aud": AUDIENCE,
            f"{ISSUER}:sub": subject(purpose.repository, f"{place.stack}-{key}"),
        }
        role = aws.iam.Role(
            f"{name}-{key}",
            name=f"{place.prefix}-{key}",
            path=DELIVERY_PATH,
            max_session_duration=SESSION_SECONDS,
            assume_role_policy=document(
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": claims},
                }
            ),
            opts=self.child(),
        )
        aws.iam.RolePolicy(
            f"{name}-{key}",
            role=role.name,
            policy=document(*purpose.statements),
            opts=self.child(),
        )
        for policy_arn in purpose.managed:
            aws.iam.RolePolicyAttachment(
                f"{name}-{key}-{policy_arn.rpartition('/')[2]}",
                role=role.name,
                policy_arn=policy_arn,
                opts=self.child(),
            )
        return role.arn
