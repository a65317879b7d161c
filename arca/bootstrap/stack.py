"""The bootstrap's stack: its state, its change sets and how they are executed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from botocore.exceptions import ClientError

from arca.bootstrap.account import Identifier
from arca.bootstrap.template import STACK_NAME, template
from arca.clients import Account, account_client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        StackEventTypeDef,
    )

USABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
"""Statuses of a stack that an update may start from."""
EMPTY = "REVIEW_IN_PROGRESS"
"""The status of a stack whose first change set was never executed: it has no resources."""
SUCCEEDED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set without changes, in two wordings."""
CAPABILITY = "CAPABILITY_NAMED_IAM"
"""The template creates a managed policy with a name of its own."""
POLL_SECONDS = 2.0
MAX_POLLS = 900
"""Half an hour: CloudFormation creates these resources within minutes."""

ChangeSetKind = Literal["CREATE", "UPDATE", "IMPORT"]


@dataclass(frozen=True)
class BootstrapStack:
    """A deployed stack that can be updated."""

    parameters: Mapping[str, str]
    version: int | None
    """The template's version; None where CloudFormation shows no outputs."""
    physical_ids: Mapping[str, str]
    """The physical id of each resource, by its logical id."""


@dataclass(frozen=True)
class ResourceChange:
    """One line of a change set."""

    logical_id: str
    action: str
    """Add, Modify, Remove, Import, Dynamic or SyncWithActual."""
    replacement: str
    """True, False, Conditional, or nothing for an action that replaces nothing."""
    properties: tuple[str, ...]
    """The properties that change."""


@dataclass(frozen=True)
class ChangeSetRequest:
    """A change set that is still to be created."""

    kind: ChangeSetKind
    template: str
    parameters: Mapping[str, str]
    imports: Mapping[str, Identifier]
    """What an import names: the identifier of each resource, by its logical id."""


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    kind: ChangeSetKind
    arn: str
    stack_arn: str
    changes: Sequence[ResourceChange]


def delete_stack_command(region: str) -> str:
    """Return the command that deletes the stack and keeps its resources."""
    named = f"--stack-name {STACK_NAME} --region {region}"
    return (
        f"aws cloudformation delete-stack {named} && "
        f"aws cloudformation wait stack-delete-complete {named}"
    )


def read_stack(account: Account) -> BootstrapStack | None:
    """Return the stack, or None where there is none.

    Raises Refused while an operation of it runs, and ArcaError when its status allows no update.
    """
    client = account_client(account, "cloudformation")
    with explained(account, f"The stack {STACK_NAME} cannot be read"):
        try:
            stack = client.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if stack["StackStatus"] == EMPTY:
            return None
        _require_usable(account, stack["StackStatus"], stack.get("StackStatusReason", ""))
        pages = client.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
        physical_ids = {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
            for page in pages
            for one in page["StackResourceSummaries"]
        }
    outputs = {one.get("OutputKey"): one.get("OutputValue") for one in stack.get("Outputs", [])}
    version = outputs.get("TemplateVersion")
    return BootstrapStack(
        {
            one.get("ParameterKey", ""): str(one.get("ParameterValue", ""))
            for one in stack.get("Parameters", [])
        },
        int(version) if version else None,
        {logical: physical for logical, physical in physical_ids.items() if physical},
    )


def _require_usable(account: Account, status: str, reason: str) -> None:
    if status in USABLE:
        return
    where = f"stack {STACK_NAME}, {account.where}"
    named = f"--stack-name {STACK_NAME} --region {account.region}"
    said = f"The stack {STACK_NAME} is {status}." + (f" {reason}" if reason else "")
    if status.endswith("_IN_PROGRESS"):
        raise Refused(
            said,
            where=where,
            wanted="a stack that nobody is changing",
            do=f"wait until it has ended: aws cloudformation describe-stacks {named}; "
            "then run this again",
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        raise ArcaError(
            said,
            where=where,
            wanted="a stack that was rolled back completely",
            do=f"aws cloudformation continue-update-rollback {named}, then run this again",
        )
    raise ArcaError(
        said,
        where=where,
        wanted=f"a stack in one of the states {', '.join(sorted(USABLE))}",
        do=f"{delete_stack_command(account.region)}; this keeps the state and its key. Then run "
        "this again, which imports what was kept",
    )


def create_change_set(
    account: Account, request: ChangeSetRequest, clock: Clock
) -> ChangeSet | None:
    """Create a change set and wait until it can be executed; None where nothing would change.

    An update also reverts what was changed by hand. Source: AWS CloudFormation User Guide, "Using
    drift-aware change sets". Raises ArcaError with CloudFormation's reason when it fails.
    """
    client = account_client(account, "cloudformation")
    with explained(account, "The change set cannot be created"):
        try:
            made = client.create_change_set(**_call(request))
        except ClientError as error:
            if any(wording in str(error) for wording in NO_CHANGES):
                return None
            raise
        found = _wait_for_change_set(client, made["Id"], clock)
        change_set = ChangeSet(request.kind, made["Id"], made["StackId"], _changes(found))
        if found["Status"] == "CREATE_COMPLETE":
            return change_set
    delete_change_set(account, change_set)
    reason = found.get("StatusReason", "")
    if any(wording in reason for wording in NO_CHANGES):
        return None
    raise ArcaError(
        f"CloudFormation refuses the change set: {reason or found['Status']}",
        where=f"stack {STACK_NAME}, {account.where}",
        wanted="a change set that can be executed",
        do="see the message above; nothing was changed",
    )


def _call(request: ChangeSetRequest) -> Any:
    call: dict[str, Any] = {
        "StackName": STACK_NAME,
        "ChangeSetName": f"{STACK_NAME}-{uuid4().hex[:8]}",
        "ChangeSetType": request.kind,
        "TemplateBody": request.template,
        "Capabilities": [CAPABILITY],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in request.parameters.items()
        ],
    }
    match request.kind:
        case "CREATE":
            # A stack whose creation failed cannot be updated, so that it goes by itself.
            return {**call, "OnStackFailure": "DELETE"}
        case "UPDATE":
            return {**call, "DeploymentMode": "REVERT_DRIFT"}
        case "IMPORT":
            types = {name: one["Type"] for name, one in template()["Resources"].items()}
            return {
                **call,
                "ResourcesToImport": [
                    {
                        "ResourceType": types[logical_id],
                        "LogicalResourceId": logical_id,
                        "ResourceIdentifier": dict(identifier),
                    }
                    for logical_id, identifier in request.imports.items()
                ],
            }


