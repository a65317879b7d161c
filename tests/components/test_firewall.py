"""The web application firewall: its managed groups and its rate rule."""

from tests.stacks import graph


def test_ask_16_a_firewall_with_sane_defaults() -> None:
    """Four managed groups, and a rate rule on the client's address instead of Cloudflare's."""
    rules = graph("dev").one("aws:wafv2/webAcl:WebAcl").inputs["rules"]
    assert [rule["priority"] for rule in rules] == [0, 1, 2, 3, 4]
    rate = rules[-1]["statement"]["rateBasedStatement"]
    assert rate["forwardedIpConfig"]["headerName"] == "CF-Connecting-IP"
