"""An AWS that answers as a test says; botocore checks each request before."""

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from arca.clients import Account
from arca.quotas import check

Answer = Mapping[str, Any] | str | type[Exception]
"""The answer of an operation; a text is the code of an error."""
UNANSWERED = EndpointConnectionError


class ScriptedAws:
    """Answers by operation, and what was asked."""

    def __init__(self, **answers: Answer) -> None:
        self._answers: dict[str, Answer] = {
            "DescribeAddresses": {"Addresses": []},
            "DescribeVpcs": {"Vpcs": []},
            "DescribeResourcePolicies": {"resourcePolicies": []},
            "ListRequestedServiceQuotaChangeHistoryByQuota": {"RequestedQuotas": []},
            **answers,
        }
        self._later: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []
        """Region, operation and parameters of each call."""

    def use(self, monkeypatch: pytest.MonkeyPatch) -> "ScriptedAws":
        """Answer instead of AWS in this test."""
        monkeypatch.setattr(check, "account_client", self._client)
        return self

    def then(self, operation: str, answer: Answer) -> None:
        """Answer the second and later calls of an operation with this."""
        self._later[operation] = answer

    def operations(self) -> list[str]:
        """Return the operations that were called."""
        return [operation for _, operation, _ in self.asked]

    def _client(self, account: Account, service: str) -> Any:
        make = cast("Callable[..., Any]", boto3.client)
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        client = make(service, region_name=account.region, **keys)
        client.meta.events.register("provide-client-params", partial(self._note, account.region))
        client.meta.events.register("before-call", self._answer)
        return client

    def _note(self, region: str, params: Mapping[str, Any], model: Any, **_: object) -> None:
        self.asked.append((region, model.name, dict(params)))

    def _answer(self, model: Any, **_: object) -> tuple[Any, Any]:
        answer = self._answers[model.name]
        if self.operations().count(model.name) > 1:
            answer = self._later.get(model.name, answer)
        if isinstance(answer, type):
            raise UNANSWERED(endpoint_url="https://servicequotas.example")
        if isinstance(answer, str):
            error = {"Error": {"Code": answer, "Message": "no"}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), error
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {}, **answer}


def value(allowed: float) -> Mapping[str, Any]:
    """Return Service Quotas' answer with a value."""
    return {"Quota": {"Value": allowed}}


def tagged(stack: str, project: str = "arca") -> Mapping[str, Any]:
    """Return a resource of EC2 with the default tags of a stack."""
    tags = {"project": project, "stack": stack}
    return {"Tags": [{"Key": key, "Value": text} for key, text in tags.items()]}
