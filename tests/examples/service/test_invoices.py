"""Invoices: keys, numbers and CAEs, whatever the agency does; both sides are compared."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.examples.service.platform import Account, Answer, Platform, Task, invoice, wait


def issue(task: Task, account: Account, key: str, **changes: Any) -> Answer:
    """Ask for an invoice."""
    headers = account.headers | {"Idempotency-Key": key}
    return task.ask("POST", "/v1/invoices", json=invoice(**changes), headers=headers)


def all_at_once(work: Callable[[int], Answer], number: int) -> list[Answer]:
    """Call from as many threads, which begin together."""
    barrier = threading.Barrier(number)

    def begun(index: int) -> Answer:
        barrier.wait()
        return work(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begun, range(number)))


def assert_both_sides_equal(platform: Platform, account: Account) -> list[int]:
    """Compare the database with the agency; return the numbers, which have no gap."""
    ours = platform.rows(
        "SELECT point_of_sale, number, cae, request::jsonb->>'net' FROM invoices "
        "WHERE account_id = %s AND status IN ('authorized', 'recovered') ORDER BY 1, 2",
        account.id,
    )
    theirs = platform.authorized(account)
    assert [(place, number, cae) for place, number, cae, _ in ours] == [
        (one["point_of_sale"], one["number"], one["cae"]) for one in theirs
    ]
    for (*_, net), known in zip(ours, theirs, strict=True):
        assert net in (known["fields"]["ImpNeto"], None)
    for place in {one["point_of_sale"] for one in theirs}:
        numbers = [one["number"] for one in theirs if one["point_of_sale"] == place]
        assert numbers == list(range(1, len(numbers) + 1))
    return [one["number"] for one in theirs]


def test_an_invoice_is_issued_read_and_listed(
    platform: Platform, task: Task, account: Account
) -> None:
    """It has a number, a CAE and a document, and the agency has the same."""
    made = issue(task, account, "a", customer={"document_type": "DNI", "document_number": "123"})
    assert (made.status, made.body["number"], made.body["total"]) == (201, 1, "121.00")
    (known,) = platform.authorized(account)
    assert (known["cae"], known["fields"]["DocNro"]) == (made.body["cae"], "123")
    read = task.ask("GET", made.headers["Location"], headers=account.headers)
    assert (read.status, read.body) == (200, made.body)
    listed = task.ask("GET", "/v1/invoices?point_of_sale=1", headers=account.headers)
    assert listed.body == {"invoices": [made.body]}
    assert_both_sides_equal(platform, account)


def test_the_document_is_stored(platform: Platform, task: Task, account: Account) -> None:
    """The object is what the API answers."""
    made = issue(task, account, "a")
    key = f"invoices/{account.id}/{made.body['id']}.json"
    stored = wait(
        lambda: platform.rows(
            "SELECT 1 FROM invoices WHERE id = %s AND document_stored_at IS NOT NULL",
            made.body["id"],
        )
    )
    assert stored
    found = platform.s3().get_object(Bucket=platform.environment["DOCUMENTS_BUCKET"], Key=key)
    import json

    assert json.loads(found["Body"].read()) == made.body


def test_a_key_gives_one_invoice(platform: Platform, task: Task, account: Account) -> None:
    """The same body gets the same answer, another body is refused, also in a race."""
    answers = all_at_once(lambda _: issue(task, account, "a"), 6)
    assert [one.status for one in answers] == [201] * 6
    assert len({one.body["id"] for one in answers}) == 1
    replays = [one.headers.get("Idempotent-Replayed") for one in answers]
    assert sorted(replays, key=str) == [None, *["true"] * 5]
    other = issue(task, account, "a", net="1.00")
    assert (other.status, other.body["error"]["code"]) == (422, "idempotency_key_reused")
    assert assert_both_sides_equal(platform, account) == [1]


def test_a_key_belongs_to_an_account(platform: Platform, task: Task, account: Account) -> None:
    """Another account may use the same key, and sees no invoice of the first."""
    other = platform.account(task)
    mine, theirs = issue(task, account, "a"), issue(task, other, "a")
    assert (mine.status, theirs.status, mine.body["id"] != theirs.body["id"]) == (201, 201, True)
    assert task.ask("GET", mine.headers["Location"], headers=other.headers).status == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"net": 100}, "net"),
        ({"net": "0.001"}, "net"),
        ({"net": "0"}, "net"),
        ({"point_of_sale": 0}, "point_of_sale"),
        ({"point_of_sale": True}, "point_of_sale"),
        ({"type": "X"}, "type"),
        ({"vat_rate": "20"}, "vat_rate"),
        ({"type": "C"}, "vat_rate"),
        ({"customer": {"document_type": "DNI"}}, "customer.document_number"),
    ],
)
def test_a_wrong_invoice_is_refused(
    task: Task, account: Account, changes: dict[str, Any], field: str
) -> None:
    """The answer names the fields."""
    answer = issue(task, account, "wrong", **changes)
    assert (answer.status, answer.body["error"]["fields"]) == (422, [field])


def test_the_service_needs_a_key_and_json(task: Task, account: Account) -> None:
    """Each with a code of its own."""
    no_key = task.ask("POST", "/v1/invoices", json=invoice(), headers=account.headers)
    assert (no_key.status, no_key.body["error"]["code"]) == (400, "idempotency_key")
    headers = account.headers | {"Idempotency-Key": "a"}
    no_json = task.ask("POST", "/v1/invoices", content=b"{", headers=headers)
    assert (no_json.status, no_json.body["error"]["code"]) == (400, "invalid_json")
    large = task.ask("POST", "/v1/invoices", content=b" " * 70_000, headers=headers)
    assert (large.status, large.body["error"]["code"]) == (413, "too_large")


FAULTS = ["refused", "lost", "http", "internal", "internal_after", "stale", "twice"]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_costs_no_number_and_gives_no_second_cae(
    platform: Platform, task: Task, account: Account, kind: str
) -> None:
    """Whether the agency carried the call out or not, the invoice gets one CAE."""
    assert issue(task, account, "before").status == 201
    platform.fault(kind)
    made = issue(task, account, "hit")
    assert (made.status, made.body["number"]) == (201, 2)
    assert issue(task, account, "after").body["number"] == 3
    assert assert_both_sides_equal(platform, account) == [1, 2, 3]


def test_a_timeout_is_no_refusal(platform: Platform, task: Task, account: Account) -> None:
    """The agency authorizes after we gave up; the invoice gets that CAE."""
    platform.fault("slow", seconds=2.6)
    made = issue(task, account, "late")
    assert (made.status, made.body["number"]) == (201, 1)
    assert assert_both_sides_equal(platform, account) == [1]


def test_a_refused_invoice_frees_its_number(
    platform: Platform, task: Task, account: Account
) -> None:
    """The refusal is the answer of that key, and the next invoice takes the number."""
    platform.fault("rejected")
    refused = issue(task, account, "bad")
    assert (refused.status, refused.body["rejection"]["code"]) == (422, "10063")
    assert issue(task, account, "good").body["number"] == 1
    assert issue(task, account, "bad").body == refused.body
    assert assert_both_sides_equal(platform, account) == [1]


def test_numbers_have_no_gap_under_load_and_faults(
    platform: Platform, task: Task, account: Account
) -> None:
    """Many customers' requests at once, two points of sale, every third call of ARCA hit."""
    for kind in FAULTS:
        platform.fault(kind, times=3, probability=0.3)
    answers = all_at_once(
        lambda index: issue(task, account, str(index), point_of_sale=1 + index % 2), 16
    )
    assert {one.status for one in answers} <= {201, 202}
    for index in range(16):
        again = wait(lambda index=index: settled(task, account, str(index), 1 + index % 2))
        assert again.body["number"] is not None
    numbers = assert_both_sides_equal(platform, account)
    assert len(numbers) == 16


