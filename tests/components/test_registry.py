"""The registry of images, and its copy in the DR region."""

from tests.stacks import graph

REPOSITORY = "aws:ecr/repository:Repository"


def test_the_copy_exists_before_the_first_image() -> None:
    """Replication would otherwise make a repository that anyone can overwrite a tag in."""
    here = graph("prod").one(REPOSITORY, "registry").inputs
    there = graph("prod").one(REPOSITORY, "registry-replica").inputs
    assert there["region"] == "us-east-1"
    keys = [one["encryptionConfigurations"][0].pop("kmsKey") for one in (here, there)]
    assert ":us-east-1:" in keys[1]
    assert {**here, "region": "us-east-1"} | {"tags": there["tags"]} == there


def test_replication_reaches_the_copy_and_nothing_else() -> None:
    """A registry's replication belongs to the account; other stacks' images stay where they are."""
    copied = graph("prod").one("aws:ecr/replicationConfiguration:ReplicationConfiguration")
    (rule,) = copied.inputs["replicationConfiguration"]["rules"]
    name = graph("prod").one(REPOSITORY, "registry").inputs["name"]
    assert rule["repositoryFilters"] == [{"filter": name, "filterType": "PREFIX_MATCH"}]
