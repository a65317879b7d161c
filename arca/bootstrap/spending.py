"""The account's monthly budget: who is told, and what review stacks are refused by."""

from typing import Any

from arca.bootstrap.pieces import Aspect, Piece
from arca.clients import Account, account_client

NAME = "arca-monthly"
WARNINGS = (("ACTUAL", 80), ("FORECASTED", 100))
"""Kinds and percents of which the contact hears; AWS counts some three times a day (AWS Cost
Management User Guide, "Managing your costs with AWS Budgets")."""


def budget(account: Account, dollars: int, contact: str) -> Piece:
    """All costs of the account in a calendar month, in US dollars."""
    budgets = account_client(account, "budgets")
    named: dict[str, Any] = {"AccountId": account.account_id, "BudgetName": NAME}

    def found() -> dict[str, Any]:
        try:
            return dict(budgets.describe_budget(**named)["Budget"])
        except budgets.exceptions.NotFoundException:
            return {}

    def create() -> None:
        budgets.create_budget(
            AccountId=account.account_id,
            Budget={
                "BudgetName": NAME,
                "BudgetLimit": {"Amount": str(dollars), "Unit": "USD"},
                "TimeUnit": "MONTHLY",
                "BudgetType": "COST",
            },
            NotificationsWithSubscribers=[
                {
                    "Notification": _warning(kind, percent),
                    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": contact}],
                }
                for kind, percent in WARNINGS
            ],
        )

    def anew() -> None:
        # What was spent is AWS's own count and outlives the budget that it is held against.
        budgets.delete_budget(**named)
        create()

    def warns() -> bool:
        listed = budgets.describe_notifications_for_budget(**named)["Notifications"]
        kept = {(one["NotificationType"], one["Threshold"]) for one in listed}
        return kept == {(kind, float(percent)) for kind, percent in WARNINGS}

    return Piece(
        f"budget {NAME}",
        lambda: bool(found()),
        create,
        (
            Aspect(f"{dollars} USD", lambda: _dollars(found()) == dollars, anew),
            Aspect("warnings", warns, anew),
        ),
    )


def _dollars(found: dict[str, Any]) -> float:
    return float(found["BudgetLimit"]["Amount"])


def _warning(kind: str, percent: int) -> dict[str, Any]:
    return {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
