"""Numbers hold for any order of requests, faults and kills, with two tasks at once."""

import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples.service.platform import Account, Platform, Task, invoice, wait

KINDS = ("refused", "lost", "http", "internal", "internal_after", "stale", "twice", "rejected")
FAULTS = st.lists(st.tuples(st.sampled_from((*KINDS, "slow")), st.integers(1, 3)), max_size=4)


def ask(task: Task, account: Account, key: str) -> int:
    """Ask for an invoice; return the status, or 0 where the connection ended."""
    headers = account.headers | {"Idempotency-Key": key}
    try:
        body = invoice(net=f"{len(key)}.{int(key) % 3}0")
        return task.ask("POST", "/v1/invoices", json=body, headers=headers).status
    except httpx.TransportError:
        return 0


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=FAULTS,
    keys=st.lists(st.integers(1, 12), min_size=2, max_size=16),
    killed=st.booleans(),
)
def test_numbers_hold_whatever_happens(
    platform: Platform, faults: list[tuple[str, int]], keys: list[int], *, killed: bool
) -> None:
    """Repeated keys through two tasks, one of which may be killed; both sides end equal."""
    with (
        platform.task(ARCA_TIMEOUT_SECONDS="0.5") as first,
        platform.task(ARCA_TIMEOUT_SECONDS="0.5") as second,
    ):
        account = platform.account(first)
        for kind, times in faults:
            platform.fault(kind, times=times, probability=0.5, seconds=0.7)
        threads = [
            threading.Thread(target=ask, args=((first, second)[place % 2], account, str(key)))
            for place, key in enumerate(keys)
        ]
        for thread in threads:
            thread.start()
        if killed:
            first.kill()
        for thread in threads:
            thread.join()
        platform.no_faults()
        for key in set(keys):
            wait(lambda key=key: ask(second, account, str(key)) in (201, 422))
        ours = platform.rows(
            "SELECT number, cae, idempotency_key FROM invoices "
            "WHERE account_id = %s AND status = 'authorized' ORDER BY 1",
            account.id,
        )
        theirs = platform.authorized(account)
        assert [row[:2] for row in ours] == [(one["number"], one["cae"]) for one in theirs]
        assert [one["number"] for one in theirs] == list(range(1, len(theirs) + 1))
        assert len({row[2] for row in ours}) == len(ours)
        statuses = platform.rows(
            "SELECT DISTINCT status FROM invoices WHERE account_id = %s", account.id
        )
        assert {status for (status,) in statuses} <= {"authorized", "rejected"}


@pytest.mark.slow
def test_a_drain_under_load_loses_no_request(platform: Platform, tmp_path: Path) -> None:
    """Tasks are replaced while customers ask; `arca contract check` accepts all their lines."""
    current = platform.start()
    account = platform.account(current)
    failed: list[int] = []
    stop = threading.Event()
    serving = [current]

    def customer(name: int) -> None:
        for number in count():
            if stop.is_set():
                return
            # A load balancer sends a refused connection to another target; so does this customer.
            while (status := ask(serving[-1], account, f"{name}{number:04}")) == 0:
                pass
            if status != 201:
                failed.append(status)

    threads = [threading.Thread(target=customer, args=(name,)) for name in range(1, 5)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        new = platform.start()
        old = serving[-1]
        serving.append(new)
        assert old.stop() == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    served = [line["status"] for task in serving for line in task.lines("request")]
    assert set(served) <= {200, 201}
    numbers = [one["number"] for one in platform.authorized(account)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 20
    serving[-1].stop()
    log = tmp_path / "service.log"
    log.write_text("".join(text for task in serving for text in task.texts), encoding="utf-8")
    command = [sys.executable, "-m", "arca", "contract", "check", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
