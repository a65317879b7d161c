"""The way of a request: from a customer to a target, with real sockets."""

import http.client
import socket
from collections import Counter
from collections.abc import Callable
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.arca.emulator.ecs.emulated_ecs import wait_for
from tests.arca.emulator.front.emulated_front import (
    PRIMARY,
    PUBLIC,
    SECONDARY,
    Answer,
    Dns,
    RunningFront,
    Stack,
    exchange,
    regional,
)
from tests.arca.emulator.front.loopback_target import LoopbackTarget, closed_port

MakeTarget = Callable[[str], LoopbackTarget]


def test_a_customers_request_reaches_a_target(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """With what Cloudflare and the load balancer add; a name that nobody has means the default."""
    prod.register(prod.blue, target("one").port)
    front.settle()
    answer = front.ask("/v1/a%20b?c=%2F", host="127.0.0.1:1234", headers={"CF-Ray": "ray-1"})
    assert (answer.status, answer.json["path"]) == (200, "/v1/a%20b?c=%2F")
    sent = answer.sent()
    assert sent["host"] == PUBLIC
    assert sent["cf-connecting-ip"] == "127.0.0.1"
    assert sent["cf-ray"] == "ray-1"
    assert sent["x-forwarded-for"] == "127.0.0.1, 173.245.48.1"
    assert sent["x-forwarded-port"] == "443"
    assert sent["x-amzn-trace-id"].startswith("Root=1-")
    assert "accept" not in sent
    assert ("CF-Ray", "ray-1") in answer.headers
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert front.ask(host=regional(PRIMARY)).sent()["host"] == regional(PRIMARY)
    assert "-" in front.ask().sent()["cf-ray"]


def test_each_group_gets_exactly_its_weight_while_traffic_shifts(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """1000 requests in four stages; each stage divides them as its weights say."""
    prod.register(prod.blue, target("blue").port, target("blue").port)
    prod.register(prod.green, target("green").port)
    for blue, green in ((100, 0), (90, 10), (50, 50), (0, 100)):
        prod.weigh(blue, green)
        front.settle()
        counted = Counter(front.ask().name for _ in range(250))
        assert counted == {
            name: 250 * weight // 100
            for name, weight in (("blue", blue), ("green", green))
            if weight
        }
    by_group = front.front.statistics.as_json()["by_target_group"]
    assert by_group == {"blue": {"200": 600}, "green": {"200": 400}}


def test_each_listener_follows_its_own_rules(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """The production listener knows hosts, the test listener takes all."""
    prod.register(prod.blue, target("blue").port)
    prod.register(prod.green, target("green").port)
    front.settle()
    answer = front.at_listener(PRIMARY, 443, "else.example")
    assert (answer.status, answer.body) == (421, b"Misdirected request")
    assert front.at_listener(PRIMARY, 443, PUBLIC).name == "blue"
    assert front.at_listener(PRIMARY, 8443, "whatever").name == "green"
    assert front.at_listener(PRIMARY, 443, PUBLIC).sent()["x-forwarded-for"] == "127.0.0.1"


def test_a_new_rule_comes_first(front: RunningFront, prod: Stack, target: MakeTarget) -> None:
    """As the fence of a lost region: it answers before any task."""
    prod.register(prod.blue, target("blue").port)
    body = {"StatusCode": "503", "MessageBody": "fenced", "ContentType": "text/plain"}
    made = prod.elb.create_rule(
        ListenerArn=prod.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": body}],
    )
    front.settle()
    answer = front.ask()
    assert (answer.status, answer.body) == (503, b"fenced")
    prod.elb.delete_rule(RuleArn=made["Rules"][0]["RuleArn"])
    front.settle()
    assert front.ask().status == 200


def test_the_lever_moves_the_customers(
    dr: Stack, front: RunningFront, prod: Stack, dns: Dns, target: MakeTarget
) -> None:
    """And only the lever: the regions' own names stay where they are."""
    prod.register(prod.blue, target("prod").port)
    dr.register(dr.blue, target("dr").port)
    front.settle()
    assert front.ask().name == "prod"
    dns.pull(inverted=True)
    front.settle()
    assert front.ask().name == "dr"
    assert front.ask(host=regional(PRIMARY)).name == "prod"
    assert front.ask(host=regional(SECONDARY)).name == "dr"
    dns.pull(inverted=False)
    front.settle()
    assert front.ask().name == "prod"
    assert set(front.front.statistics.as_json()["by_region"]) == {PRIMARY, SECONDARY}


def test_a_dead_region_does_not_answer(
    dr: Stack, front: RunningFront, prod: Stack, dns: Dns, target: MakeTarget
) -> None:
    """Cloudflare says so, its listeners are gone, and the other region serves once it is asked."""
    prod.register(prod.blue, target("prod").port)
    dr.register(dr.blue, target("dr").port)
    front.settle()
    front.lost.add(PRIMARY)
    front.kill(PRIMARY)
    answer = front.ask()
    assert (answer.status, dict(answer.headers)["Server"]) == (523, "cloudflare")
    with pytest.raises(OSError, match=r"closed|reset"):
        front.at_listener(PRIMARY, 443, PUBLIC)
    assert front.at_listener(SECONDARY, 443, PUBLIC).name == "dr"
    dns.pull(inverted=True)
    front.settle()
    assert front.ask().name == "dr"
    assert PRIMARY in front.control("GET", "/front").json["problems"]
    front.kill()
    assert front.at_listener(PRIMARY, 443, PUBLIC).name == "prod"


def test_a_load_balancer_goes_on_without_its_api(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """What was last known holds; the problem is named, and gone when the API answers."""
    prod.register(prod.blue, target("prod").port)
    front.settle()
    front.lost.add(PRIMARY)
    front.settle()
    assert front.ask().name == "prod"
    assert "lost" in front.control("GET", "/front").json["problems"][PRIMARY]
    front.lost.clear()
    front.settle()
    assert front.control("GET", "/front").json["problems"] == {}


def test_errors_as_the_load_balancer_makes_them(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """503 without targets, 502 for one that fails, 504 for one that is too slow."""
    front.settle()
    assert front.ask().status == 503
    refusing = closed_port()
    prod.register(prod.blue, refusing)
    front.settle()
    answer = front.ask()
    assert (answer.status, dict(answer.headers)["Server"]) == (502, "cloudflare")
    prod.deregister(prod.blue, refusing)
    prod.register(prod.blue, 8080, address="10.1.2.3")
    front.settle()
    answer = front.ask()
    assert (answer.status, b"a simulated task" in answer.body) == (502, True)
    prod.elb.deregister_targets(
        TargetGroupArn=prod.blue, Targets=[{"Id": "10.1.2.3", "Port": 8080}]
    )
    slow = target("slow")
    prod.register(prod.blue, slow.port)
    prod.elb.modify_load_balancer_attributes(
        LoadBalancerArn=prod.balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    front.settle()
    assert front.ask("/hang").status == 504
    assert front.ask("/drop", method="POST", body=b"x").status == 502
    assert slow.requests == 2, "a request was repeated"
    counted = front.front.statistics.as_json()
    assert counted["by_status"] == {"502": 3, "503": 1, "504": 1}
    assert counted["by_target"][f"127.0.0.1:{slow.port}"] == {"502": 1, "504": 1}
    wait_for(lambda: front.front.statistics.in_flight == 0, "no request in flight")


def test_an_answer_that_breaks_off_is_no_whole_answer(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """The customer's connection breaks too, because the status is on its way already."""
    prod.register(prod.blue, target("one").port)
    front.settle()
    with pytest.raises(Exception, match=r"IncompleteRead|reset|closed"):
        front.ask("/cut")
    assert front.front.statistics.as_json()["broken"] == 1


def test_bodies_pass_in_both_directions_as_they_come(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """A part of an answer arrives before the next one is sent; a large body arrives whole."""
    one = target("one")
    prod.register(prod.blue, one.port)
    front.settle()
    body = bytes(range(256)) * 8192
    for sent, told in ((body, {}), (iter([body, body]), {"Transfer-Encoding": "chunked"})):
        answer = front.ask(method="PUT", body=sent, headers=told)
        times = 2 if told else 1
        assert (answer.json["bytes"], answer.json["sum"]) == (
            times * len(body),
            times * sum(body),
        )
    assert front.ask(method="HEAD").body == b""
    with socket.create_connection(_place(front), timeout=30) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: api.example\r\n\r\n")
        text = b""
        while b"first" not in text:
            text += connection.recv(4096)
        assert b"second" not in text
        one.release.set()
        while not text.endswith(b"0\r\n\r\n"):
            text += connection.recv(4096)
    assert b"second" in text


def test_a_deregistered_target_finishes_what_it_has(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """It gets nothing new, and its request in flight is answered."""
    old, new = target("old"), target("new")
    prod.register(prod.blue, old.port)
    front.settle()
    answers: list[Answer] = []
    held = Thread(target=lambda: answers.append(_alone(front, "/hold")))
    held.start()
    wait_for(old.held.is_set, "the request in flight")
    prod.register(prod.blue, new.port)
    prod.deregister(prod.blue, old.port)
    front.settle()
    assert {front.ask().name for _ in range(10)} == {"new"}
    # An answer arrives a moment before it counts as ended.
    wait_for(lambda: front.front.statistics.in_flight == 1, "one request in flight")
    old.release.set()
    held.join(60)
    assert [one.name for one in answers] == ["old"]


def test_a_rule_that_the_front_cannot_follow_is_loud(
    front: RunningFront, prod: Stack, target: MakeTarget
) -> None:
    """Requests of that listener fail and name the rule; other listeners work."""
    prod.register(prod.green, target("green").port)
    action = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": prod.blue, "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
        },
    }
    prod.elb.modify_rule(RuleArn=prod.production, Actions=[action])
    front.settle()
    answer = front.ask()
    assert (answer.status, prod.production.encode() in answer.body) == (500, True)
    assert "stickiness" in str(front.control("GET", "/front").json["problems"])
    assert front.at_listener(PRIMARY, 8443, "x").name == "green"
    prod.weigh(100, 0)
    front.settle()
    assert front.control("GET", "/front").json["problems"] == {}


def test_the_control_paths(front: RunningFront, prod: Stack, target: MakeTarget) -> None:
    """They tell where requests go, count, and refuse web pages and what they do not know."""
    one = target("one")
    prod.register(prod.blue, one.port)
    front.settle()
    front.ask()
    known = front.control("GET", "/front").json
    assert known["default"] == PUBLIC
    assert known["names"][PUBLIC] == prod.dns_name.lower()
    assert known["target_groups"]["blue"] == [f"127.0.0.1:{one.port}"]
    assert front.control("GET", "/front/statistics").json["requests"] == 1
    assert front.control("DELETE", "/front/statistics").json["requests"] == 0
    for body in ({"dead": "sa-east-1"}, {"death": "x"}, "dead"):
        assert front.control("PUT", "/front/regions", body).status == 400
    for headers in (
        {"Origin": "https://page.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "page.example"},
    ):
        refused = front.control("PUT", "/front/regions", {"dead": [PRIMARY]}, headers)
        assert refused.status == 403
    assert front.control("GET", "/front/regions").json == {"dead": []}


def _place(front: RunningFront) -> tuple[str, int]:
    found = urlsplit(front.ready.customers)
    assert found.hostname is not None
    assert found.port is not None
    return found.hostname, found.port


def _alone(front: RunningFront, path: str) -> Answer:
    """Send a request on a connection of its own."""
    connection = http.client.HTTPConnection(*_place(front), timeout=30)
    try:
        return exchange(connection, "GET", path, None, {"Host": PUBLIC})
    finally:
        connection.close()
