"""The cache: encrypted, and closed without its token."""

from tests.stacks import graph


def test_ask_18_the_first_token_is_set() -> None:
    """The strategy is SET, because ROTATE would also accept clients without a token."""
    cache = graph("prod").one("aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert cache["authTokenUpdateStrategy"] == "SET"
    assert cache["transitEncryptionMode"] == "required"
