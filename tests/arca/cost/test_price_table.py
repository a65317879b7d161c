"""The table of prices: what is committed, and what is refused."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from arca.cost import price_table
from arca.cost.price_table import COLUMNS, Key, Prices
from arca.errors import ArcaError
from tests.arca.cost.graphs import priced

HEAD = ",".join(COLUMNS)
GOOD = "sa-east-1,AmazonEC2,NatGateway-Hours,,hour,0.093,2026-11-28,list,a page"


def refused(tmp_path: Path, *lines: str) -> str:
    """Read a table of these lines; return what refuses it."""
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ArcaError) as error:
        price_table.read(path)
    return str(error.value)


def test_the_committed_table_is_as_it_is_written() -> None:
    """A refresh that changes nothing changes no byte."""
    text = price_table.PATH.read_text(encoding="utf-8")
    assert price_table.written(price_table.read()) == text


def test_every_committed_price_has_a_day_and_a_source() -> None:
    """No price is older than three years, and none is without a source."""
    rows = price_table.read().rows.values()
    assert len(rows) > 100
    newest = max(date.fromisoformat(row.date) for row in rows)
    for row in rows:
        assert newest - date.fromisoformat(row.date) < timedelta(days=3 * 365), row.key
        assert len(row.source) > 10, row.key
    assert Counter(row.certainty for row in rows)["none"] < len(rows) / 3


def test_one_price_of_the_whole_world_serves_every_region() -> None:
    """Its own region's price comes first."""
    prices = Prices(
        [
            priced("AmazonRoute53", "HostedZone", 0.5, region="any"),
            priced("AmazonRoute53", "Other", 1, region="any"),
            priced("AmazonRoute53", "Other", 2),
        ]
    )
    found = {
        name: prices.find(Key("sa-east-1", "AmazonRoute53", name))
        for name in ("HostedZone", "Other")
    }
    assert {name: row and row.price for name, row in found.items()} == {
        "HostedZone": 0.5,
        "Other": 2,
    }
    assert prices.find(Key("sa-east-1", "AmazonRoute53", "Unknown")) is None


def test_small_prices_are_written_without_an_exponent() -> None:
    """A price of 0.0000006 a request stays readable and exact."""
    prices = Prices([priced("awswaf", "RequestV2-Tier1", 0.0000006)])
    assert ",0.0000006," in price_table.written(prices)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (GOOD.replace("0.093", "0"), "the price is 0"),
        (GOOD.replace("0.093", "-1"), "the price is -1"),
        (GOOD.replace("0.093", "nan"), "the price is nan"),
        (GOOD.replace("0.093", "cheap"), "could not convert"),
        (GOOD.replace("0.093", ""), "only a row without a price"),
        (GOOD.replace(",list,", ",none,"), "only a row without a price"),
        (GOOD.replace(",list,", ",sure,"), "the certainty is 'sure'"),
        (GOOD.replace("2026-11-28", "yesterday"), "isoformat"),
        (GOOD.replace("a page", ""), "the column source is empty"),
        (GOOD + ",more", "the row has not 9 cells"),
        ("sa-east-1,AmazonEC2", "the row has not 9 cells"),
    ],
)
def test_a_row_is_refused_with_its_line(tmp_path: Path, line: str, part: str) -> None:
    """0 is not a price: what is not known is empty."""
    text = refused(tmp_path, HEAD, GOOD.replace("Hours", "Other"), line)
    assert part in text
    assert "prices.csv:3" in text


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Another table, the same row twice, and no file at all."""
    assert "the columns are not" in refused(tmp_path, "a,b", "1,2")
    assert "stands there twice" in refused(tmp_path, HEAD, GOOD, GOOD)
    with pytest.raises(ArcaError, match="cannot be read"):
        price_table.read(tmp_path / "none.csv")
