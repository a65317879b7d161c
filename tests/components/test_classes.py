"""The instance classes and node types that we know, judged by cfn-lint's copy of AWS's lists."""

import json
from importlib.resources import files
from typing import Any, get_args

import pytest

from components.cache import NODE_TYPES
from components.database.spec import CLASSES, DatabaseSpec
from components.spec import Region

EXTENSIONS = files("cfnlint") / "data" / "schemas" / "extensions"


def listed(path: str) -> Any:
    """Return one of cfn-lint's lists."""
    return json.loads((EXTENSIONS / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("region", get_args(Region))
def test_rds_has_each_class_for_postgres(region: str) -> None:
    """AWS sells every class that a stack's file may name, in both regions."""
    rules = listed("aws_rds_dbinstance/dbinstanceclass_enum.json")[region]["allOf"]
    sold = {
        name
        for rule in rules
        if rule["if"]["properties"]["Engine"].get("const") == "postgres"
        for name in rule["then"]["properties"]["DBInstanceClass"]["enum"]
    }
    assert sold
    assert sold >= CLASSES


def test_each_class_has_its_size() -> None:
    """A class of a family that has a new size needs its number of vCPUs."""
    for name in CLASSES:
        spec = DatabaseSpec(instance_class=name)
        assert spec.vcpus >= 2
        assert spec.memory_gib >= 1


@pytest.mark.parametrize("region", get_args(Region))
def test_elasticache_has_each_node_type(region: str) -> None:
    """AWS sells every node type that a stack's file may name, in both regions."""
    assert set(listed("aws_elasticache_cachecluster/cachenodetype_enum.json")[region]["enum"]) >= (
        NODE_TYPES
    )
