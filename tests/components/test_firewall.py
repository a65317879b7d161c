"""The web application firewall: its managed groups and its rate rule."""

from tests.stacks import graph


def test_ask_16_a_firewall_with_sane_defaults() -> None:
    """Three managed groups, and a rate rule on the client's address instead of Cloudflare's."""
    rules = graph("dev").one("aws:wafv2/webAcl:WebAcl").inputs["rules"]
    assert [rule["priority"] for rule in rules] == [0, 1, 2, 3]
    rate = rules[-1]["statement"]["rateBasedStatement"]
    assert rate["forwardedIpConfig"]["headerName"] == "CF-Connecting-IP"


def test_large_invoices_pass() -> None:
    """The rule that blocks bodies above 8 KB only counts them; its group blocks the rest."""
    rules = {
        rule["name"]: rule["statement"].get("managedRuleGroupStatement", {})
        for rule in graph("prod").one("aws:wafv2/webAcl:WebAcl").inputs["rules"]
    }
    assert rules["AWSManagedRulesCommonRuleSet"]["ruleActionOverrides"] == [
        {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}
    ]
    assert not rules["AWSManagedRulesSQLiRuleSet"].get("ruleActionOverrides")
    assert "AWSManagedRulesAmazonIpReputationList" not in rules
