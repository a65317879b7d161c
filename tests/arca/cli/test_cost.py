"""`arca cost` and `arca prices`, on the real stacks' graphs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner, Result

from arca import clients
from arca.cli import graphs
from arca.cli.main import cli
from arca.cost import price_table
from arca.cost.estimate import estimate
from arca.errors import ArcaError, ExitCode, Refused
from tests.arca.cost.graphs import priced, pricing_client, stack_graph, table

SPAN = {
    "type": "object",
    "required": ["low", "expected", "high"],
    "additionalProperties": False,
    "properties": {name: {"type": "number", "minimum": 0} for name in ("low", "expected", "high")},
}
SPAN_OR_NULL = {"anyOf": [SPAN, {"type": "null"}]}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["stacks"],
    "additionalProperties": False,
    "properties": {
        "stacks": {
            "additionalProperties": {
                "type": "object",
                "required": ["stack", "region", "currency", "total", "components", "not_priced"],
                "properties": {
                    "currency": {"const": "USD"},
                    "total": SPAN,
                    "components": {
                        "additionalProperties": {
                            "required": ["cost", "not_priced"],
                            "properties": {"cost": SPAN_OR_NULL, "not_priced": {"type": "integer"}},
                        }
                    },
                    "lines": {"items": {"properties": {"cost": SPAN_OR_NULL}}},
                },
            }
        }
    },
}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the commands the graphs that the tests have recorded."""

    def graph(_: graphs.Recorder, stack: str) -> Any:
        return stack_graph(stack)

    monkeypatch.setattr(graphs.Recorder, "graph", graph)


def run(*words: str) -> Result:
    """Run the command line; a known failure is raised."""
    return CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)


@pytest.mark.usefixtures("recorded")
def test_json_has_its_schema_and_the_estimate() -> None:
    """Progress goes to stderr, so that stdout is JSON alone."""
    done = run("cost", "dev", "prod", "--json")
    content = json.loads(done.stdout)
    jsonschema.validate(content, SCHEMA)
    assert set(content["stacks"]) == {"dev", "prod"}
    expected = estimate(stack_graph("prod"), price_table.read()).total.expected
    assert content["stacks"]["prod"]["total"]["expected"] == expected
    assert "Recording prod" in done.stderr


@pytest.mark.usefixtures("recorded")
def test_the_table_lists_what_is_not_priced() -> None:
    """It is in words in the table and below it, never as 0."""
    done = run("cost", "dev")
    (registry,) = (line for line in done.stdout.splitlines() if "registry " in line)
    assert registry.count("not priced") == 3
    assert "0.00" not in registry
    assert "  registry: TimedStorage-ByteHrs" in done.stdout
    total = estimate(stack_graph("dev"), price_table.read()).total
    assert f"{total.expected:,.2f}" in done.stdout
    assert "NatGateway-Hours" not in done.stdout
    assert "NatGateway-Hours" in run("cost", "dev", "--lines").stdout


def test_an_unknown_stack_is_one_clear_error() -> None:
    """The real recorder reads its file first."""
    with pytest.raises(ArcaError, match="There is no stack 'prdo'") as error:
        run("cost", "prdo")
    assert error.value.exit_code == ExitCode.FAILED


@pytest.mark.slow
def test_the_recorder_records_what_the_tests_record() -> None:
    """A secondary's graph comes with its primary's real exports, and costs the same."""
    prices = price_table.read()
    recorder = graphs.Recorder()
    for stack in ("dr", "prod"):
        found, known = recorder.graph(stack), stack_graph(stack)
        names = [sorted((one.type, one.name) for one in both.resources) for both in (found, known)]
        assert names[0] == names[1]
        assert estimate(found, prices).total == estimate(known, prices).total
    assert recorder.graph("dr").primary is recorder.graph("prod")


class PriceApi:
    """A Price List API that has one price for every usage type."""

    def __init__(self, price: str) -> None:
        self.price = price

    def get_products(self, **parameters: Any) -> Mapping[str, Any]:
        """Answer with one product, in the unit of an hour."""
        (usage_type,) = (
            one["Value"] for one in parameters["Filters"] if one["Field"] == "usagetype"
        )
        dimension = {"unit": "Hrs", "beginRange": "0", "pricePerUnit": {"USD": self.price}}
        product = {
            "product": {"attributes": {"usagetype": usage_type}},
            "terms": {"OnDemand": {"X": {"priceDimensions": {"X": dimension}}}},
        }
        return {"PriceList": [json.dumps(product)]}


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Return a table of one NAT gateway."""
    path = tmp_path / "prices.csv"
    rows = table(priced("AmazonEC2", "NatGateway-Hours", 0.08))
    path.write_text(price_table.written(rows), encoding="utf-8")
    return path


def answer(monkeypatch: pytest.MonkeyPatch, api: Any) -> None:
    """Let this answer instead of AWS."""

    def client(_: clients.Account, __: str) -> Any:
        return api

    monkeypatch.setattr(clients, "account_client", client)


@pytest.mark.usefixtures("recorded")
def test_a_refresh_writes_the_table(prices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stacks use is asked for too; a dry run writes nothing."""
    answer(monkeypatch, PriceApi("0.09"))
    before = prices.read_text()
    dry = json.loads(run("prices", "refresh", "--file", str(prices), "--dry-run", "--json").stdout)
    assert prices.read_text() == before
    assert dry["written"] is False
    done = json.loads(run("prices", "refresh", "--file", str(prices), "--json").stdout)
    assert done["written"] is True
    rows = price_table.read(prices).rows.values()
    nat = {row.key.region: row.price for row in rows if row.key.usage_type == "NatGateway-Hours"}
    assert nat == {"sa-east-1": 0.09, "us-east-1": 0.09}
    # A usage type of a kind that the table lacks has no unit, so it stays without a price.
    assert [one for one in done["not_priced"] if "NodeUsage:cache" in one["key"]]


@pytest.mark.usefixtures("recorded")
def test_a_leap_is_refused(prices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 6 and no new table; `--force` writes it."""
    answer(monkeypatch, PriceApi("8"))
    before = prices.read_text()
    with pytest.raises(Refused, match=r"NatGateway-Hours in sa-east-1 changes from 0\.08 to 8"):
        run("prices", "refresh", "--file", str(prices))
    assert prices.read_text() == before
    done = run("prices", "refresh", "--file", str(prices), "--force")
    assert "AmazonEC2 NatGateway-Hours in sa-east-1: 0.08 -> 8" in done.stdout
    assert ",8," in prices.read_text()


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("UnrecognizedClientException", "log in again"),
        ("AccessDeniedException", "the permission for GetProducts"),
    ],
)
def test_bad_credentials_are_one_clear_error(
    prices: Path, monkeypatch: pytest.MonkeyPatch, code: str, part: str
) -> None:
    """The table stays as it was."""
    client = pricing_client()
    answer(monkeypatch, client)
    before = prices.read_text()
    with Stubber(client) as stubber:
        stubber.add_client_error("get_products", code, "no")
        with pytest.raises(ArcaError) as error:
            run("prices", "refresh", "--file", str(prices))
    assert str(error.value).startswith("The prices cannot be read")
    assert part in str(error.value)
    assert prices.read_text() == before
