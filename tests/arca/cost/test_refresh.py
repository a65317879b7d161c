"""Refreshing the prices, against answers that botocore checks with AWS's own model."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from botocore.stub import Stubber

from arca.cost.price_table import Key, Price, Prices
from arca.cost.refresh import Refreshed, refresh
from tests.arca.cost.graphs import priced, pricing_client, table

TODAY = date(2026, 11, 28)
NAT = Key("sa-east-1", "AmazonEC2", "NatGateway-Hours")
FILTERS = [
    {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "sa-east-1"},
    {"Type": "CONTAINS", "Field": "usagetype", "Value": "NatGateway-Hours"},
]


@pytest.fixture
def api() -> Iterator[tuple[Any, Stubber]]:
    """Return a client of the Price List API and what stands in for AWS."""
    client = pricing_client()
    with Stubber(client) as stubber:
        yield client, stubber


def product(
    usage_type: str, *tiers: tuple[str, str], unit: str = "Hrs", currency: str = "USD"
) -> str:
    """Return a product as the API does: JSON text with a price for each tier's beginning."""
    dimensions = {
        f"tier{number}": {
            "unit": unit,
            "beginRange": begin,
            "endRange": "Inf",
            "pricePerUnit": {currency: price},
        }
        for number, (begin, price) in enumerate(tiers)
    }
    return json.dumps(
        {
            "product": {"sku": "X", "attributes": {"usagetype": usage_type}},
            "terms": {"OnDemand": {"X.1": {"priceDimensions": dimensions}}},
        }
    )


def asked(
    api: tuple[Any, Stubber],
    *pages: tuple[str, ...],
    rows: Prices | None = None,
    filters: list[dict[str, str]] | None = None,
    wanted: tuple[Key, ...] = (),
) -> Refreshed:
    """Refresh a table of one NAT gateway, where the API answers with these pages."""
    client, stubber = api
    for number, page in enumerate(pages):
        last = number == len(pages) - 1
        parameters: dict[str, Any] = {
            "ServiceCode": "AmazonEC2",
            "Filters": filters or FILTERS,
            "FormatVersion": "aws_v1",
            "MaxResults": 100,
        }
        if number:
            parameters["NextToken"] = str(number)
        answer: Mapping[str, Any] = {
            "FormatVersion": "aws_v1",
            "PriceList": list(page),
            **({} if last else {"NextToken": str(number + 1)}),
        }
        stubber.add_response("get_products", answer, parameters)
    table_before = rows or table(priced("AmazonEC2", "NatGateway-Hours", 0.08))
    found = refresh(table_before, wanted, client, today=TODAY)
    stubber.assert_no_pending_responses()
    return found


def test_one_product_gives_the_price(api: tuple[Any, Stubber]) -> None:
    """With its day and its source; the region's prefix does not count."""
    found = asked(api, (product("SAE1-NatGateway-Hours", ("0", "0.0930000000")),))
    assert found.prices.rows[NAT] == Price(
        NAT, "hour", 0.093, "2026-11-28", "list", "AWS Price List API, GetProducts"
    )
    assert [(one.before, one.after) for one in found.changes] == [(0.08, 0.093)]
    assert found.not_priced == ()


def test_an_equal_price_is_no_change(api: tuple[Any, Stubber]) -> None:
    """Only its day is new."""
    found = asked(api, (product("SAE1-NatGateway-Hours", ("0", "0.08")),))
    assert found.changes == ()
    assert found.prices.rows[NAT].date == "2026-11-28"


