"""Metrics in log lines, as CloudWatch Logs extracts them.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". A line that breaks
the specification yields no metric, and stays a log line.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

MOST_VALUES = 100
"""Values of a metric in one line."""


def metric_data(lines: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the metrics of log lines by namespace, as PutMetricData takes them."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        # Reading each line as JSON would take longer than all the rest.
        if '"_aws"' not in line:
            continue
        try:
            event = json.loads(line)
            for namespace, datum in _of(event):
                found[namespace].append(datum)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _of(event: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the metrics of one line; raises what a line that breaks the specification raises."""
    moment = datetime.fromtimestamp(event["_aws"]["Timestamp"] / 1000, tz=UTC)
    for directive in event["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            named = [{"Name": name, "Value": str(event[name])} for name in dimensions]
            for metric in directive["Metrics"]:
                value = event.get(metric["Name"])
                if value is None:
                    continue
                values = cast("list[Any]", value if isinstance(value, list) else [value])
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": named,
                        "Timestamp": moment,
                        "Unit": metric.get("Unit", "None"),
                        "Values": [float(one) for one in values[:MOST_VALUES]],
                        "Counts": [1.0] * len(values[:MOST_VALUES]),
                    },
                )
