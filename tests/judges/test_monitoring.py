"""The metrics that alarms and dashboards read, and the collector's configuration."""

import pytest

from tests.judges import collector, metrics
from tests.judges.expected import unexpected
from tests.stacks import STACKS, graph, settings_of


@pytest.mark.parametrize("stack", STACKS)
def test_every_metric_exists_in_its_region(stack: str) -> None:
    """A misspelt metric or dimension leaves an alarm without data for ever."""
    assert unexpected(stack, metrics.judge(graph(stack)), "metrics") == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_collector_takes_its_configuration(stack: str) -> None:
    """A collector that refuses its configuration leaves no trace."""
    assert settings_of(stack).service.collector.enabled
    assert collector.judge(graph(stack)) == []
