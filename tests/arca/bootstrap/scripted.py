"""A scripted CloudFormation, for what moto does not do: imports, failures, changed properties.

It answers the calls of one client. Botocore checks each request and each answer against the
model of the service, before and after.
"""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STACK_ARN = "arn:aws:cloudformation:us-east-1:123456789012:stack/arca-bootstrap/1"
CHANGE_SET_ARN = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/arca-bootstrap-1/1"
NO_CHANGES = "The submitted information didn't contain changes."
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class ScriptedCloudFormation:
    """The stack `arca-bootstrap` and its change sets; tests set its attributes."""

    def __init__(self, client: Any) -> None:
        self.status: str | None = None
        """The stack's status; None is no stack."""
        self.version: str | None = "1"
        self.parameters: dict[str, str] = {}
        self.resources: dict[str, str] = {}
        self.changes: list[Sequence[Mapping[str, Any]]] = []
        """The resource changes of each change set to come; one that is empty has no changes."""
        self.waits = 0
        """How many looks find a change set or a deployment still in progress."""
        self.refusal: str | None = None
        """The reason that a change set fails with."""
        self.failure: str | None = None
        """The status that the next deployment ends with."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._events: list[dict[str, Any]] = []
        self._open: Sequence[Mapping[str, Any]] = ()
        self._left = 0
        self._resources_ended = False
        self._kind = ""
        self._request: dict[str, Any] = {}
        self._client = client
        client.meta.events.register("before-parameter-build.cloudformation", self._note)
        client.meta.events.register("before-call.cloudformation", self._answer)

    def called(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.name, params))
        self._request = params

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        handlers: Mapping[str, Callable[[], dict[str, Any]]] = {
            "DescribeStacks": self._describe_stacks,
            "ListStackResources": self._list_stack_resources,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DescribeStackEvents": self._describe_stack_events,
            "DeleteChangeSet": self._delete_change_set,
            "DeleteStack": self._delete_stack,
        }
        answer = handlers[model.name]()
        if "Error" in answer:
            return SimpleNamespace(status_code=400), answer
        if model.output_shape is not None:
            problems = ParamValidator().validate(answer, model.output_shape)
            assert not problems.has_errors(), problems.generate_report()
        metadata = {"HTTPStatusCode": 200, "RequestId": "1", "RetryAttempts": 0}
        return SimpleNamespace(status_code=200), {**answer, "ResponseMetadata": metadata}

    def _describe_stacks(self) -> dict[str, Any]:
        if self.status is None:
            message = "Stack with id arca-bootstrap does not exist"
            return {"Error": {"Code": "ValidationError", "Message": message}}
        outputs = [{"OutputKey": "TemplateVersion", "OutputValue": self.version}]
        stack = {
            "StackName": "arca-bootstrap",
            "StackId": STACK_ARN,
            "CreationTime": MOMENT,
            "StackStatus": self.status,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in self.parameters.items()
            ],
            **({"Outputs": outputs} if self.version else {}),
        }
        return {"Stacks": [stack]}

    def _list_stack_resources(self) -> dict[str, Any]:
        summaries = [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": physical,
                "ResourceType": "AWS::Some::Type",
                "LastUpdatedTimestamp": MOMENT,
                "ResourceStatus": "UPDATE_COMPLETE",
            }
            for logical, physical in self.resources.items()
        ]
        return {"StackResourceSummaries": summaries}

    def _create_change_set(self) -> dict[str, Any]:
        self._open, self._left = self.changes.pop(0), self.waits
        if self._request["ChangeSetType"] != "UPDATE":
            self.status = "REVIEW_IN_PROGRESS"
        self._kind = self._request["ChangeSetType"]
        return {"Id": CHANGE_SET_ARN, "StackId": STACK_ARN}

    def _describe_change_set(self) -> dict[str, Any]:
        if self._left:
            self._left -= 1
            return {"Status": "CREATE_IN_PROGRESS"}
        if self.refusal or not self._open:
            return {"Status": "FAILED", "StatusReason": self.refusal or NO_CHANGES}
        changes = [{"Type": "Resource", "ResourceChange": dict(one)} for one in self._open]
        return {"Status": "CREATE_COMPLETE", "Changes": changes}

    def _execute_change_set(self) -> dict[str, Any]:
        self._left, self._resources_ended = self.waits, False
        self._event("arca-bootstrap", f"{self._kind}_IN_PROGRESS", STACK_ARN)
        self.status = f"{self._kind}_IN_PROGRESS"
        return {}

    def _describe_stack_events(self) -> dict[str, Any]:
        if self.status and self.status.endswith("_IN_PROGRESS") and self.status[0] != "R":
            if self._left:
                self._left -= 1
            elif not self._resources_ended:
                self._end_resources()
            else:
                self.status = self.failure or f"{self._kind}_COMPLETE"
                self._event("arca-bootstrap", self.status, STACK_ARN)
        return {"StackEvents": self._events[::-1]}

    def _end_resources(self) -> None:
        """End each resource; the next look finds the stack ended too."""
        self._resources_ended = True
        for change in self._open:
            logical, action = change["LogicalResourceId"], change["Action"]
            if self.failure:
                self._event(logical, f"{self._kind}_FAILED", "x", f"{logical} cannot be made")
            elif action == "Remove":
                self.resources.pop(logical)
            else:
                self._event(logical, f"{self._kind}_COMPLETE", "x")
                self.resources.setdefault(logical, f"{logical}-1")

    def _event(self, logical: str, status: str, physical: str, reason: str = "") -> None:
        self._events.append(
            {
                "StackId": STACK_ARN,
                "EventId": str(len(self._events)),
                "StackName": "arca-bootstrap",
                "LogicalResourceId": logical,
                "PhysicalResourceId": physical,
                "ResourceStatus": status,
                "Timestamp": MOMENT,
                **({"ResourceStatusReason": reason} if reason else {}),
            }
        )

    def _delete_change_set(self) -> dict[str, Any]:
        return {}

    def _delete_stack(self) -> dict[str, Any]:
        self.status = None
        return {}


def change(logical_id: str, action: str = "Modify", replacement: str = "", *names: str) -> Any:
    """Return one resource's change, with the names of the properties that change."""
    details = [{"Target": {"Attribute": "Properties", "Name": name}} for name in names]
    return {
        "LogicalResourceId": logical_id,
        "Action": action,
        **({"Replacement": replacement} if replacement else {}),
        **({"Details": details} if details else {}),
    }