def _wait_for_change_set(
    client: "CloudFormationClient", arn: str, clock: Clock
) -> "DescribeChangeSetOutputTypeDef":
    found = client.describe_change_set(ChangeSetName=arn)
    for _ in range(MAX_POLLS):
        if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        clock.sleep(POLL_SECONDS)
        found = client.describe_change_set(ChangeSetName=arn)
    return found


def _changes(found: "DescribeChangeSetOutputTypeDef") -> list[ResourceChange]:
    changes: list[ResourceChange] = []
    for one in found.get("Changes", []):
        change = one.get("ResourceChange", {})
        targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
        names = [target.get("Name") or target.get("Attribute", "") for target in targets]
        changes.append(
            ResourceChange(
                change.get("LogicalResourceId", ""),
                change.get("Action", ""),
                change.get("Replacement", ""),
                tuple(dict.fromkeys(names)),
            )
        )
    return changes


def delete_change_set(account: Account, change_set: ChangeSet) -> None:
    """Delete a change set that is not executed, and the empty stack that it was created with."""
    client = account_client(account, "cloudformation")
    with explained(account, "The change set cannot be deleted"):
        client.delete_change_set(ChangeSetName=change_set.arn)
        if change_set.kind == "UPDATE":
            return
        stack = client.describe_stacks(StackName=change_set.stack_arn)["Stacks"][0]
        # Somebody else may have deployed the stack meanwhile; then it is not empty any more.
        if stack["StackStatus"] == EMPTY:
            client.delete_stack(StackName=change_set.stack_arn)


def execute_change_set(
    account: Account, change_set: ChangeSet, clock: Clock, progress: Callable[[str], None]
) -> None:
    """Execute a change set and wait until it has ended; `progress` is given each event's line.

    Raises ArcaError with the reasons of the failed resources when it fails or takes too long.
    """
    client = account_client(account, "cloudformation")
    failures: list[str] = []
    status = f"{change_set.kind}_IN_PROGRESS"
    with explained(account, f"The stack {STACK_NAME} cannot be deployed"):
        seen = {event["EventId"] for event in _events(client, change_set)}
        client.execute_change_set(ChangeSetName=change_set.arn)
        for _ in range(MAX_POLLS):
            for event in reversed(_events(client, change_set)):
                if event["EventId"] in seen:
                    continue
                seen.add(event["EventId"])
                line = _event_line(event)
                progress(line)
                if event.get("ResourceStatus", "").endswith("_FAILED"):
                    failures.append(line)
                # The stack's own status may still be that of the operation before.
                if event.get("PhysicalResourceId") == change_set.stack_arn:
                    status = event.get("ResourceStatus", status)
            if not status.endswith("_IN_PROGRESS"):
                break
            clock.sleep(POLL_SECONDS)
    if status in SUCCEEDED:
        return
    named = f"--stack-name {change_set.stack_arn} --region {account.region}"
    if status.endswith("_IN_PROGRESS"):
        raise ArcaError(
            f"The stack {STACK_NAME} is still {status} after half an hour.",
            where=f"stack {STACK_NAME}, {account.where}",
            wanted="an end of the deployment",
            do=f"aws cloudformation describe-stack-events {named}; when it has ended, run this "
            "again",
        )
    raise ArcaError(
        f"The deployment of {STACK_NAME} failed and ended as {status}: "
        + ("; ".join(failures) or "CloudFormation gives no reason"),
        where=f"stack {STACK_NAME}, {account.where}",
        wanted="each resource created or updated",
        do="mend what the reason names, then run this again; all events: "
        f"aws cloudformation describe-stack-events {named}",
    )


def _events(client: "CloudFormationClient", change_set: ChangeSet) -> "list[StackEventTypeDef]":
    """Return the latest events, the newest first: one page holds more than this stack makes."""
    return client.describe_stack_events(StackName=change_set.stack_arn)["StackEvents"]


def _event_line(event: "StackEventTypeDef") -> str:
    name, status = event.get("LogicalResourceId", ""), event.get("ResourceStatus", "")
    reason = event.get("ResourceStatusReason", "")
    return f"{name} {status}" + (f" ({reason})" if reason else "")
