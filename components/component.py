"""The base of every component: one type token, two tags, one way to be durable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import pulumi

from arca.naming import boundary_arn, prefix, role_path

DataClass = Literal["public", "internal", "confidential"]
"""Confidential is whatever can hold an invoice, a CUIT, a credential or a key."""


Adopt = Callable[[str], pulumi.Output[str]]
"""From a role to the ARN of its copy, which the primary made in a secondary's region."""


@dataclass(frozen=True)
class Login:
    """A database user."""

    username: str
    password: pulumi.Output[str] | None
    """None where somebody else makes it: RDS, or the primary."""
    version: int
    """Rises with each new password."""


@dataclass(frozen=True)
class Place:
    """Where a stack stands: the few facts that any component may need."""

    stack: str
    stage: Literal["dev", "staging", "prod"]
    region: str
    account_id: str
    replica_region: str | None
    """Where copies of what is durable go, if anywhere."""
    protect: bool
    """Whether what is durable is protected from deletion."""
    disposable: bool
    """Whether destroying the stack leaves nothing behind: a review stack's."""
    providers: tuple[pulumi.ProviderResource, ...]

    @property
    def prefix(self) -> str:
        """The beginning of physical names, for example `arca-prod`."""
        return prefix(self.stack)


class Component(pulumi.ComponentResource):
    """A noun of the platform.

    Every taggable AWS resource below it carries its name, its component and its data class.
    The provider's default tags cannot carry those three: they differ within a stack, and one
    provider a component would start one plugin process each (docs/adr/0006-tags.md).
    """

    def __init__(
        self,
        token: str,
        name: str,
        place: Place,
        *,
        data_class: DataClass,
    ) -> None:
        self.place = place

        def stamp(
            args: pulumi.ResourceTransformationArgs,
        ) -> pulumi.ResourceTransformationResult | None:
            props = cast("dict[str, object]", args.props)
            if args.type_ == "aws:iam/role:Role":
                # The pipeline may make a role only below the stack's path and within the
                # account's boundary (docs/pipeline.md).
                boundary = boundary_arn(place.account_id)
                path = props.get("path") or role_path(place.stack)
                props = {**props, "path": path, "permissions_boundary": boundary}
            # Exactly the resource classes that take the provider's default tags have `tags_all`.
            if "tags_all" not in props:
                return None
            tags = {
                "Name": f"{place.prefix}-{args.name}",
                "component": name,
                "data-class": data_class,
                **cast("dict[str, object]", props.get("tags") or {}),
            }
            return pulumi.ResourceTransformationResult({**props, "tags": tags}, args.opts)

        super().__init__(
            token,
            name,
            None,
            pulumi.ResourceOptions(providers=list(place.providers), transformations=[stamp]),
        )

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports, by the names of arca/outputs.py."""
        return {}

    def child(
        self,
        *,
        depends_on: list[pulumi.Resource] | None = None,
        ignore_changes: list[str] | None = None,
        custom_timeouts: pulumi.CustomTimeouts | None = None,
        delete_before_replace: bool | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a resource that belongs to this component."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            ignore_changes=ignore_changes,
            custom_timeouts=custom_timeouts,
            delete_before_replace=delete_before_replace,
        )

    def durable(
        self,
        *,
        depends_on: list[pulumi.Resource] | None = None,
        ignore_changes: list[str] | None = None,
        custom_timeouts: pulumi.CustomTimeouts | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a resource whose loss loses data: protected, and kept when forgotten."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            ignore_changes=ignore_changes,
            custom_timeouts=custom_timeouts,
            protect=self.place.protect,
            retain_on_delete=self.place.protect,
        )
