"""Traffic against a scripted API: an open loop, exact counts, and what the history says."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from arca.clock import Clock
from arca.emulator.traffic.customers import CustomerSettings
from arca.emulator.traffic.open_loop import send_all
from arca.emulator.traffic.plan import PlannedRequest, TrafficPlan
from arca.emulator.traffic.report import Report, percentiles
from arca.emulator.traffic.run import run_traffic
from arca.errors import ArcaError
from tests.arca.emulated import arca
from tests.arca.emulator.traffic.fake_api import KEY, Asked, FakeApi, Told

NOTHING: dict[str, Any] = {}
NO_FAILURE: dict[str, int] = {}
FIRST_ANSWERS: tuple[Told, ...] = ((503, NOTHING), "drop", "garbage")
Script = Callable[[Asked, int], Told | None]


@pytest.fixture
def api() -> Iterator[Callable[..., FakeApi]]:
    """Return a function that starts a scripted API."""
    made: list[FakeApi] = []

    def start(script: Script | None = None) -> FakeApi:
        made.append(FakeApi(script))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let customers repeat at once."""
    from arca.emulator.traffic import customers

    monkeypatch.setattr(customers, "FIRST_PAUSE_SECONDS", 0.001)


def run(
    url: str,
    *,
    history: Path | None = None,
    requests: int = 20,
    kind: str = "issue",
    **settings: Any,
) -> Report:
    """Send some requests of a kind, evenly spread over a moment."""
    mix: dict[Any, float] = (
        {kind: 1.0} if kind != "all" else {"issue": 70.0, "read": 25.0, "status": 5.0}
    )
    plan = TrafficPlan(
        rate=requests * 10,
        seconds=0.1,
        seed=1,
        mix=mix,
        run="r",
        arrivals="constant",
    )
    chosen = CustomerSettings(url, KEY, **settings)
    return asyncio.run(
        run_traffic(plan, chosen, clock=Clock(), monotonic=time.monotonic, history=history)
    )


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the operations of a history."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_all_is_well(api: Callable[..., FakeApi], tmp_path: Path) -> None:
    """Each request is sent once, with a token; the history has each invoice."""
    fake, history = api(), tmp_path / "history"
    report = run(fake.url, requests=40, kind="all", history=history)
    told = report.as_json()
    assert (told["requests"], told["ok"], told["lost"]) == (40, 40, 0)
    assert told["failed_attempts"] == {}
    assert sum(told["by_kind"].values()) == len(fake.business()) == 40
    assert set(told["latency_ms"]) == {"p50", "p90", "p95", "p99", "p99.9", "max"}
    assert {one.token for one in fake.business() if one.path != "/v1/status"} == {"token-1"}
    found = lines(history)
    issued = {one["key"]: one["invoice"] for one in found if one["type"] == "ok"}
    assert issued == {
        key: {
            **{name: stored[name] for name in ("id", "point_of_sale", "number", "cae")},
            "kind": 6,
        }
        for key, stored in fake.invoices.items()
    }
    assert len(found) == 2 * len(issued) == 2 * told["by_kind"]["issue"]
    for process in {one["process"] for one in found}:
        own = [one for one in found if one["process"] == process]
        assert [one["type"] for one in own] == ["invoke", "ok"]
        assert own[0]["time_ns"] <= own[1]["time_ns"]


def test_arrivals_never_wait_for_answers(api: Callable[..., FakeApi]) -> None:
    """The server answers nobody until all have asked: a closed loop would never get there."""
    everybody = Event()

    def stall(_: Asked, __: int) -> None:
        if len(fake.asked) == 30:
            everybody.set()
        assert everybody.wait(30)

    fake = api(stall)
    report = run(fake.url, requests=30, kind="status")
    assert report.as_json()["ok"] == 30