@pytest.mark.parametrize(
    ("products", "why"),
    [
        ((), "0 products, not one"),
        ((product("NatGateway-Hours", ("0", "1")),) * 2, "2 products, not one"),
        ((product("SAE1-NatGateway-Hours-Idle", ("0", "1")),), "0 products, not one"),
        ((product("SAE1-Shield-NatGateway-Hours", ("0", "1")),), "0 products, not one"),
        ((product("NatGateway-Hours", ("0", "0")),), "no tier has a price in USD"),
        ((product("NatGateway-Hours", ("0", "1"), currency="CNY"),), "no tier has a price in USD"),
        ((product("NatGateway-Hours", ("0", "1"), unit="GB-Mo"),), "the unit is GB-Mo, not hour"),
        (
            (json.dumps({"product": {"attributes": {"usagetype": "NatGateway-Hours"}}}),),
            "0 offers on demand, not one",
        ),
    ],
)
def test_anything_else_is_not_priced(
    api: tuple[Any, Stubber], products: tuple[str, ...], why: str
) -> None:
    """No product, several, another usage type, no price, another currency, another unit."""
    found = asked(api, products)
    row = found.prices.rows[NAT]
    assert (row.price, row.certainty) == (None, "none")
    assert why in row.source
    assert [(one.key, one.why) for one in found.not_priced] == [(NAT, row.source)]
    assert [(one.before, one.after) for one in found.changes] == [(0.08, None)]


def test_the_first_tier_that_is_charged_counts(api: tuple[Any, Stubber]) -> None:
    """A free tier comes first, and tiers are not in order."""
    tiers = (("10240", "0.05"), ("0", "0"), ("100", "0.09"))
    found = asked(api, (product("SAE1-NatGateway-Hours", *tiers),))
    assert found.prices.rows[NAT].price == 0.09


def test_every_page_is_read(api: tuple[Any, Stubber]) -> None:
    """A second product on the second page makes the first one ambiguous."""
    one = product("SAE1-NatGateway-Hours", ("0", "0.093"))
    found = asked(api, (one,), (one,))
    assert "2 products" in found.prices.rows[NAT].source


def test_attributes_narrow_and_the_whole_world_has_no_region(api: tuple[Any, Stubber]) -> None:
    """The filters are those of the row."""
    row = priced("AmazonEC2", "X", 1, narrowed_by="a=b;c=d", region="any")
    filters = [
        {"Type": "TERM_MATCH", "Field": "a", "Value": "b"},
        {"Type": "TERM_MATCH", "Field": "c", "Value": "d"},
        {"Type": "CONTAINS", "Field": "usagetype", "Value": "X"},
    ]
    asked(api, (product("X", ("0", "2")),), rows=table(row), filters=filters)


def test_what_is_wanted_gets_a_row(api: tuple[Any, Stubber]) -> None:
    """Its unit is that of another row of its kind."""
    known = priced("AmazonEC2", "BoxUsage:small", 1, region="any")
    wanted = Key("sa-east-1", "AmazonEC2", "BoxUsage:large")
    client, stubber = api
    for name in ("small", "large"):
        answer = {"PriceList": [product(f"BoxUsage:{name}", ("0", "2"))]}
        stubber.add_response("get_products", answer)
    found = refresh(table(known), [wanted], client, today=TODAY)
    assert (found.prices.rows[wanted].price, found.prices.rows[wanted].unit) == (2, "hour")


def test_a_kind_without_a_unit_is_not_asked_for(api: tuple[Any, Stubber]) -> None:
    """Nobody says in which unit it is used, so no price would mean anything."""
    client, _ = api
    wanted = Key("sa-east-1", "AmazonNew", "Thing")
    found = refresh(table(), [wanted], client, today=TODAY)
    assert found.prices.rows[wanted].price is None
    assert "in which unit" in found.not_priced[0].why


def test_cloudflares_prices_stay(api: tuple[Any, Stubber]) -> None:
    """AWS has no list of them, and is not asked."""
    client, _ = api
    plan = priced("Cloudflare", "plan-pro", 20, region="any")
    found = refresh(table(plan), (), client, today=TODAY)
    assert found.prices.rows == {plan.key: plan}


@pytest.mark.parametrize(("price", "suspicious"), [("0.9", True), ("0.79", False), ("0.007", True)])
def test_a_leap_is_suspicious(api: tuple[Any, Stubber], price: str, *, suspicious: bool) -> None:
    """A price a million, or an hour, looks like a change of more than ten times."""
    found = asked(api, (product("NatGateway-Hours", ("0", price)),))
    assert [one.suspicious for one in found.changes] == [suspicious]
