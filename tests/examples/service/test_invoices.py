"""Invoices get numbers and CAEs."""

from tests.examples.service.platform import Account, Platform, Task, invoice


def test_an_invoice_is_issued(platform: Platform, task: Task, account: Account) -> None:
    """The vertical: a number, a CAE, and the same at the agency."""
    answer = task.ask(
        "POST", "/v1/invoices", json=invoice(), headers=account.headers | {"Idempotency-Key": "a"}
    )
    assert answer.status == 201, answer
    assert answer.body["number"] == 1
    (known,) = platform.authorized(account)
    assert known["cae"] == answer.body["cae"]