def test_a_stall_is_in_the_latencies(api: Callable[..., FakeApi]) -> None:
    """A server that stalls a second slows no arrival, and every request tells of its wait."""
    begun: list[float] = []

    def stall(_: Asked, __: int) -> None:
        begun.append(time.monotonic())
        time.sleep(max(0.0, begun[0] + 1 - time.monotonic()))

    fake = api(stall)
    report = run(fake.url, requests=20, kind="status")
    assert begun[-1] - begun[0] < 0.9, "the arrivals waited"
    latencies = sorted(one.latency for one in report.sent)
    assert latencies[0] > 0.85
    assert report.as_json()["latency_ms"]["p50"] > 850


def test_late_requests_are_counted() -> None:
    """Latency counts from the moment at which a request was due, however late it was sent."""
    now = [0.0]

    async def answered(_: PlannedRequest) -> Any:
        now[0] += 0.2
        return None

    planned = [PlannedRequest(n, n * 0.1, "status", "k", 1, "1.00", 0.0) for n in range(3)]
    sent = asyncio.run(send_all(planned, answered, monotonic=lambda: now[0], stop=asyncio.Event()))
    found = {one.planned.number: (one.delay, one.latency) for one in sent}
    assert found[0] == (0, pytest.approx(0.2))
    assert found[1] == (pytest.approx(0.1), pytest.approx(0.3))
    assert Report(sent, {}, 1).late == 2


def test_a_stop_sends_no_more_and_waits_for_answers() -> None:
    """As after Ctrl-C."""
    stop, answered = asyncio.Event(), list[int]()

    async def answer(planned: PlannedRequest) -> Any:
        stop.set()
        await asyncio.sleep(0.01)
        answered.append(planned.number)

    planned = [PlannedRequest(n, n * 60.0, "status", "k", 1, "1.00", 0.0) for n in range(3)]
    sent = asyncio.run(send_all(planned, answer, monotonic=time.monotonic, stop=stop))
    assert (len(sent), answered) == (1, [0])


def test_a_failure_is_repeated_with_the_same_key(
    api: Callable[..., FakeApi], tmp_path: Path
) -> None:
    """One request that the customer repeats is one operation, and one invoice."""

    def fails_first(asked: Asked, before: int) -> Told | None:
        if asked.method == "POST" and asked.key and before == 0:
            # It happened, and the answer is lost.
            fake.works(asked)
            return FIRST_ANSWERS[int(asked.key[2:]) % 3]
        return None

    fake, history = api(fails_first), tmp_path / "history"
    told = run(fake.url, requests=9, history=history).as_json()
    assert (told["ok"], told["lost"], told["repeated"]) == (9, 0, 9)
    assert told["failed_attempts"] == {"5xx": 3, "garbled": 3, "reset": 3}
    assert told["statuses"] == {"200": 4, "201": 9, "503": 3}
    assert len(fake.invoices) == 9
    assert [one["type"] for one in lines(history)].count("ok") == 9


@pytest.mark.parametrize(
    ("script", "failed", "ends"),
    [
        ([(503, NOTHING)] * 4, {"5xx": 4}, ("unknown", "info")),
        (["drop"] * 4, {"reset": 4}, ("unknown", "info")),
        (["hang"] * 4, {"timeout": 4}, ("unknown", "info")),
        ([(523, NOTHING)] * 4, {"5xx": 4}, ("failed", "fail")),
        (
            [(523, NOTHING), (502, NOTHING), (523, NOTHING), (523, NOTHING)],
            {"5xx": 4},
            ("unknown", "info"),
        ),
        ([(400, {"code": "x"})], {"4xx": 1}, ("failed", "fail")),
        ([(503, NOTHING), (400, NOTHING)], {"4xx": 1, "5xx": 1}, ("unknown", "info")),
        ([(409, NOTHING)] * 4, {"4xx": 4}, ("unknown", "info")),
        ([(201, {"id": "x"})] * 4, {"garbled": 4}, ("unknown", "info")),
        ([(503, NOTHING), (422, {"status": "rejected"})], NO_FAILURE, ("rejected", "fail")),
        ([(202, NOTHING)] * 11, NO_FAILURE, ("pending", "info")),
        ([(202, NOTHING), (202, NOTHING)], NO_FAILURE, ("ok", "ok")),
    ],
)
def test_each_outcome_is_what_the_customer_can_know(
    api: Callable[..., FakeApi],
    tmp_path: Path,
    script: list[Told],
    failed: dict[str, int],
    ends: tuple[str, str],
) -> None:
    """A `fail` is only what surely did not happen; whatever is open stays `info`."""
    outcome, operation = ends

    def scripted(asked: Asked, before: int) -> Told | None:
        return script[before] if asked.key and before < len(script) else None

    fake, history = api(scripted), tmp_path / "history"
    told = run(fake.url, requests=1, history=history, timeout_seconds=0.2).as_json()
    assert told[outcome] == 1
    assert told["lost"] == (outcome in ("failed", "unknown"))
    assert told["failed_attempts"] == failed
    assert [one["type"] for one in lines(history)] == ["invoke", operation]
    assert len({one.key for one in fake.business()}) == 1
    assert len(told["first_losses"]) == told["lost"]


