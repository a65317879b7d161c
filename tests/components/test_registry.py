"""The registry of images, and its copy in the DR region."""

from tests.stacks import graph

REPOSITORY = "aws:ecr/repository:Repository"


def test_the_copy_exists_before_the_first_image() -> None:
    """Replication would otherwise make a repository that anyone can overwrite a tag in."""
    here = graph("prod").one(REPOSITORY, "registry").inputs
    there = graph("prod").one(REPOSITORY, "registry-replica").inputs
    (encrypted,) = there["encryptionConfigurations"]
    assert ":us-east-1:" in encrypted["kmsKey"]
    own = {key: there[key] for key in ("region", "tags", "encryptionConfigurations")}
    assert own["region"] == "us-east-1"
    assert {**here, **own} == there


def test_replication_reaches_the_copy_and_nothing_else() -> None:
    """A registry's replication belongs to the account; other stacks' images stay where they are."""
    copied = graph("prod").one("aws:ecr/replicationConfiguration:ReplicationConfiguration")
    (rule,) = copied.inputs["replicationConfiguration"]["rules"]
    name = graph("prod").one(REPOSITORY, "registry").inputs["name"]
    assert rule["repositoryFilters"] == [{"filter": name, "filterType": "PREFIX_MATCH"}]