def settled(task: Task, account: Account, key: str, place: int) -> Answer | None:
    """Return the answer of a key; None while its invoice waits."""
    answer = issue(task, account, key, point_of_sale=place)
    return answer if answer.status == 201 else None


def test_invoices_that_the_database_lost_are_taken_over(
    platform: Platform, task: Task, account: Account
) -> None:
    """After a failover with a loss: the agency's last number decides, and nothing repeats."""
    first = [issue(task, account, f"k{number}", net=f"{number}.00") for number in (1, 2, 3)]
    lost = [one.body["id"] for one in first[1:]]
    platform.rows("DELETE FROM invoices WHERE id = ANY(%s)", lost)
    platform.rows("UPDATE sequences SET last_number = 1 WHERE account_id = %s", account.id)
    # The same amount as a lost invoice that is old: it is another order.
    platform.state_is_older(account)
    made = issue(task, account, "new", net="2.00")
    assert (made.status, made.body["number"]) == (201, 4)
    assert assert_both_sides_equal(platform, account) == [1, 2, 3, 4]
    recovered = platform.rows(
        "SELECT number FROM invoices WHERE account_id = %s AND status = 'recovered' ORDER BY 1",
        account.id,
    )
    assert recovered == [(2,), (3,)]
    assert task.wait_for("arca.recovered")["level"] == "ERROR"