def test_nobody_listens() -> None:
    """A refused connection surely had no effect; without a token nothing is sent."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    told = run(url, requests=3, kind="status", retries=1).as_json()
    assert (told["failed"], told["lost"]) == (3, 3)
    assert told["failed_attempts"] == {"refused": 6}
    assert told["latency_ms"] == {}
    with pytest.raises(ArcaError, match="no token"):
        run(url, requests=3)


def test_an_expired_token_is_renewed_once(api: Callable[..., FakeApi]) -> None:
    """All customers share the new one, and none counts the refusal as a failure."""

    def expired(asked: Asked, _: int) -> Told | None:
        return (401, {}) if asked.token == "token-1" else None  # noqa: S105 - no secret

    fake = api(expired)
    told = run(fake.url, requests=10).as_json()
    assert (told["ok"], told["failed_attempts"], fake.tokens) == (10, {}, 2)


def test_percentiles_by_the_nearest_rank() -> None:
    """The smallest value that so many percent do not exceed."""
    found = percentiles([number / 1000 for number in range(1000, 0, -1)])
    assert found == {
        "p50": 500.0,
        "p90": 900.0,
        "p95": 950.0,
        "p99": 990.0,
        "p99.9": 999.0,
        "max": 1000.0,
    }
    assert percentiles([0.0071])["p50"] == 7.1


def test_the_command_counts_and_says_so_by_its_exit_code(
    api: Callable[..., FakeApi], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when nothing was lost, 1 when something was; the key comes from the environment."""
    monkeypatch.setenv("ARCA_API_KEY", KEY)
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    options = ["local", "traffic", "--rate", "100", "--seconds", "0.2", "--mix", "issue=1"]
    fake = api()
    done = arca(*options, "--url", fake.url, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["lost"], told["seed"]) == (0, 0, 1)
    assert told["ok"] == len(fake.invoices) > 0
    assert arca(*options, "--url", fake.url).exit_code == 0
    assert len(fake.invoices) == 2 * told["ok"], "the second run repeated the first one's keys"

    def broken(asked: Asked, _: int) -> Told | None:
        return (500, {}) if asked.key else None

    lost = arca(*options, "--url", api(broken).url, "--retries", "0")
    assert lost.exit_code == 1
    assert f"lost:            {told['requests']}" in lost.stdout
    nobody = arca(*options)
    assert nobody.exit_code == 1
    assert isinstance(nobody.exception, ArcaError)
    assert "--url" in nobody.exception.do
    assert arca(*options, "--rate", "0").exit_code == 2
    assert arca(*options, "--mix", "buy=1", "--url", fake.url).exit_code == 1


def test_the_front_is_found_by_its_ready_file(
    api: Callable[..., FakeApi], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is in the state directory."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    fake = api()
    ready = {"pid": 1, "customers": fake.url, "control": "http://127.0.0.1:1"}
    (tmp_path / "front.json").write_text(json.dumps(ready), encoding="utf-8")
    done = arca("local", "traffic", "--seconds", "0.1", "--rate", "50", "--mix", "status=1")
    assert (done.exit_code, len(fake.asked) > 0) == (0, True)
