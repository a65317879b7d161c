"""An emulated AWS for the tests of commands, and functions that run a command in this process."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
from click.testing import CliRunner, Result

from arca.cli.main import cli
from arca.clock import Clock
from tests.stacks import graph


class Cloud:
    """An emulated AWS, and the record of a stack that is up in it."""

    def __init__(self, endpoint: str, state: Path) -> None:
        self.endpoint, self.state = endpoint, state
        self.clock = Clock()
        """The clock that the commands read too; tests/conftest.py moves it."""
        (state / "exports").mkdir(parents=True)
        exports = json.dumps(graph("prod").outputs)
        (state / "exports" / "prod.json").write_text(exports, encoding="utf-8")
        record: dict[str, Any] = {"endpoint": endpoint, "stacks": {"prod": {}}}
        (state / "cloud.json").write_text(json.dumps(record), encoding="utf-8")

    def client(self, service: str) -> Any:
        """Make a client of boto3 itself, without the product's code."""
        make = cast("Any", boto3.client)
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name="sa-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the emulation checks none
        )

    def count(self, **metrics: float) -> None:
        """Put counts of the service for the last 48 hours, the current hour and the next half hour.

        The current hour may end before the test does.
        """
        hour = self.clock.now().replace(minute=0, second=0, microsecond=0)
        for name, value in metrics.items():
            moments = [hour - timedelta(hours=number, minutes=30) for number in range(-1, 48)]
            self.put(dict.fromkeys(moments, value), name)

    def put(self, values: Mapping[datetime, float], name: str) -> None:
        """Put values of one of the service's metrics."""
        self._put("arca-api", name, {"Stage": "prod"}, values)

    def probe(self, values: Mapping[datetime, float]) -> None:
        """Put results of the probe's runs, in percent."""
        exports = json.loads((self.state / "exports" / "prod.json").read_text(encoding="utf-8"))
        canary = exports["observability"]["bindings"]["canary"][0]
        self._put("CloudWatchSynthetics", "SuccessPercent", {"CanaryName": canary}, values)

    def _put(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        values: Mapping[datetime, float],
    ) -> None:
        pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        self.client("cloudwatch").put_metric_data(
            Namespace=namespace,
            MetricData=[
                {"MetricName": name, "Value": value, "Timestamp": moment, "Dimensions": pairs}
                for moment, value in values.items()
            ],
        )

    def log(self, group: str, *lines: str, ago: int = 60) -> None:
        """Put lines into a log group."""
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
        base = int((self.clock.now().timestamp() - ago) * 1000)
        events = [{"timestamp": base + n, "message": line} for n, line in enumerate(lines)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def arca(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, list(arguments))


def as_json(*arguments: str) -> Any:
    """Run a command and read its JSON."""
    result = arca(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
