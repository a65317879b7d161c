"""Tests of `arca smoke` on stacks without an edge, and of wrong usage."""

import json
from typing import Any

import pytest

from tests.arca.emulated import Cloud, arca
from tests.arca.smoke.served import LOOPBACK, NAMES, WELL, Said, serve


def ask(*options: str) -> tuple[int, Any]:
    """The exit code and what is said."""
    result = arca("smoke", "--json", *options)
    return result.exit_code, json.loads(result.stdout)


def verdicts(said: Any) -> dict[str, set[str]]:
    """Names by verdict."""
    return {
        verdict: {check["name"] for check in said["checks"] if check["verdict"] == verdict}
        for verdict in ("OK", "FAILED", "SKIPPED")
    }


@pytest.mark.usefixtures("cloud")
def test_an_emulated_stack_that_nothing_serves() -> None:
    """Exit code 5, for nothing was checked; what is not on this machine is not asked."""
    for options in ((), ("--url", "https://192.0.2.1")):
        code, said = ask(*options)
        assert (code, said["verdict"], said["url"]) == (5, "SKIPPED", None)
        assert [check["name"] for check in said["checks"]] == NAMES
        assert {(check["verdict"], check["detail"]) for check in said["checks"]} == {
            ("SKIPPED", "the emulated cloud has no edge")
        }
    assert "Nothing was checked." in arca("smoke").stdout


@pytest.mark.usefixtures("cloud")
def test_an_emulated_stack_with_a_url() -> None:
    """Loopback is asked, and what only TLS or a load balancer has is not."""
    with serve(WELL) as server:
        code, said = ask("--url", f"http://localhost:{server.port}/")
    assert code == 0
    assert said["url"] == f"http://localhost:{server.port}"
    assert verdicts(said)["SKIPPED"] == {"tls", "tls-1.1", "origin-lock", "http"}
    with serve({**WELL, "/v1/status": Said(500)}) as server:
        code, said = ask("--url", f"http://localhost:{server.port}")
    assert (code, verdicts(said)["FAILED"]) == (1, {"business"})


def test_an_emulated_stack_with_tasks(cloud: Cloud) -> None:
    """The task that production traffic goes to is asked, whichever colour it has."""
    elb, ec2 = cloud.client("elbv2"), cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = ("sa-east-1a", "sa-east-1b")
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]
        for n, zone in enumerate(zones)
    ]
    balancer = elb.create_load_balancer(Name="b", Subnets=[one["SubnetId"] for one in subnets])
    blue, green = (
        elb.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("blue", "green")
    )
    weighed = [{"TargetGroupArn": blue, "Weight": 0}, {"TargetGroupArn": green, "Weight": 100}]
    forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighed}}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=forward,
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=forward,
    )["Rules"][0]["RuleArn"]
    exports = cloud.state / "exports" / "prod.json"
    content = json.loads(exports.read_text(encoding="utf-8"))
    content["service"] |= {
        "blue_target_group_arn": blue,
        "green_target_group_arn": green,
        "production_rule_arn": rule,
    }
    exports.write_text(json.dumps(content), encoding="utf-8")
    with serve({}) as old, serve(WELL) as new:
        for group, server in ((blue, old), (green, new)):
            targets = [{"Id": "10.0.0.7", "Port": 8080}, {"Id": LOOPBACK, "Port": server.port}]
            elb.register_targets(TargetGroupArn=group, Targets=targets)
        code, said = ask()
        assert (code, said["url"], old.asked) == (0, f"http://{LOOPBACK}:{new.port}", [])
        found = verdicts(said)
        assert found["OK"] == {"live", "ready", "database", "cache", "business"}
        elb.deregister_targets(TargetGroupArn=green, Targets=targets)
        code, said = ask()
        # A group without traffic answers for nobody.
        assert (code, said["url"], old.asked) == (5, None, [])


def test_wrong_usage() -> None:
    """Exit code 2, before any stack is looked for."""
    for url in (
        "api.example.com",
        "ftp://a:1",
        "https://",
        "https://a..b",
        "https://u@a",
        "https://a/?b",
        "https://a:99999",
        "https://a b",
    ):
        result = arca("smoke", "--url", url)
        assert result.exit_code == 2, url
        assert "is not a valid URL" in result.output
    assert arca("smoke", "--timeout", "0").exit_code == 2


def test_a_stack_that_is_not_known(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command says it."""
    assert cloud.endpoint
    monkeypatch.setenv("PATH", "/nowhere")
    result = arca("smoke", "--stack", "moon")
    assert result.exit_code == 1
    assert "There is no stack 'moon'." in str(result.exception)
    real = arca("smoke", "--stack", "staging")
    assert "The exports of staging cannot be read" in str(real.exception)
    emulated = arca("smoke", "--stack", "staging", "--target", "emulated")
    assert "The stack staging is not up in the emulated cloud." in str(emulated.exception)
