"""The base of every component, and the place where a stack stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
import pulumi_tls as tls

from arca.naming import boundary_arn, default_tags, prefix, role_path

Text = pulumi.Input[str]

DataClass = Literal["public", "internal", "confidential"]
"""Confidential is whatever can hold an invoice, a CUIT, a credential or a key."""


@dataclass(frozen=True)
class Place:
    """The facts about a stack that any component may need."""

    stack: str
    stage: Literal["dev", "staging", "prod"]
    region: str
    account_id: str
    replica_region: str | None
    """The region that receives copies of durable data, if any."""
    protect: bool
    """True when durable resources are protected from deletion."""
    disposable: bool
    """True when destroying the stack must leave nothing behind, as for a review stack."""
    providers: tuple[pulumi.ProviderResource, ...]

    @property
    def prefix(self) -> str:
        """The beginning of physical names, for example `arca-prod`."""
        return prefix(self.stack)


def declare_providers(
    *, stack: str, stage: str, region: str, account_id: str, team: str, cost_center: str
) -> tuple[pulumi.ProviderResource, ...]:
    """Declare one provider of each package; AWS's accepts credentials of `account_id` only."""
    tags = default_tags(stack=stack, stage=stage, owner=team, cost_center=cost_center)
    return (
        aws.Provider(
            "aws",
            region=region,
            allowed_account_ids=[account_id],
            default_tags={"tags": tags},
        ),
        cloudflare.Provider("cloudflare"),
        random.Provider("random"),
        tls.Provider("tls"),
    )


class Component(pulumi.ComponentResource):
    """A part of the platform with its own settings.

    Every taggable AWS resource below it carries its name, its component and its data class.
    The provider's default tags cannot carry those three: they differ within a stack, and a
    provider for each component would start a plugin process each (docs/adr/0006-tags.md).

    `opts` of the caller are merged with the component's own (`pulumi.ResourceOptions.merge`). A
    component that is renamed takes its old name from there:
    `opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])`. Pulumi then gives the same
    alias to each child whose name begins with the component's name.
    """

    def __init__(
        self,
        token: str,
        name: str,
        place: Place,
        *,
        data_class: DataClass,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self.place = place

        def stamp(
            args: pulumi.ResourceTransformationArgs,
        ) -> pulumi.ResourceTransformationResult | None:
            props = cast("dict[str, object]", args.props)
            if args.type_ == "aws:iam/role:Role":
                # The pipeline may create a role only below the stack's path and within the
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

        own = pulumi.ResourceOptions(providers=list(place.providers), transformations=[stamp])
        super().__init__(token, name, None, pulumi.ResourceOptions.merge(own, opts))

    def child(
        self,
        *,
        depends_on: list[pulumi.Resource] | None = None,
        ignore_changes: list[str] | None = None,
        custom_timeouts: pulumi.CustomTimeouts | None = None,
        aliases: Sequence[pulumi.Alias] | None = None,
    ) -> pulumi.ResourceOptions:
        """Return the options of a resource that belongs to this component.

        A resource that is renamed names its old logical name in `aliases`.
        """
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            ignore_changes=ignore_changes,
            custom_timeouts=custom_timeouts,
            aliases=aliases,
        )

    def durable(
        self,
        *,
        depends_on: list[pulumi.Resource] | None = None,
        custom_timeouts: pulumi.CustomTimeouts | None = None,
        aliases: Sequence[pulumi.Alias] | None = None,
    ) -> pulumi.ResourceOptions:
        """Return the options of a child that holds data, or without which data is unreadable.

        On a protected stack Pulumi refuses to delete it. Unprotected by hand
        (`pulumi state unprotect`), it stays in the cloud when the program no longer declares it.
        """
        kept = pulumi.ResourceOptions(
            protect=self.place.protect, retain_on_delete=self.place.protect
        )
        options = self.child(
            depends_on=depends_on, custom_timeouts=custom_timeouts, aliases=aliases
        )
        return pulumi.ResourceOptions.merge(options, kept)

    def staying(self, *, depends_on: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        """Return the options of a child that outlives the stack, unless the stack is disposable.

        So it is with buckets and what closes them: S3 deletes no bucket with objects in it.
        """
        kept = pulumi.ResourceOptions(retain_on_delete=not self.place.disposable)
        return pulumi.ResourceOptions.merge(self.child(depends_on=depends_on), kept)


def after(value: pulumi.Output[str], *others: pulumi.Output[Any]) -> pulumi.Output[str]:
    """Return the value, known only once the others are; whoever uses it waits for all of them."""
    return pulumi.Output.all(value, *others).apply(lambda known: str(known[0]))
