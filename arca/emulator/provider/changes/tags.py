"""How each service changes the tags of a resource that is there."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from arca.emulator.provider.changes.definition import Update, before
from arca.emulator.provider.resources.definition import ApiCall, ResourceState

Target = Callable[[ResourceState], Mapping[str, Any]]


def set_tags(state: ResourceState) -> dict[str, str]:
    """Return the tags that an update adds or changes."""
    old = before(state).get("tags", {})
    return {key: value for key, value in state["tags"].items() if old.get(key) != value}


def removed_tags(state: ResourceState) -> list[str]:
    """Return the keys of the tags that an update removes."""
    return [key for key in before(state).get("tags", {}) if key not in state["tags"]]


def by_calls(
    service: str,
    add: str,
    remove: str,
    target: Target,
    *,
    pairs: tuple[str, str, str] | str = ("Tags", "Key", "Value"),
    keys: str = "TagKeys",
    only_validated: str = "",
) -> tuple[Update, ...]:
    """Return the update of tags by a call that adds and one that removes.

    `pairs` names the list and the members of its pairs, or a map from key to value. `keys` names
    the list of keys.
    """

    def added(state: ResourceState) -> dict[str, Any]:
        tags = set_tags(state)
        if isinstance(pairs, str):
            return {**target(state), pairs: tags}
        name, key, value = pairs
        return {**target(state), name: [{key: k, value: v} for k, v in tags.items()]}

    return (
        Update(
            ("tags",),
            (
                ApiCall(
                    service,
                    add,
                    added,
                    when=lambda s: bool(set_tags(s)),
                    only_validated=only_validated,
                ),
                ApiCall(
                    service,
                    remove,
                    lambda s: {**target(s), keys: removed_tags(s)},
                    when=lambda s: bool(removed_tags(s)),
                    only_validated=only_validated,
                ),
            ),
        ),
    )


def of_ec2(*, only_validated: str = "") -> tuple[Update, ...]:
    """Return the update of the tags of a resource of EC2."""
    return (
        Update(
            ("tags",),
            (
                ApiCall(
                    "ec2",
                    "create_tags",
                    lambda s: {
                        "Resources": [s["id"]],
                        "Tags": [{"Key": k, "Value": v} for k, v in set_tags(s).items()],
                    },
                    when=lambda s: bool(set_tags(s)),
                    only_validated=only_validated,
                ),
                ApiCall(
                    "ec2",
                    "delete_tags",
                    lambda s: {
                        "Resources": [s["id"]],
                        "Tags": [{"Key": key} for key in removed_tags(s)],
                    },
                    when=lambda s: bool(removed_tags(s)),
                    only_validated=only_validated,
                ),
            ),
        ),
    )


def of_arn(
    service: str,
    name: str,
    *,
    style: Literal["Tag", "tag"] = "Tag",
    as_map: bool = False,
    output: str = "arn",
    only_validated: str = "",
) -> tuple[Update, ...]:
    """Return the update by TagResource and UntagResource, whose parameter `name` takes the ARN."""
    upper = style == "Tag"
    key, value = ("Key", "Value") if upper else ("key", "value")
    listed = "Tags" if upper else "tags"
    return by_calls(
        service,
        "tag_resource",
        "untag_resource",
        lambda s: {name: s[output]},
        pairs=listed if as_map else (listed, key, value),
        keys="TagKeys" if upper else "tagKeys",
        only_validated=only_validated,
    )


def of_route53(kind: str) -> tuple[Update, ...]:
    """Return the update of the tags of a hosted zone or a health check."""

    def params(state: ResourceState) -> dict[str, Any]:
        added = [{"Key": k, "Value": v} for k, v in set_tags(state).items()]
        removed = removed_tags(state)
        return {
            "ResourceType": kind,
            "ResourceId": state["id"],
            **({"AddTags": added} if added else {}),
            **({"RemoveTagKeys": removed} if removed else {}),
        }

    return (Update(("tags",), (ApiCall("route53", "change_tags_for_resource", params),)),)
