"""Refresh the table of prices from AWS's Price List API.

A usage type must match exactly one product with one price on demand. Anything else is not priced,
with the reason, because a guess between two products would look like a fact.

Source: AWS Price List Query API reference, GetProducts.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from arca.cost.price_table import ANYWHERE, Key, Price, Prices

SOURCE = "AWS Price List API, GetProducts"
REGION = "us-east-1"
"""One of the three regions with the API; each has the prices of all (AWS General Reference, "AWS
Billing and Cost Management endpoints and quotas")."""
CLOUDFLARE = "Cloudflare"
"""The service code of this table's own for what AWS does not sell."""
REGION_PREFIX = r"(?:[A-Z]{2,4}\d?-)?"
"""What stands before a usage type outside us-east-1: `SAE1-`, `EU-`."""
PAGE = 100
SUSPICIOUS = 10
"""A price that changes by this factor has probably another unit than before."""


class PriceList(Protocol):
    """The client of the Price List API, as far as it is used."""

    def get_products(self, **parameters: Any) -> Mapping[str, Any]:
        """Return a page of products, each as JSON text, and the token of the next page."""
        ...


@dataclass(frozen=True)
class Change:
    """What became of a row."""

    key: Key
    before: float | None
    after: float | None
    why: str
    """Why it is not priced; empty where it is."""

    @property
    def suspicious(self) -> bool:
        """True where both prices are known and too far apart for the same unit."""
        if self.before is None or self.after is None:
            return False
        low, high = sorted((self.before, self.after))
        return high > low * SUSPICIOUS


@dataclass(frozen=True)
class Refreshed:
    """The new table and what changed in it."""

    prices: Prices
    changes: tuple[Change, ...]
    """The rows whose price is new, another or gone."""
    not_priced: tuple[Change, ...]
    """The rows for which the API gives no price."""


def refresh(prices: Prices, wanted: Iterable[Key], api: PriceList, *, today: date) -> Refreshed:
    """Ask the API for every row, and for what is wanted and has none; Cloudflare's stay."""
    rows = dict(prices.rows)
    missing = (key for key in wanted if prices.find(key) is None)
    changes: list[Change] = []
    for key in sorted({*rows, *missing}):
        if key.service == CLOUDFLARE:
            continue
        before = rows.get(key)
        unit = before.unit if before else _unit(key, prices)
        after = _ask(key, unit, api, today)
        rows[key] = after
        why = after.source if after.price is None else ""
        changes.append(Change(key, before.price if before else None, after.price, why))
    return Refreshed(
        Prices(rows.values()),
        tuple(one for one in changes if one.before != one.after),
        tuple(one for one in changes if one.after is None),
    )


def _unit(key: Key, prices: Prices) -> str:
    """Return the unit of another row of the same kind; empty where there is none."""
    kind = key.usage_type.partition(":")[0]
    return next(
        (
            row.unit
            for other, row in sorted(prices.rows.items())
            if other.service == key.service and other.usage_type.partition(":")[0] == kind
        ),
        "",
    )


def _ask(key: Key, unit: str, api: PriceList, today: date) -> Price:
    none = Price(key, unit or "unknown", None, today.isoformat(), "none", "")
    if not unit:
        return replace(none, source=f"{SOURCE}: no row of this kind says in which unit it is used")
    found = list(_products(key, api))
    if len(found) != 1:
        return replace(none, source=f"{SOURCE}: {len(found)} products, not one")
    tiers = [
        dimension
        for offer in found[0].get("terms", {}).get("OnDemand", {}).values()
        for dimension in offer["priceDimensions"].values()
    ]
    offers = len(found[0].get("terms", {}).get("OnDemand", {}))
    if offers != 1:
        return replace(none, source=f"{SOURCE}: {offers} offers on demand, not one")
    charged = [one for one in tiers if float(one["pricePerUnit"].get("USD") or 0) > 0]
    if not charged:
        return replace(none, source=f"{SOURCE}: no tier has a price in USD")
    # The first tier: what a stack of this size uses. Further tiers are cheaper.
    first = min(charged, key=lambda one: float(one["beginRange"]))
    if _by_the_hour(first["unit"]) != _by_the_hour(unit):
        return replace(none, source=f"{SOURCE}: the unit is {first['unit']}, not {unit}")
    price = float(first["pricePerUnit"]["USD"])
    return Price(key, unit, price, today.isoformat(), "list", SOURCE)


def _products(key: Key, api: PriceList) -> Iterator[Mapping[str, Any]]:
    """Yield the products whose usage type is this one, with or without a region's prefix."""
    usage_type = re.compile(REGION_PREFIX + re.escape(key.usage_type))
    terms = {} if key.region == ANYWHERE else {"regionCode": key.region}
    filters = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value}
        for name, value in {**terms, **key.attributes}.items()
    ]
    filters.append({"Type": "CONTAINS", "Field": "usagetype", "Value": key.usage_type})
    page: dict[str, Any] = {}
    while True:
        answer = api.get_products(
            ServiceCode=key.service,
            Filters=filters,
            FormatVersion="aws_v1",
            MaxResults=PAGE,
            **page,
        )
        for text in answer["PriceList"]:
            product = json.loads(text)
            if usage_type.fullmatch(product["product"]["attributes"].get("usagetype", "")):
                yield product
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


def _by_the_hour(unit: str) -> bool:
    return re.search(r"h(ou)?rs?\b", unit.lower()) is not None
