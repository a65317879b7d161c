"""GitHub Actions' roles: one for each purpose, bound to one environment of one repository.

What a job's login must say besides is in `trust.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from arca.naming import DELIVERY_PATH
from arca.outputs import DeliveryOutputs
from components.component import Component, Place
from components.delivery import permissions, trust
from components.delivery.spec import DeliverySpec
from components.iam import Statement, document
from components.wires import ReleaseScope

SESSION_SECONDS = 7200
"""The longest login in seconds; .github/actions/prepare asks for exactly this."""


@dataclass(frozen=True)
class RolePlan:
    """One role before it exists."""

    repository: str
    managed: Sequence[str]
    statements: Sequence[Statement]


class Delivery(Component):
    """The roles `preview`, `look`, `infra` and `release`; `review` and `sweep` with review stacks.

    `look` has the permissions of `preview`, and `sweep` those of `review`. They serve environments
    that only the main branch may use and that need no reviewer: the daily check for drift, and
    the removal of expired review stacks.

    `arca bootstrap` creates the account's identity provider, permissions boundary and state
    bucket before any stack. The roles are outside the path that the pipeline may change, so that
    no pull request can widen the pipeline's own permissions.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: DeliverySpec,
        place: Place,
        *,
        primary_stack: str | None,
        migrates: bool,
        released: ReleaseScope,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:delivery:Delivery", name, place, data_class="internal", opts=opts)
        self.role_arns = {}
        if spec.infra_repository is not None and spec.application_repository is not None:
            # A secondary reads its primary's exports from the primary's state.
            stacks = [place.stack, *([primary_stack] if primary_stack else [])]
            changes = [permissions.POWER_USER, permissions.IAM_READ_ONLY]
            reads = RolePlan(
                spec.infra_repository,
                [permissions.READ_ONLY_ACCESS],
                permissions.preview(place, stacks),
            )
            plans = {
                "preview": reads,
                "look": reads,
                "infra": RolePlan(
                    spec.infra_repository, changes, permissions.infra(place, place.stack)
                ),
                "release": RolePlan(
                    spec.application_repository,
                    [],
                    permissions.release(place, stacks, released, migrates=migrates),
                ),
            }
            if spec.review_stacks:
                of_reviews = RolePlan(
                    spec.infra_repository, changes, permissions.infra(place, "review-*")
                )
                plans |= {"review": of_reviews, "sweep": of_reviews}
            for purpose, plan in plans.items():
                conditions = trust.conditions(
                    purpose,
                    environment=f"{place.stack}-{purpose}",
                    caller=plan.repository,
                    ours=spec.infra_repository,
                )
                self.role_arns[purpose] = self._role(name, purpose, plan, conditions)
        self.register_outputs({})

    def outputs(self) -> DeliveryOutputs[pulumi.Output[str]] | None:
        """The roles for the stack's exports; None where the settings name no repository."""
        arns = self.role_arns
        if not arns:
            return None
        return DeliveryOutputs[pulumi.Output[str]](
            preview=arns["preview"],
            look=arns["look"],
            infra=arns["infra"],
            release=arns["release"],
            review=arns.get("review"),
            sweep=arns.get("sweep"),
        )

    def _role(
        self, name: str, purpose: str, plan: RolePlan, conditions: trust.Conditions
    ) -> pulumi.Output[str]:
        place = self.place
        provider = f"arn:aws:iam::{place.account_id}:oidc-provider/{trust.ISSUER}"
        role = aws.iam.Role(
            f"{name}-{purpose}",
            name=f"{place.prefix}-{purpose}",
            path=DELIVERY_PATH,
            max_session_duration=SESSION_SECONDS,
            assume_role_policy=document(
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": conditions,
                }
            ),
            opts=self.child(),
        )
        aws.iam.RolePolicy(
            f"{name}-{purpose}",
            role=role.name,
            policy=document(*plan.statements),
            opts=self.child(),
        )
        for policy_arn in plan.managed:
            aws.iam.RolePolicyAttachment(
                f"{name}-{purpose}-{policy_arn.rpartition('/')[2]}",
                role=role.name,
                policy_arn=policy_arn,
                opts=self.child(),
            )
        return role.arn
