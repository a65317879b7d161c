"""An AWS that answers as a test says; botocore checks each request and each answer."""

from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.validate import ParamValidator

from arca.recovery import ask, ask_operations, journal_entry
from arca.stack import Stack

Answer = Mapping[str, Any] | str | type[Exception]
"""The answer of an operation; a text is the code of an error."""
UNANSWERED = EndpointConnectionError
UNMODELED = ("Body", "ResponseMetadata")
"""Parts of an answer that botocore makes itself."""


class ScriptedAws:
    """Answers by operation, and where each call went."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str]] = []
        """Region and operation of each call."""
        self.given: list[Mapping[str, Any]] = []
        """What the simulations of IAM were given."""

    def use(self, monkeypatch: pytest.MonkeyPatch) -> "ScriptedAws":
        """Answer instead of AWS in this test."""
        for module in (ask, ask_operations, journal_entry):
            monkeypatch.setattr(module, "client", self._client)
        return self

    def _client(self, stack: Stack, service: str) -> Any:
        _answering[:] = [self]
        return _made(service, stack.outputs.region)

    def answer(self, region: str, model: Any, given: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the answer to a call, once botocore has checked it."""
        self.asked.append((region, model.name))
        if model.name == "SimulatePrincipalPolicy":
            self.given.append(given)
        answer = self._answers[model.name]
        if isinstance(answer, type):
            raise UNANSWERED(endpoint_url="https://aws.example")
        if isinstance(answer, str):
            error = {"Error": {"Code": answer, "Message": "no"}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), error
        plain = {key: value for key, value in answer.items() if key not in UNMODELED}
        report = ParamValidator().validate(plain, model.output_shape)
        assert not report.has_errors(), f"{model.name}: {report.generate_report()}"
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {}, **answer}


_answering: list[ScriptedAws] = []


@cache
def _made(service: str, region: str) -> Any:
    """Make a client once for all tests: reading a service's model takes long."""
    make = cast("Callable[..., Any]", boto3.client)
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = make(service, region_name=region, **keys)

    def answer(model: Any, params: Any, **_: object) -> tuple[Any, Any]:
        return _answering[0].answer(region, model, params["body"])

    client.meta.events.register("before-call", answer)
    return client
