"""The edge: rules that Cloudflare sees no difference in."""

from tests.stacks import graph


def test_ask_21_cloudflare_sees_no_difference_in_order() -> None:
    """Every rule has its own reference, and another run declares the same rules in order."""
    first, second = (
        {
            node.name: node.inputs["rules"]
            for node in graph("prod", known=known).of("cloudflare:index/ruleset:Ruleset")
        }
        for known in (True, False)
    )
    assert first == second
    for rules in first.values():
        references = [rule["ref"] for rule in rules]
        assert len(references) == len(set(references))
