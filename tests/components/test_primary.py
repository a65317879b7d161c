"""What a secondary reads of its primary, and what a primary writes."""

from typing import Any, get_args

import pulumi

from arca.outputs import RecoveryOutputs, ReplicatedKey, ReplicatedSecret
from components.primary import read_primary
from components.secrets import PLAN
from tests.graph import declare, primary_recovery
from tests.stacks import graph, settings_of


def test_every_field_is_read_from_the_export() -> None:
    """The values are those of the primary's export, field by field."""

    def program() -> None:
        primary = read_primary("prod")
        assert primary is not None
        pulumi.export("read", primary.model_dump())

    declared = declare(program=program)
    account = settings_of("dev").owner.account_id
    assert declared.outputs["read"] == primary_recovery(account)
    assert declared.referred == ["organization/arca-api/prod"]


def test_a_stack_without_a_primary_reads_none() -> None:
    """No stack reference exists in a primary."""
    assert read_primary(None) is None


def test_the_primary_writes_a_replica_for_every_key_and_secret() -> None:
    """The literals of the contract are what prod replicates."""
    exported: dict[str, Any] = graph("prod").outputs["recovery"]
    assert set(exported) == set(RecoveryOutputs.model_fields)
    assert set(exported["key_arns"]) == set(get_args(ReplicatedKey))
    assert set(exported["secret_arns"]) == set(get_args(ReplicatedSecret))
    assert {plan.role for plan in PLAN} - set(exported["secret_arns"]) == {"cache-token"}
