"""Decides what becomes of a declared resource: the same, created, updated or replaced.

As Pulumi's engine and the providers' schemas do: a changed input is an update where the type has
one, else a replacement where the type says so, else an error. No change passes unnoticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from arca.emulator.program.engine import Registration, holds_unknown
from arca.emulator.provider.changes import CHANGES
from arca.emulator.provider.changes.definition import Changes, Update
from arca.emulator.provider.made import MadeResource
from arca.emulator.provider.resources import RECORDED, RESOURCES
from arca.emulator.provider.resources.definition import ONLY_ON_CHANGE, PROVIDER_ONLY
from arca.errors import ArcaError, Refused

StepAction = Literal["same", "create", "update", "replace", "delete", "retain"]
NO_CALL = (ONLY_ON_CHANGE, PROVIDER_ONLY)
"""Reasons of inputs that no call carries, neither a creation's nor an update's."""
PROVIDER = "pulumi:providers:"


@dataclass(frozen=True)
class Decision:
    """What becomes of a resource, and which inputs decided that."""

    action: StepAction
    resource: MadeResource
    """What the program declares, or what is deleted."""
    before: MadeResource | None = None
    changed: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    delete_first: bool = False

    @property
    def reason(self) -> str:
        """The changed inputs as a list in a sentence."""
        return ", ".join(self.changed)


def kept_inputs(registration: Registration, before: MadeResource | None) -> Mapping[str, Any]:
    """Return the inputs, with the former values of those whose changes the program ignores."""
    if before is None:
        return registration.inputs
    inputs = dict(registration.inputs)
    for name in registration.ignore_changes:
        if name in before.inputs:
            inputs[name] = before.inputs[name]
        else:
            inputs.pop(name, None)
    return inputs


def decide(
    resource: MadeResource, before: MadeResource | None, *, delete_first: bool = False
) -> Decision:
    """Return what becomes of a declared resource.

    Raises ArcaError for a change that the tables do not know, and Refused for a replacement of a
    protected resource.
    """
    if before is None:
        return Decision("create", resource)
    changed = changed_inputs(resource, before)
    if not changed:
        return Decision("same", resource, before)
    if resource.type.startswith(PROVIDER):
        return Decision("update", resource, before, changed)
    if resource.type.startswith(RECORDED):
        # random and tls change nothing in place (their schemas: every input is ForceNew).
        return _replace(resource, before, changed, delete_first=False)
    changes = CHANGES.get(resource.type, Changes())
    updates: list[Update] = []
    replaces: list[str] = []
    for name in changed:
        update = _update_of(changes, name, before, resource)
        if update is not None:
            updates += [] if update in updates else [update]
        elif name in changes.replaces or name == "region":
            replaces.append(name)
        elif not _is_recorded(changes, resource.type, name):
            raise _unknown(resource, name)
    if replaces:
        first = delete_first or changes.delete_first or _same_name(changes, resource, before)
        return _replace(resource, before, tuple(replaces), delete_first=first)
    ordered = tuple(update for update in changes.updates if update in updates)
    return Decision("update", resource, before, changed, ordered)


def deletion(resource: MadeResource) -> Decision:
    """Return how a resource goes that the program no longer declares.

    Raises Refused for a protected one, and ArcaError where nobody knows how to delete it.
    """
    if resource.protect:
        # Also for one that is retained (pulumi/pulumi, pkg/resource/deploy/step.go, DeleteStep).
        raise Refused(
            f"The resource {resource.name} cannot be deleted because it is protected.",
            where=resource.urn,
            wanted="a program that still declares it; nothing was changed",
            do="undo the setting that removes it, or first update the stack with the settings of "
            "before and `--set protected=false`",
        )
    if resource.retain:
        return Decision("retain", resource)
    require_deletable(resource)
    return Decision("delete", resource)


def changed_inputs(resource: MadeResource, before: MadeResource) -> tuple[str, ...]:
    """Return the inputs that differ, and `tags` where only the provider's default tags do."""
    old, new = before.inputs, resource.inputs
    changed = {name for name in old.keys() | new.keys() if _differ(old.get(name), new.get(name))}
    if before.tags != resource.tags:
        changed.add("tags")
    elif before.tags is not None:
        changed.discard("tags")
    return tuple(sorted(changed))


def _differ(old: Any, new: Any) -> bool:
    return old != new or holds_unknown(new)


def _update_of(
    changes: Changes, name: str, before: MadeResource, resource: MadeResource
) -> Update | None:
    for update in changes.updates:
        if name in update.inputs and update.when(before.inputs, resource.inputs):
            return update
    return None


def _is_recorded(changes: Changes, kind: str, name: str) -> bool:
    return name in changes.recorded or RESOURCES[kind].not_sent.get(name) in NO_CALL


def _same_name(changes: Changes, resource: MadeResource, before: MadeResource) -> bool:
    name = changes.name
    return bool(name) and resource.inputs.get(name) == before.inputs.get(name) is not None


def _replace(
    resource: MadeResource, before: MadeResource, changed: tuple[str, ...], *, delete_first: bool
) -> Decision:
    if resource.protect and before.protect:
        # pulumi/pulumi, pkg/resource/deploy/step_generator.go: "unable to replace resource".
        raise Refused(
            f"The resource {resource.name} cannot be replaced because it is protected; "
            f"{', '.join(changed)} would replace it.",
            where=resource.urn,
            wanted="settings that change it in place; nothing was changed",
            do="undo the setting that replaces it, or take the protection off with "
            "`--set protected=false`",
        )
    if not before.retain:
        require_deletable(before)
    return Decision("replace", resource, before, changed, delete_first=delete_first)


def require_deletable(resource: MadeResource) -> None:
    """Raise ArcaError for a type whose deletion the tables do not know."""
    changes = CHANGES.get(resource.type, Changes())
    if changes.deletes or changes.stays or resource.type.startswith(RECORDED):
        return
    raise ArcaError(
        f"The emulator does not know how to delete {resource.name}, {resource.type}.",
        where=resource.urn,
        wanted="an entry with `deletes` in arca/emulator/provider/changes",
        do="add the calls by which the provider deletes it, or bring the stack up anew",
    )


def _unknown(resource: MadeResource, name: str) -> ArcaError:
    return ArcaError(
        f"The emulator does not know how to update {name} of {resource.name}, {resource.type}.",
        where=resource.urn,
        wanted=f"an entry for {name} in arca/emulator/provider/changes",
        do="add the calls by which the provider changes it, or bring the stack up anew",
    )
