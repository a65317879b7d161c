"""Alarms on Redis, each on every node."""

from arca.monitoring.alarm import Alarm
from arca.monitoring.table.build import ABOVE, AT_LEAST, BELOW, metric_alarm
from arca.monitoring.thresholds import Thresholds


def cache(t: Thresholds) -> tuple[Alarm, ...]:
    """Alarms of a cache that serves."""
    book = "redis-out-of-memory"
    return (
        metric_alarm(
            name="cache-memory",
            metric="cache.memory",
            comparison=ABOVE,
            threshold=t.cache_memory_percent,
            severity="SEV3",
            runbook=book,
            meaning="A cache node is nearly full.",
            of=5,
        ),
        metric_alarm(
            name="cache-evictions",
            metric="cache.evictions",
            comparison=AT_LEAST,
            threshold=t.cache_evictions_per_minute,
            severity="SEV3",
            runbook=book,
            meaning="A cache node throws out keys that are still in use.",
            of=10,
            needed=5,
        ),
        metric_alarm(
            name="cache-hit-rate",
            metric="cache.hit-rate",
            comparison=BELOW,
            threshold=t.cache_hit_percent,
            severity="SEV4",
            runbook=book,
            meaning="Few look-ups find their key; the database does the work twice.",
            period=300,
            of=12,
        ),
    )
