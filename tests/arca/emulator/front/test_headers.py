"""Headers on their way."""

from arca.emulator.front.headers import end_to_end, through_balancer, through_cloudflare


def test_headers_of_one_connection_end_there() -> None:
    """Those of RFC 9110, and those that Connection names."""
    given = [
        ("Host", "a"),
        ("Connection", "keep-alive, X-Mine"),
        ("Keep-Alive", "timeout=5"),
        ("x-mine", "1"),
        ("TE", "trailers"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Proxy-Authorization", "x"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
    ]
    assert end_to_end(given) == [("Host", "a"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]


def test_cloudflare_tells_who_asked() -> None:
    """A customer cannot claim another address; the ray of a request that has one stays."""
    given = [("Host", "h"), ("CF-Connecting-IP", "1.1.1.1"), ("X-Forwarded-For", "9.9.9.9")]
    sent = through_cloudflare(given, host="api.example", client="2.2.2.2", ray="r")
    assert dict(sent) == {
        "Host": "api.example",
        "CF-Connecting-IP": "2.2.2.2",
        "CF-Ray": "r",
        "CF-Visitor": '{"scheme":"https"}',
        "CDN-Loop": "cloudflare",
        "X-Forwarded-For": "9.9.9.9, 2.2.2.2",
        "X-Forwarded-Proto": "https",
    }
    assert len(sent) == len(dict(sent))
    own = through_cloudflare([("cf-ray", "mine")], host="h", client="2.2.2.2", ray="r")
    assert [value for name, value in own if name == "CF-Ray"] == ["mine"]


def test_the_load_balancer_appends_itself() -> None:
    """It keeps a trace id, and drops names that it calls invalid where it is told to."""
    given = [("X-Forwarded-For", "2.2.2.2"), ("bad_name", "1"), ("Connection", "close")]
    kept = {"client": "3.3.3.3", "port": 443, "trace": "t"}
    sent = dict(through_balancer(given, **kept, drop_invalid=True))  # pyright: ignore[reportArgumentType]
    assert sent == {
        "X-Forwarded-For": "2.2.2.2, 3.3.3.3",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443",
        "X-Amzn-Trace-Id": "Root=t",
    }
    traced = [("bad_name", "1"), ("X-Amzn-Trace-Id", "Root=mine")]
    sent = dict(through_balancer(traced, client="3.3.3.3", port=443, trace="t", drop_invalid=False))
    assert sent["X-Amzn-Trace-Id"] == "Root=mine"
    assert sent["bad_name"] == "1"
