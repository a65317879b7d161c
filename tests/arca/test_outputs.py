"""The contract of a stack's exports, for writing and for reading."""

from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from arca.outputs import CacheOutputs, DeliveryOutputs, Outputs
from tests.graph import declare
from tests.stacks import graph


def prod() -> dict[str, Any]:
    """Return the exports of prod."""
    return dict(graph("prod").outputs)


def test_unread_type_parameters_are_text() -> None:
    """Whoever reads `Outputs` gets strings, and anything else is refused."""
    read = Outputs.model_validate(prod())
    assert read.database.arn == prod()["database"]["arn"]
    with pytest.raises(ValidationError, match="valid string"):
        CacheOutputs.model_validate({"replication_group_id": 1, "address": "a", "port": 6379})


@pytest.mark.parametrize(
    ("section", "key"),
    [("network", "vpc_id"), ("recovery", "account_id"), ("service", "cluster")],
)
def test_a_missing_or_an_unknown_key_is_refused(section: str, key: str) -> None:
    """The contract is exact, in every section."""
    less = {name: value for name, value in prod()[section].items() if name != key}
    with pytest.raises(ValidationError, match=f"{section}.{key}\n"):
        Outputs.model_validate({**prod(), section: less})
    with pytest.raises(ValidationError, match=f"{section}.unheard_of\n"):
        Outputs.model_validate({**prod(), section: {**prod()[section], "unheard_of": "x"}})


def test_an_output_is_exported_as_it_is() -> None:
    """`model_dump` keeps each output whole and leaves out what is None, as `__main__` needs."""

    def program() -> None:
        arn = pulumi.Output.from_input("arn")
        roles = DeliveryOutputs[pulumi.Output[str]](preview=arn, look=arn, infra=arn, release=arn)
        dumped = roles.model_dump(exclude_none=True)
        assert all(value is arn for value in dumped.values())
        pulumi.export("delivery", dumped)

    exported = declare(program=program).outputs["delivery"]
    assert exported == dict.fromkeys(("preview", "look", "infra", "release"), "arn")


def test_the_program_writes_outputs_alone() -> None:
    """A plain string where the cloud's value belongs is refused at once."""
    with pytest.raises(ValidationError, match="instance of Output"):
        CacheOutputs[pulumi.Output[str]].model_validate(
            {"replication_group_id": "a", "address": "b", "port": 6379}
        )
